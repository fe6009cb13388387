"""How many days before labels would ring does the estimate without labels ring? On windows of seven days, day by day.

Both look at the same statistic, skill: one as the probabilities promise it, known before the last flight leaves, one as
labels tell it, known so many days after the flight as labels take.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from monitoring.bands import FEWEST_WEEKS, learn_band
from monitoring.estimation import entropy

WINDOW_DAYS = 7


@dataclass(frozen=True)
class Day:
    """The sums of a day: promised log loss and probability of its `flights`; log loss and late ones of the `labelled`.

    `week` is the id of its week.
    """

    day: date
    week: str
    flights: int
    promised: float
    probability: float
    labelled: int
    lost: float
    late: int


@dataclass(frozen=True)
class Lead:
    """One run of worse weeks, and the first day on which each alarm could have been raised, None where it was not."""

    weeks: tuple[str, ...]
    estimate: date | None
    labels: date | None

    @property
    def days(self) -> int | None:
        """Days from the estimate's alarm to that of labels, below 0 where labels came first; None of fewer than two."""
        return (self.labels - self.estimate).days if self.estimate and self.labels else None


def leads(
    days: Sequence[Day], worse: Mapping[str, bool], lower_of: Mapping[str, float], rate: float, label_delay: int
) -> list[Lead]:
    """The lead in each run of worse weeks, `worse` by week, in order.

    `lower_of` is what each week's estimated skill must not fall below; the same for real skill is learned from the
    weeks before, at the same `rate` of false alarms a week. Labels take `label_delay` days.
    """
    promised, real = _windows(days)
    bounds = _real_bounds(days, rate)
    week_of = {one.day: one.week for one in days}
    low = [day for day, skill in promised.items() if skill < lower_of.get(week_of[day], -np.inf)]
    lost = [day for day, skill in real.items() if skill < bounds.get(week_of[day], -np.inf)]
    found = []
    for run in runs_of(worse):
        inside = [day for day in promised if week_of[day] in run]
        told = _first(low, inside, timedelta(0))
        found.append(Lead(tuple(run), told, _first(lost, inside, timedelta(days=label_delay))))
    return found


def runs_of(worse: Mapping[str, bool]) -> list[list[str]]:
    """The weeks that were worse, those that follow each other together.

    >>> runs_of({"a": True, "b": True, "c": False, "d": True})
    [['a', 'b'], ['d']]
    """
    runs: list[list[str]] = []
    before = False
    for week, is_worse in worse.items():
        if is_worse and before:
            runs[-1].append(week)
        elif is_worse:
            runs.append([week])
        before = is_worse
    return runs


def _windows(days: Sequence[Day]) -> tuple[dict[date, float], dict[date, float]]:
    """Promised and real skill of the seven days that end with each day."""
    promised, real = {}, {}
    for end in range(WINDOW_DAYS, len(days) + 1):
        window = days[end - WINDOW_DAYS : end]
        promised[window[-1].day] = _skill(window, "flights", "promised", "probability")
        if any(one.labelled for one in window):
            real[window[-1].day] = _skill(window, "labelled", "lost", "late")
    return promised, real


def _skill(window: Sequence[Day], of: str, loss: str, share: str) -> float:
    flights, lost, late = (sum(getattr(one, name) for one in window) for name in (of, loss, share))
    lost, late = lost / flights, late / flights
    return 1 - lost / float(entropy(np.array([late]))[0])


def _real_bounds(days: Sequence[Day], rate: float) -> dict[str, float]:
    """What real skill must not fall below in each week, by the weeks before it."""
    weeks: dict[str, list[Day]] = {}
    for one in days:
        weeks.setdefault(one.week, []).append(one)
    skills: list[float] = []
    bounds: dict[str, float] = {}
    for week, its_days in weeks.items():
        if len(skills) >= FEWEST_WEEKS:
            bounds[week] = learn_band(skills, rate, "below").lower
        if any(one.labelled for one in its_days):
            skills.append(_skill(its_days, "labelled", "lost", "late"))
    return bounds


def _first(alarmed: Iterable[date], inside: Sequence[date], delay: timedelta) -> date | None:
    return min((day + delay for day in alarmed if day in inside), default=None)
