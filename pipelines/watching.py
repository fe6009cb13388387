"""A week held against what is normal: gathers its tables, asks the rules of monitoring, returns the facts on record."""

from dataclasses import asdict

import polars as pl

from data_checks import schema as s
from infra.stopwatch import part
from monitoring.alarms import WITH_LABELS
from monitoring.bands import FEWEST_WEEKS, rate_per_week
from monitoring.history_bands import read_coverage, read_history
from monitoring.labels import known_labels, without_label
from monitoring.normal import Normal, Reading, learn_normal, read_week
from monitoring.profiles import Profile, profile_of
from monitoring.week_facts import DAY, FROZEN, Coverage, tell_facts
from monitoring.windows import FALSE_ALARMS_PER_YEAR
from pipelines.clock import Week, local_day
from pipelines.context import Context
from pipelines.encoding import encode_features
from pipelines.feature_catalog import CATEGORICAL, CATEGORIES, NAMES
from pipelines.online_week import answers_of, count_modes, read_online
from pipelines.registering import costs_of
from pipelines.scoring import PROBABILITY, VERSION

NORMAL = "normal"
NEEDING_LABELS = WITH_LABELS - {"coverage"}
ROWS_SCORED = 2000
"""Of each reference week: what a band of a week's probabilities is learned from."""


def watch_week(context: Context, week: Week, features: pl.DataFrame) -> dict:
    """The facts of a scored week as known at its end, its readings, and the alarms that follow.

    Batch predictions, and what the service answered about the week's flights, as far as it was loaded.
    """
    before = [event for event in context.journal.events("monitor") if event["week"] < week.id and "coverage" in event]
    facts = watch(context, week, context.store.read_table("predictions", week.id), features, before)
    answers = answers_of(context, week)
    if answers.is_empty():
        return facts
    online = judge(list(read_online(context, week, answers)), week.id, is_provisional=False)
    return facts | {
        "online": count_modes(answers),
        "bands": facts["bands"] | online["bands"],
        "alarms": facts["alarms"] + online["alarms"],
    }


def watch_frozen_year(context: Context) -> list[dict]:
    """The facts of every scored week as they had been if the first champion had answered all of them."""
    version, lived = context.promoted_versions()[0], []
    for name in context.journal.weeks("score"):
        frozen = context.store.read_table("yardsticks", name).select(s.FLIGHT_ID, pl.col(FROZEN).alias(PROBABILITY))
        answers = context.store.read_table("predictions", name).drop(PROBABILITY)
        answers = answers.with_columns(pl.lit(version).alias(VERSION)).join(frozen, on=s.FLIGHT_ID)
        features = context.store.read_table("features", name)
        lived.append({"week": name} | watch(context, Week.from_id(name), answers, features, lived))
    return lived


def watch(context: Context, week: Week, predictions: pl.DataFrame, features: pl.DataFrame, before: list[dict]) -> dict:
    """As `watch_week`, of any predictions and with the facts of any weeks before."""
    facts = _facts(context, week, predictions, features)
    readings = _unlabelled(context, predictions, features)
    readings += read_history(facts, before, rate_per_week(FALSE_ALARMS_PER_YEAR))
    readings.append(read_coverage(facts))
    return facts | judge(readings, week.id, facts["coverage"]["is_provisional"])


def judge(readings: list[Reading], week: str, is_provisional: bool) -> dict:
    """Readings by detector, and the alarms of those that are out of their bands.

    `is_provisional`, of few labels, is what is told of those detectors alone that cannot do without.
    """
    alarms = [
        one.as_alarm(week, is_provisional and one.detector in NEEDING_LABELS) for one in readings if one.is_alarming
    ]
    return {"bands": {one.detector: one.as_dict() for one in readings}, "alarms": [asdict(alarm) for alarm in alarms]}


def normal_of(context: Context, version: int) -> Normal | None:
    """What is normal for a version, learned once from the weeks that it was fitted on; None of too few weeks."""
    name = f"{NORMAL}/version-{version}.json"
    written = context.store.read_json(name)
    if written:
        return Normal.from_dict(written)
    weeks = reference_weeks(context, version)
    if len(weeks) < FEWEST_WEEKS:
        return None
    with part("monitoring"):
        tables = [context.store.read_table("features", week) for week in weeks]
        scorer = context.registry.scorer(version)
        said = [
            scorer.probability(encode_features(table.gather_every(max(1, table.height // ROWS_SCORED))))
            for table in tables
        ]
        normal = learn_normal(list(map(profile_week, tables)), said, rate_per_week(FALSE_ALARMS_PER_YEAR))
    context.store.write_json(name, normal.as_dict())
    return normal


def reference_weeks(context: Context, version: int) -> list[str]:
    """The weeks that a champion was fitted on, and whose features are there, oldest first."""
    promoted = next(event for event in context.journal.events("promote") if event.get("champion") == version)
    return [
        week.id
        for week in context.all_weeks()
        if week.id <= promoted["week"] and context.store.has_table("features", week.id)
    ]


def profile_week(features: pl.DataFrame) -> Profile:
    """The profile of a week's features."""
    return profile_of(features.select(NAMES), CATEGORICAL)


def _facts(context: Context, week: Week, predictions: pl.DataFrame, features: pl.DataFrame) -> dict:
    outcomes = context.accepted(s.OUTCOMES, week, 2)
    labels, ended = known_labels(outcomes, week.end), without_label(outcomes, week.end)
    flights = (
        predictions.join(context.store.read_table("yardsticks", week.id), on=s.FLIGHT_ID, maintain_order="left")
        .join(features.select(s.FLIGHT_ID, *CATEGORIES), on=s.FLIGHT_ID, maintain_order="left")
        .join(labels, on=s.FLIGHT_ID, how="left", maintain_order="left")
        .with_columns(local_day(s.SCHEDULED_DEPARTURE).alias(DAY))
    )
    able = predictions.join(ended, on=s.FLIGHT_ID, how="anti")
    coverage = Coverage(flights.height, able.height, able.join(labels, on=s.FLIGHT_ID, how="semi").height)
    facts = tell_facts(flights, coverage, costs_of(context.settings), CATEGORIES, context.settings.seed)
    return facts | {"flights_per_day": flights.height / flights[DAY].n_unique()} | _rows(context, week)


def _unlabelled(context: Context, predictions: pl.DataFrame, features: pl.DataFrame) -> list[Reading]:
    normal = normal_of(context, predictions[VERSION][0])
    if normal is None:
        return []
    return read_week(normal, profile_week(features), predictions[PROBABILITY].to_numpy())


def _rows(context: Context, week: Week) -> dict[str, int]:
    feeds = context.journal.read(week.id, "validate")["feeds"].values()
    return {f"rows_{fate}": sum(feed[fate] for feed in feeds) for fate in ("landed", "quarantined")}
