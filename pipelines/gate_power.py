"""How many days of flights until the gate sees a gain: its rule on the real ups and downs of days, at a chosen gain.

What is real is how the loss of a champion less that of a later fit varies from day to day, and how neighbouring days
are alike; what is chosen is its mean. Weeks are drawn whole, so that both stay.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from monitoring.gain_interval import lower_bounds
from monitoring.quality import loss_per_row
from pipelines.promotion import GateRules

GAINS = (0.0, 0.002, 0.005, 0.01)
"""Of 0 the curve shows how often a gain is seen that is not there."""
WINDOWS = (7, 14, 21, 28, 42, 56, 84)
BLOCK = 7
LONGEST = 98
SHORTEST = 56
ROUNDS = 400
ENOUGH = 0.8


@dataclass(frozen=True)
class DailyGains:
    """What a later fit gained over an earlier one: log loss summed by day, and flights by day, both (n_days,)."""

    sums: np.ndarray
    flights: np.ndarray

    @property
    def mean(self) -> float:
        """Gain per flight."""
        return float(self.sums.sum() / self.flights.sum())

    def at(self, gain: float) -> "DailyGains":
        """The same ups and downs around another mean."""
        return DailyGains(self.sums - (self.mean - gain) * self.flights, self.flights)


@dataclass(frozen=True)
class Power:
    """Share of promotions by days of flights, at one gain; `days_needed` for 80 %, beyond the windows extrapolated."""

    gain: float
    share: Mapping[int, float]
    days_needed: float | None


def daily_gains(champion: np.ndarray, challenger: np.ndarray, is_late: np.ndarray, day: np.ndarray) -> DailyGains:
    """By day what the challenger gains, from probabilities (n_rows,) of both for the same flights."""
    _, index = np.unique(day, return_inverse=True)
    gain = loss_per_row(champion, is_late) - loss_per_row(challenger, is_late)
    return DailyGains(np.bincount(index, weights=gain)[:LONGEST], np.bincount(index)[:LONGEST].astype(float))


def power_curve(pairs: Sequence[DailyGains], gain: float, rules: GateRules, seed: int) -> Power:
    """How often a true gain is seen, by the length of the window that judges; every pair counts alike."""
    dice = np.random.default_rng(seed)
    moved = [pair.at(gain) for pair in pairs]
    share = {days: float(np.mean([_seen(pair, days, rules, dice) for pair in moved])) for days in WINDOWS}
    return Power(gain, share, _days_needed(share, pairs, gain, rules))


def sees_gain(sums: np.ndarray, flights: np.ndarray, rules: GateRules) -> np.ndarray:
    """Whether samples of days, (n_samples, n_days) each, pass the gate's two checks of the gain."""
    enough = sums.sum(axis=1) / flights.sum(axis=1) >= rules.least_gain
    return enough & (lower_bounds(sums, flights, rules.confidence) > 0)


def draw_weeks(days: int, length: int, dice: np.random.Generator, rounds: int = ROUNDS) -> np.ndarray:
    """Places of `length` days out of `days`, (rounds, length), whole weeks after one another, begun anywhere.

    After the last day comes the first. Source: the circular block bootstrap, Politis and Romano 1992.
    """
    begins = dice.integers(0, days, (rounds, -(-length // BLOCK)))
    places = (begins[:, :, None] + np.arange(BLOCK)) % days
    return places.reshape(rounds, -1)[:, :length]


def _seen(pair: DailyGains, days: int, rules: GateRules, dice: np.random.Generator) -> float:
    places = draw_weeks(len(pair.sums), days, dice)
    return float(sees_gain(pair.sums[places], pair.flights[places], rules).mean())


def _days_needed(
    share: Mapping[int, float], pairs: Sequence[DailyGains], gain: float, rules: GateRules
) -> float | None:
    """Days for a share of 80 %: between two windows by a straight line, beyond the longest by the normal formula.

    None for a gain that is no more than the least one asked for: more days make its refusal surer.
    """
    if gain <= rules.least_gain:
        return None
    days, shares = list(share), np.maximum.accumulate(list(share.values()))
    if shares[0] >= ENOUGH:
        return float(days[0])
    if shares[-1] >= ENOUGH:
        return float(np.interp(ENOUGH, shares, days))
    spread = np.mean([_variance_of_days(pair) for pair in pairs])
    to_be_sure = (norm.ppf(rules.confidence) + norm.ppf(ENOUGH)) / gain
    to_be_enough = norm.ppf(ENOUGH) / (gain - rules.least_gain)
    return float(max(to_be_sure, to_be_enough) ** 2 * spread)


def _variance_of_days(pair: DailyGains) -> float:
    """Variance of one day's mean gain, what a week has in common included."""
    off = pair.sums - pair.mean * pair.flights
    weeks = len(off) // BLOCK
    of_weeks = off[: weeks * BLOCK].reshape(weeks, BLOCK).sum(axis=1) / pair.flights.mean()
    return float((of_weeks**2).mean() / BLOCK)
