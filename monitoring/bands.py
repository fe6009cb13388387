"""What is normal, learned from the spread of a statistic over reference weeks: never from a number that was typed in.

A band is the prediction interval of one more week like those before. Where many columns are looked at, each has to
be further out, so that all of them together cry wolf as seldom as one would.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from monitoring.profiles import Profile, distances, pool

FEWEST_WEEKS = 4
NOISE = 2
"""Standard errors within which nothing is said to have moved."""
WEEKS_A_YEAR = 365.25 / 7


@dataclass(frozen=True)
class Band:
    """Where a statistic of one more week is expected, learned from so many `weeks`; an end may be infinite."""

    lower: float
    upper: float
    weeks: int

    def holds(self, value: float) -> bool:
        """Whether a value lies in the band; at an end it does."""
        return self.lower <= value <= self.upper

    def as_list(self) -> list:
        """Both ends, None for one that is infinite, and the weeks."""
        return [*(None if math.isinf(end) else end for end in (self.lower, self.upper)), self.weeks]

    @classmethod
    def from_list(cls, written: list) -> "Band":
        """What `as_list` wrote."""
        lower, upper, weeks = written
        return cls(-math.inf if lower is None else lower, math.inf if upper is None else upper, weeks)


def rate_per_week(false_alarms_per_year: float) -> float:
    """The chance of a false alarm that a detector may take each week.

    >>> round(rate_per_week(1), 4)
    0.0192
    """
    return false_alarms_per_year / WEEKS_A_YEAR


def learn_band(values: Sequence[float], rate: float, side: str = "both", columns: int = 1) -> Band:
    """The band that one more value leaves with a chance of `rate`, all of `columns` such bands together.

    `side` is "both", "above" or "below": an alarm that only one of them is worth. Raises ValueError on fewer than
    FEWEST_WEEKS values. Source: prediction interval of the next normal observation, Hahn and Meeker 1991,
    Statistical Intervals, 4.8; Bonferroni's correction for the columns.
    """
    if len(values) < FEWEST_WEEKS:
        raise ValueError(f"expected at least {FEWEST_WEEKS} weeks to learn a band from, got {len(values)}")
    count, tails = len(values), 2 if side == "both" else 1
    reach = stats.t.ppf(1 - rate / columns / tails, count - 1) * np.std(values, ddof=1) * math.sqrt(1 + 1 / count)
    middle = float(np.mean(values))
    return Band(
        lower=-math.inf if side == "above" else middle - float(reach),
        upper=math.inf if side == "below" else middle + float(reach),
        weeks=count,
    )


def learn_distance_bands(weeks: Sequence[Profile], rate: float) -> dict[str, Band]:
    """How far each column may be from the reference: each reference week is held against all the others.

    Distances are above 0 and skewed: their square roots are what bands are learned from. What sampling alone moves is
    no distance, so that a column which never moves may still be a hair off.
    """
    found = [distances(week, pool([*weeks[:place], *weeks[place + 1 :]])) for place, week in enumerate(weeks)]
    names = [name for name in found[0] if all(name in one for one in found)]
    noise = NOISE / math.sqrt(min(week.rows for week in weeks))
    roots = np.array([[math.sqrt(max(one[name], noise)) for name in names] for one in found])
    uppers = learn_joint_uppers(roots, rate, least_spread=math.sqrt(noise) / 10)
    return {name: Band(0.0, float(max(upper, 0.0)) ** 2, len(weeks)) for name, upper in zip(names, uppers, strict=True)}


def learn_missing_bands(weeks: Sequence[Profile], rate: float) -> dict[str, Band]:
    """Which share of each column may be missing at most, by the log-odds of the shares that were."""
    names = list(weeks[0].missing)
    found = np.array([[log_odds_missing(week, name) for name in names] for week in weeks])
    few = NOISE / min(week.rows for week in weeks)  # one or two values that are missing are none too many
    uppers = learn_joint_uppers(found, rate, least_spread=0.1)
    return {
        name: Band(0.0, float(max(_share(upper), few)), len(weeks)) for name, upper in zip(names, uppers, strict=True)
    }


def learn_joint_uppers(values: np.ndarray, rate: float, least_spread: float) -> np.ndarray:
    """The upper ends of the columns of `values` (n_weeks, n_columns), (n_columns,), that any exceeds with `rate`.

    How many deviations out is too far is learned as well: from how far out the farthest column of each week is, by
    the other weeks. Columns move together and have long tails, which a correction by their number alone does not know.
    Source: the maximum statistic, Westfall and Young 1993, Resampling-Based Multiple Testing, 2.2.
    """
    farthest = []
    for place in range(len(values)):
        others = np.delete(values, place, axis=0)
        spread = np.maximum(others.std(axis=0, ddof=1), least_spread)
        farthest.append(math.sqrt(max(float(((values[place] - others.mean(axis=0)) / spread).max()), 0.0)))
    reach = learn_band(farthest, rate, "above").upper ** 2
    return values.mean(axis=0) + reach * np.maximum(values.std(axis=0, ddof=1), least_spread)


def log_odds_missing(profile: Profile, name: str) -> float:
    """The log-odds of a value's being missing, half a value added to either side, so that it is finite."""
    gone = profile.missing[name] * profile.rows
    return math.log((gone + 0.5) / (profile.rows - gone + 0.5))


def _share(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
