"""`gate`: the rules of the gate as a table; with --calibrate how often it is wrong, as tables and as a page."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from itertools import groupby
from pathlib import Path

import numpy as np
import polars as pl

from data_checks import schema as s
from data_checks.feeds import split_feeds
from infra.settings import Settings
from infra.storage import Store, write_atomically
from pipelines.backfill import FEATURES, accepted_home, backfill
from pipelines.context import Context, open_context
from pipelines.definitions import features_sha256
from pipelines.estimators import plain_parameters
from pipelines.gate_fits import (
    KINDS,
    SEEDS,
    WEEKS_TO_LEARN_FROM,
    Twin,
    Year,
    answers_of,
    fits_of,
    mondays,
    twins_needed,
)
from pipelines.gate_power import GAINS, LONGEST, SHORTEST, DailyGains, daily_gains, power_curve
from pipelines.gate_trials import Bench, NothingToTry, Trial, rate_of, try_twins
from pipelines.judgement import looking_of, rules_of
from pipelines.registering import costs_of
from pipelines.worth import with_labels
from preflight import show
from preflight.gate_page import PICTURE, Calibration, outcome, page, tables

Answers = dict[Twin, np.ndarray]
RULES = {
    "confidence": "one-sided, of the gain in log loss",
    "harm_confidence": "one-sided, of a higher cost, and of all slices together that one is worse",
    "least_gain": "log loss, that the challenger gains on average at least",
    "fewest_flights": "flights with a label",
    "fewest_days": "days of flights",
    "lowest_auc": "AUC of the challenger at least",
    "largest_auc": "AUC at most: above it the future has leaked",
    "lowest_slice_auc": "AUC of every slice at least",
    "largest_slice_loss": "log loss that a slice may surely lose",
    "largest_calibration_error": "mean distance between what is said and what happens",
    "largest_gap": "gap between small and large carriers, or destinations, in shares missed or warned of",
    "largest_gap_rise": "how much wider than the champion's a gap may be",
    "largest_parity": "difference in probability between artefact and scikit-learn",
    "largest_bytes": "bytes of all files of the artefact",
    "largest_latency_us": "microseconds for one flight, median",
}
"""What each bound of the gate is about, with its unit."""


def rules(settings: Settings, as_json: bool) -> None:
    """Print every bound of the gate."""
    bounds = asdict(rules_of(settings))
    if not as_json:
        rows = [(name, f"{value:g}", RULES[name]) for name, value in bounds.items()]
        show.table("The bounds of the gate", {"bound": "left", "value": "right", "of": "left"}, rows)
    show.finish(f"gate: {len(bounds)} bounds; --calibrate measures how often they err", {"rules": bounds}, as_json)


def calibrate(settings: Settings, trials: int, path: Path | None, as_json: bool) -> None:
    """Measure the error rates; print the tables, and write the page and its picture to `path` if there is one."""
    measured = _measure(open_context(settings), trials)
    if path:
        from monitoring.gate_plots import plot_power

        picture = plot_power({power.gain: power.share for power in measured.powers}, measured.gate_days)
        write_atomically(path.parent / PICTURE, picture.encode())
        write_atomically(path, page(measured, path).encode())
    if not as_json:
        for title, columns, rows in tables(measured):
            show.table(title, columns, rows)
    document = {
        "rate": asdict(measured.rate) | {"share": measured.rate.share},
        "by_kind": {kind: asdict(rate) for kind, rate in measured.by_kind.items()},
        "trials": [asdict(trial) | {"monday": trial.monday.isoformat()} for trial in measured.trials],
        "power": [asdict(power) for power in measured.powers],
    }
    show.finish(outcome(measured), document, as_json)


def _measure(context: Context, trials: int) -> Calibration:
    settings = context.settings
    starts = mondays(settings.first_day, settings.last_day, settings.gate_days)
    _require_long_enough(settings, starts)
    twins = fits_of(starts, twins_needed(len(starts), trials))
    with show.progress(len(context.all_weeks()) + len(twins), "weeks and fits") as advance:
        year = _year(context, advance)
        answers = _answers(context, year, twins, advance)
    bench = Bench(rules_of(settings), looking_of(settings), costs_of(settings), settings.seed)
    tried = _trials(year, answers, bench, settings.gate_days)
    pairs = _pairs(year, answers, settings.retrain_every_weeks * 7)
    by_kind = {kind: [one for one in tried if one.kind == kind] for kind in KINDS}
    return Calibration(
        rate=rate_of(by_kind[SEEDS], settings.seed),
        by_kind={kind: rate_of(trials, settings.seed) for kind, trials in by_kind.items()},
        trials=by_kind[SEEDS],
        powers=[power_curve(pairs, gain, bench.rules, settings.seed) for gain in GAINS],
        pairs=len(pairs),
        gate_days=settings.gate_days,
        size=plain_parameters(settings).size,
    )


def _require_long_enough(settings: Settings, starts: list[date]) -> None:
    """Before anything is fitted: there has to be a later fit, an earlier one, and days to follow both."""
    needed = settings.retrain_every_weeks * 7 + SHORTEST
    followed = (settings.last_day - starts[0]).days + 1 if starts else 0
    if followed < needed:
        raise NothingToTry(
            f"expected {needed} days or more after the first {WEEKS_TO_LEARN_FROM} weeks, which are learned from, got "
            f"{followed}; choose a longer PREFLIGHT_FIRST_DAY to PREFLIGHT_LAST_DAY"
        )


def _year(context: Context, advance: Callable[[str], None]) -> Year:
    """The labelled flights of all weeks, their features kept in a folder of their own for the next time."""
    weeks = context.all_weeks()
    rows = "accepted" if context.has_accepted_year() else context.source.digest[:12]
    store = Store(context.store.path("gate", f"{features_sha256()[:12]}-{rows}"))
    inputs = accepted_home(context, store.home)
    for week in backfill(inputs, store.home, weeks, workers=2):
        advance(f"features of week {week.id}")
    world, airports = context.year(), _airports(context)
    labelled = with_labels(store.read_weeks(FEATURES, [week.id for week in weeks]), world.outcomes)
    return Year.of(labelled, world.schedule, airports)


def _airports(context: Context) -> pl.DataFrame:
    """As the home has them, or the source where the home has never lived."""
    if context.store.has_table("reference", "airports"):
        return context.store.read_table("reference", "airports")
    return split_feeds(context.source.tables(s.SOURCE_COLUMNS))["airports"]


def _answers(context: Context, year: Year, twins: list[Twin], advance: Callable[[str], None]) -> Answers:
    settings = context.settings
    parameters = plain_parameters(settings)
    found = {}
    for twin in twins:
        found[twin] = answers_of(context.store, year, twin, parameters, settings.gate_days).probability
        advance(f"{twin.monday:%d %B}, {twin.kind}, twin {twin.number + 1}")
    return found


def _trials(year: Year, answers: Answers, bench: Bench, gate_days: int) -> list[Trial]:
    tried = []
    for (monday, kind), twins in groupby(answers, key=lambda twin: (twin.monday, twin.kind)):
        flights = year.gate(monday, gate_days)
        said = [answers[twin][: len(flights.is_late)] for twin in twins]
        tried += try_twins(monday, kind, said, flights, bench)
    return tried


def _pairs(year: Year, answers: Answers, age_days: int) -> list[DailyGains]:
    """A later fit against one that was made so many days before, or as near to that as the fits lie."""
    followed = {twin.monday: said for twin, said in answers.items() if twin.is_followed}
    pairs = []
    for monday, said in followed.items():
        older = [one for one in followed if (monday - one).days >= age_days]
        if older:
            flights = year.gate(monday, LONGEST)
            rows = len(flights.is_late)
            since = followed[older[-1]][-len(said) :][:rows]
            pairs.append(daily_gains(since, said[:rows], flights.is_late, flights.day))
    return [pair for pair in pairs if len(pair.sums) >= SHORTEST]
