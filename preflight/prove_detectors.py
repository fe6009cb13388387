"""`prove detectors`: every fault is seen by its named detector within so many weeks; and what each does not see."""

import tempfile
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

from infra.errors import PreflightError, UsageError
from infra.settings import Settings
from monitoring.alarms import DETECTORS
from pipelines.clock import Week
from pipelines.context import WEEKS_TO_JUDGE_BY, Context, open_context
from pipelines.detector_trials import Trial, feed_faults, lay_ground, try_feed_fault, try_model_fault
from pipelines.model_faults import model_faults
from pipelines.rehearsal import Rehearsal
from preflight import show
from preflight.alarms import watched_weeks

CONTRACT = "contract"
NAMED = {
    "stale online features": "skew", "frozen encoder": "skew", "probability scale": "answers",
    "one slice broken": "answers", "labels flipped": "labels", "feature defaulted": "skew",
    "miles to kilometres": CONTRACT, "+5 hours": CONTRACT, "HHMM as minutes": CONTRACT, "airport missing": CONTRACT,
    "lower-cased carriers": CONTRACT, "20 % duplicates": CONTRACT, "30 % nulls": CONTRACT, "shuffled": CONTRACT,
}  # fmt: skip
"""What has to see each fault. A feed fault is the contract's, and is let past it to see who else would notice."""
ALL = {CONTRACT: "rows and batches, before anything is built from them", **DETECTORS}
LEAST_BEFORE = 8


class FaultUnseen(PreflightError):  # noqa: N818
    """A fault was not seen by the detector that is there for it."""


def detectors(settings: Settings, weeks: int, without: str | None, as_json: bool) -> None:
    """Try every fault on so many real weeks; raises FaultUnseen naming those that their detector missed."""
    if without and without not in ALL:
        raise UsageError(f"--without: expected one of {', '.join(ALL)}, got {without!r}")
    context = open_context(settings)
    trials = [_without(trial, without) for trial in _try_all(context, weeks)]
    by_fault: dict[str, list[Trial]] = {}
    for trial in trials:
        by_fault.setdefault(trial.fault, []).append(trial)
    if not as_json:
        _show(by_fault, weeks)
    missed = [
        f"{fault} was seen by {NAMED[fault]} in {seen} of {len(mine)} weeks"
        for fault, mine in by_fault.items()
        if fault in NAMED and (seen := sum(NAMED[fault] in trial.rang for trial in mine)) < len(mine)
    ]
    if missed:
        raise FaultUnseen(f"{'; '.join(missed)}; see monitoring/alarms.py")
    models = len(model_faults())
    outcome = (
        f"{models} model faults and {len(NAMED) - models} feed faults on {weeks} weeks: "
        "each seen by its named detector in its first week"
    )
    show.finish(outcome, {"trials": [asdict(trial) for trial in trials]}, as_json)


def _try_all(context: Context, count: int) -> list[Trial]:
    watched = [week["week"] for week in watched_weeks(context)][LEAST_BEFORE:]
    chosen = {watched[number * len(watched) // count] for number in range(min(count, len(watched)))}
    weeks = [week for week in context.scored_weeks() if week.id in chosen]
    feeds, models, trials = feed_faults(), model_faults(), []
    with (
        show.progress(len(weeks) * (len(feeds) + len(models)), "faults") as advance,
        tempfile.TemporaryDirectory() as scratch,
    ):
        rehearsal = Rehearsal(context.feeds_of_source(), _validator(scratch), *_days(context))
        for week in weeks:
            ground = lay_ground(context, week)
            _judge_before(rehearsal, week)
            for fault in models:
                trials.append(try_model_fault(context, ground, fault))
                advance(f"week {week.id}: {fault.name}")
            for fault in feeds:
                trial = try_feed_fault(context, ground, fault, context.settings.seed)
                rule = rehearsal.caught_by(fault, week, context.settings.seed)
                trials.append(replace(trial, rang=({CONTRACT: rule} if rule else {}) | trial.rang))
                advance(f"week {week.id}: {fault.name}")
    return trials


def _validator(scratch: str) -> object:
    from data_checks.suites import Validator

    return Validator(Path(scratch))


def _days(context: Context) -> tuple[date, date]:
    return context.settings.first_day, context.settings.last_day


def _judge_before(rehearsal: Rehearsal, week: Week) -> None:
    """Judge the week as it was, and those before that the contract compares it with."""
    for number in range(WEEKS_TO_JUDGE_BY, -1, -1):
        rehearsal.judge_clean_week(week.plus(-number))


def _without(trial: Trial, detector: str | None) -> Trial:
    return Trial(trial.fault, trial.week, {name: one for name, one in trial.rang.items() if name != detector})


def _show(by_fault: dict[str, list[Trial]], weeks: int) -> None:
    heads = {"fault": "left", "named": "left", "seen by, in weeks": "left"}
    rows = [(fault, NAMED.get(fault, CONTRACT), _seen_by(mine)) for fault, mine in by_fault.items()]
    show.table(f"Who saw what, in {weeks} weeks", heads, rows)
    blind = [(name, ", ".join(_unseen(name, by_fault)) or "nothing") for name in ALL]
    show.table("What each detector did not see, in any week", {"detector": "left", "not seen": "left"}, blind)


def _seen_by(trials: list[Trial]) -> str:
    seen = {name: sum(name in trial.rang for trial in trials) for name in ALL}
    return ", ".join(f"{name} {count}" for name, count in seen.items() if count) or "nobody"


def _unseen(name: str, by_fault: dict[str, list[Trial]]) -> list[str]:
    return [fault for fault, mine in by_fault.items() if not any(name in trial.rang for trial in mine)]
