"""From what counted each week, and what was done, to incidents: opened, acted on, closed. Pure; keeps nothing."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from monitoring.decision import ASKS_FOR, PAGE, RETRAIN, ROLL_BACK, WATCH
from monitoring.persistence import Standing

OPENED, REFUSED, RESOLVED = "opened", "refused", "resolved"
ACTS = frozenset({RETRAIN, ROLL_BACK, PAGE})
CALM_WEEKS = 2
"""Weeks without the alarm after which the trouble is over by itself: one may be luck."""


@dataclass(frozen=True)
class Outcome:
    """What became of the action of a week: another version answers, or the challenger was refused."""

    is_cure: bool
    reason: str


@dataclass(frozen=True)
class DecidedWeek:
    """A week, the `moment` of its end on the system's own clock, what counted, and what was done about it.

    `unknown` are the detectors that could not be asked, for want of labels: they neither alarm nor are calm.
    """

    week: str
    moment: str
    counting: tuple[Standing, ...]
    action: str
    reason: str
    outcome: Outcome | None = None
    unknown: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Step:
    """What happened to an incident, when and why."""

    moment: str
    action: str
    reason: str


@dataclass(frozen=True)
class Incident:
    """One trouble from its first alarm that counted to its end; the week it was opened in makes its `id` unique."""

    id: str
    detector: str
    subject: str
    opened: str
    steps: tuple[Step, ...]

    @property
    def is_open(self) -> bool:
        """Whether it was not resolved yet."""
        return self.steps[-1].action != RESOLVED

    def as_dict(self) -> dict:
        """Plain values that JSON takes."""
        return {**asdict(self), "steps": [asdict(step) for step in self.steps], "is_open": self.is_open}


def incident_id(detector: str, subject: str, week: str) -> str:
    """The name of an incident, in file names and commands.

    >>> incident_id("slices", "carrier=UA", "2013-07-01")
    'slices-carrier-ua-2013-07-01'
    """
    return f"{detector}-{re.sub('[^a-z0-9]+', '-', subject.lower()).strip('-')}-{week}"


def tell_incidents(weeks: Iterable[DecidedWeek], calm_weeks: int = CALM_WEEKS) -> list[Incident]:
    """All incidents of weeks in their order, oldest first; a trouble that is open is never opened again."""
    told: list[Incident] = []
    open_ones: dict[tuple[str, str], _Open] = {}
    for week in weeks:
        alarming = {(alarm.detector, alarm.subject): alarm for alarm in week.counting}
        for key, alarm in alarming.items():
            open_ones.setdefault(key, _Open(_opened(alarm, week))).note(week)
        for key, one in list(open_ones.items()):
            one.end_week(week, key in alarming, calm_weeks)
            if not one.incident.is_open:
                told.append(open_ones.pop(key).incident)
    told += [one.incident for one in open_ones.values()]
    return sorted(told, key=lambda incident: (incident.opened, incident.id))


def asked_of(detector: str, action: str) -> str:
    """What a week's action means for the incident of one detector: a training does nothing for a skew."""
    fits = {RETRAIN: (RETRAIN, ROLL_BACK, PAGE), PAGE: (PAGE,), WATCH: ()}[ASKS_FOR[detector]]
    return action if action in fits else WATCH


class _Open:
    """An incident that goes on, and for how many weeks it has been calm."""

    def __init__(self, incident: Incident) -> None:
        self.incident, self._calm = incident, 0

    def note(self, week: DecidedWeek) -> None:
        """The trouble is there: say what is done, when that is an act or another than before."""
        action = asked_of(self.incident.detector, week.action)
        if action in ACTS or action != self.incident.steps[-1].action:
            self._add(week, action, week.reason)

    def end_week(self, week: DecidedWeek, is_alarming: bool, calm_weeks: int) -> None:
        """Close it where the action cured it, or where it has been calm for long enough."""
        cures = ASKS_FOR[self.incident.detector] == RETRAIN
        if week.outcome and cures and (week.outcome.is_cure or is_alarming):
            self._add(week, RESOLVED if week.outcome.is_cure else REFUSED, week.outcome.reason)
        elif is_alarming:
            self._calm = 0
        elif self.incident.detector not in week.unknown:
            self._calm += 1
            if self._calm == calm_weeks:
                self._add(week, RESOLVED, f"kept its band for {calm_weeks} weeks")

    def _add(self, week: DecidedWeek, action: str, reason: str) -> None:
        self.incident = replace(self.incident, steps=(*self.incident.steps, Step(week.moment, action, reason)))


def _opened(alarm: Standing, week: DecidedWeek) -> Incident:
    name = incident_id(alarm.detector, alarm.subject, week.week)
    return Incident(name, alarm.detector, alarm.subject, week.week, (Step(week.moment, OPENED, alarm.reason),))
