"""The year as monitoring saw it: each week's estimate, truth and alarms, and how often an alarm was right."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monitoring.alarm_record import worse_weeks
from monitoring.alarms import DETECTORS

UNMARKED = "not judged"
RIGHT, FALSE, PROVISIONAL = "right", "false", "provisional"


@dataclass(frozen=True)
class RaisedAlarm:
    """An alarm and what became of it; `verdict` is by later labels, `action` what was decided in its week."""

    week: str
    detector: str
    subject: str
    value: float
    bound: float
    reason: str
    verdict: str
    action: str


@dataclass(frozen=True)
class WatchedWeek:
    """One week as monitoring saw it; metrics by name, empty where a home was lived before they were measured.

    `intervals` has lower and upper bounds of the realised metrics, `coverage` is the share of labels that were known,
    None where nobody counted.
    """

    week: str
    labelled: float
    coverage: float | None
    is_provisional: bool
    estimate: dict[str, float]
    realised: dict[str, float]
    frozen: dict[str, float]
    intervals: dict[str, list[float]]
    alarms: tuple[RaisedAlarm, ...]


@dataclass(frozen=True)
class DetectorRecord:
    """How a detector did: weeks in which it `looked`, its alarms, and of those the right, false, provisional ones."""

    name: str
    looks_at: str
    looked: int
    alarms: int
    right: int
    false: int
    provisional: int

    @property
    def unjudged(self) -> int:
        """Alarms about which no later label has spoken."""
        return self.alarms - self.right - self.false - self.provisional

    @property
    def precision(self) -> float | None:
        """Share of the judged alarms that were right; None when none was judged."""
        judged = self.right + self.false
        return self.right / judged if judged else None


@dataclass(frozen=True)
class Watch:
    """Everything the section shows but its plots."""

    weeks: tuple[WatchedWeek, ...]
    detectors: tuple[DetectorRecord, ...]
    alarms: tuple[RaisedAlarm, ...]
    provisional_weeks: int
    estimate_error: float | None

    @property
    def is_recorded(self) -> bool:
        """Whether detectors were at work when the home was lived."""
        return any(week.estimate for week in self.weeks)


def watch_year(measured: Sequence[dict], decided: Sequence[dict]) -> Watch:
    """What the monitor events of the year say, with the decisions taken in the same weeks, and alarms judged."""
    actions, truth = {event["week"]: event["action"] for event in decided}, worse_weeks(measured)
    weeks = tuple(read_week(event, actions.get(event["week"], ""), truth.get(event["week"])) for event in measured)
    alarms = tuple(alarm for week in weeks for alarm in week.alarms)
    return Watch(
        weeks=weeks,
        detectors=tuple(
            record_of(name, alarms, sum(name in event.get("bands", ()) for event in measured)) for name in DETECTORS
        ),
        alarms=alarms,
        provisional_weeks=sum(week.is_provisional for week in weeks),
        estimate_error=mean_error(weeks, "log_loss"),
    )


def read_week(event: dict, action: str, is_worse: bool | None = None) -> WatchedWeek:
    """A monitor event as a week, whatever of it was measured when the home was lived.

    `is_worse` is what its labels say; an alarm that says itself whether it was true is believed.
    """
    realised, coverage = event.get("realised", event.get("quality", {})), event.get("coverage", {})
    return WatchedWeek(
        week=event["week"],
        labelled=coverage.get("labelled", realised.get("flights", 0)),
        coverage=coverage.get("share", event.get("label_coverage")),
        is_provisional=coverage.get("is_provisional", False),
        estimate=event.get("estimate", {}),
        realised=realised,
        frozen=event.get("frozen", {}),
        intervals=event.get("intervals", {}),
        alarms=tuple(_raised({"is_true": is_worse} | alarm, action) for alarm in event.get("alarms", ())),
    )


def record_of(detector: str, alarms: Sequence[RaisedAlarm], looked: int) -> DetectorRecord:
    """What became of the alarms of one detector that had something to look at in so many weeks."""
    verdicts = [alarm.verdict for alarm in alarms if alarm.detector == detector]
    return DetectorRecord(
        name=detector,
        looks_at=DETECTORS[detector],
        looked=looked,
        alarms=len(verdicts),
        right=verdicts.count(RIGHT),
        false=verdicts.count(FALSE),
        provisional=verdicts.count(PROVISIONAL),
    )


def mean_error(weeks: Sequence[WatchedWeek], metric: str) -> float | None:
    """How far the estimate without labels was from the truth, over the weeks that have both; None without any."""
    errors = [
        abs(week.estimate[metric] - week.realised[metric])
        for week in weeks
        if week.estimate.get(metric) is not None and week.realised.get(metric) is not None
    ]
    return float(np.mean(errors)) if errors else None


def _raised(alarm: dict, action: str) -> RaisedAlarm:
    return RaisedAlarm(
        **{name: alarm[name] for name in ("week", "detector", "subject", "value", "bound", "reason")},
        verdict=_verdict(alarm),
        action=action,
    )


def _verdict(alarm: dict) -> str:
    """An alarm is false when later labels show no degradation; too few labels at the time make it provisional."""
    if alarm.get("is_provisional"):
        return PROVISIONAL
    is_true = alarm.get("is_true")
    return UNMARKED if is_true is None else RIGHT if is_true else FALSE
