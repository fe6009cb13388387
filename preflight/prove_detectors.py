"""`prove detectors`: every fault is seen by its named detector within so many weeks; and what each does not see."""

from dataclasses import asdict

from infra.errors import PreflightError, UsageError
from infra.settings import Settings
from monitoring.alarms import DETECTORS
from pipelines.context import Context, open_context
from pipelines.detector_trials import Trial, feed_faults, lay_ground, try_feed_fault, try_model_fault
from pipelines.model_faults import model_faults
from preflight import show
from preflight.alarms import watched_weeks

CONTRACT = "contract"
NAMED = {
    "stale online features": "skew", "frozen encoder": "skew", "probability scale": "answers",
    "one slice broken": "answers", "labels flipped": "labels", "feature defaulted": "skew",
}  # fmt: skip
"""The detector that has to see each model fault. Feed faults are the contract's: `prove faults` holds it to that."""
LEAST_BEFORE = 8


class FaultUnseen(PreflightError):  # noqa: N818
    """A fault was not seen by the detector that is there for it."""


def detectors(settings: Settings, weeks: int, without: str | None, as_json: bool) -> None:
    """Try every fault on so many real weeks; raises FaultUnseen naming those that their detector missed."""
    if without and without not in DETECTORS:
        raise UsageError(f"--without: expected one of {', '.join(DETECTORS)}, got {without!r}")
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
    outcome = f"{len(NAMED)} model faults on {weeks} weeks: each seen by its named detector in its first week"
    show.finish(outcome, {"trials": [asdict(trial) for trial in trials]}, as_json)


def _try_all(context: Context, count: int) -> list[Trial]:
    watched = [week["week"] for week in watched_weeks(context)][LEAST_BEFORE:]
    chosen = {watched[number * len(watched) // count] for number in range(min(count, len(watched)))}
    weeks = [week for week in context.scored_weeks() if week.id in chosen]
    feeds, models, trials = feed_faults(), model_faults(), []
    with show.progress(len(weeks) * (len(feeds) + len(models)), "faults") as advance:
        for week in weeks:
            ground = lay_ground(context, week)
            for fault in models:
                trials.append(try_model_fault(context, ground, fault))
                advance(f"week {week.id}: {fault.name}")
            for fault in feeds:
                trials.append(try_feed_fault(context, ground, fault, context.settings.seed))
                advance(f"week {week.id}: {fault.name}")
    return trials


def _without(trial: Trial, detector: str | None) -> Trial:
    return Trial(trial.fault, trial.week, {name: one for name, one in trial.rang.items() if name != detector})


def _show(by_fault: dict[str, list[Trial]], weeks: int) -> None:
    heads = {"fault, let past the contract": "left", "named": "left", "seen by, in weeks": "left"}
    rows = [(fault, NAMED.get(fault, CONTRACT), _seen_by(mine)) for fault, mine in by_fault.items()]
    show.table(f"Who saw what, in {weeks} weeks", heads, rows)
    blind = [(name, ", ".join(_unseen(name, by_fault)) or "nothing") for name in DETECTORS]
    show.table("What each detector did not see, in any week", {"detector": "left", "not seen": "left"}, blind)


def _seen_by(trials: list[Trial]) -> str:
    seen = {name: sum(name in trial.rang for trial in trials) for name in DETECTORS}
    return ", ".join(f"{name} {count}" for name, count in seen.items() if count) or "nobody"


def _unseen(name: str, by_fault: dict[str, list[Trial]]) -> list[str]:
    return [fault for fault, mine in by_fault.items() if not any(name in trial.rang for trial in mine)]
