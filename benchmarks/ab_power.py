"""What an A/B costs beside a shadow: days until a gain is seen, and how often either is wrong, on real flights.

`python -m benchmarks.ab_power --home var`, of a home in which the year was lived: some three minutes. Champion and
challenger are the real pairs of the gate, on the eight weeks after each verdict; flights are divided by the hash that
divides requests. What is chosen is the true gain: the challenger's loss is moved to it by a constant.
"""

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from benchmarks.rival_pairs import RivalPair, lived_context, rival_pairs
from monitoring.ab import AbRules, differences_by_day, sample_ratio
from monitoring.figures import share as percent
from monitoring.gain_interval import lower_bounds, mean_and_error
from monitoring.quality import loss_per_row
from monitoring.sample_size import required_flights, spread_of
from pipelines.gate_power import draw_weeks
from preflight import show
from services.routing import AB, CHALLENGER, Plan, arm_of

RULES = AbRules()
GAINS = (0.01, 0.005, 0.004)
SHARES = (0.5, 0.25, 0.05)
SALTS = 20
ROUNDS = 2000


@dataclass(frozen=True)
class Way:
    """A way to compare a pair: the gain by day and its weight, (n_rounds, n_days) each, and the flights they are of."""

    name: str
    sums: np.ndarray
    weights: np.ndarray
    flights: int

    @property
    def variance(self) -> float:
        """The square of what one flight adds to the standard error, on average over the rounds."""
        rounds = zip(self.sums, self.weights, strict=True)
        return float(np.mean([spread_of(*one, self.flights) ** 2 for one in rounds]))


def main() -> int:
    """Measure and print."""
    context = lived_context(__doc__)
    pairs = list(rival_pairs(context))
    ways = {pair.name: list(ways_to_compare(pair)) for pair in pairs}
    show.table(
        "What one flight adds to the error", _columns("pair", "gain", *_names(ways)), list(_spreads(pairs, ways))
    )
    show.table("Days until a gain is seen with 80 %", _columns("gain", *_names(ways)), list(_days(pairs, ways)))
    _print_error_rates(pairs)
    return 0


def ways_to_compare(pair: RivalPair) -> Iterator[Way]:
    """Both models on each flight, and A/B with shares of the challenger, each divided by several salts."""
    _, index = np.unique(pair.day, return_inverse=True)
    paired = np.bincount(index, weights=pair.gain), np.bincount(index).astype(float)
    yield Way("shadow", paired[0][None], paired[1][None], len(index))
    losses = [loss_per_row(one, pair.is_late) for one in (pair.champion, pair.challenger)]
    for share in SHARES:
        rounds = []
        for salt in range(SALTS):
            theirs = divided(pair, share, salt)
            rounds.append(differences_by_day(np.where(theirs, losses[1], losses[0]), theirs, pair.day))
        sums, weights = (np.array(column) for column in zip(*rounds, strict=True))
        yield Way(f"A/B at {share:.0%}", sums, weights, len(index))


def divided(pair: RivalPair, share: float, salt: int) -> np.ndarray:
    """Which flights of a pair are the challenger's, (n_flights,)."""
    plan = Plan(AB, pair.challenger_version, share, f"{pair.name} {salt}")
    return np.array([arm_of(flight, plan) == CHALLENGER for flight in pair.flight_id])


def days_needed(pairs: list[RivalPair], ways: dict[str, list[Way]], place: int, gain: float) -> int:
    """Days until a gain is seen in the way at this place, for the pair in the middle."""
    flights = [(pair, required_flights(gain, math.sqrt(ways[pair.name][place].variance))) for pair in pairs]
    return max(RULES.fewest_days, math.ceil(np.median([needed / pair.per_day for pair, needed in flights])))


def seen(way: Way, gain: float, days: int) -> float:
    """How often a gain is seen after so many days, drawn in whole weeks out of those there are, moved to that gain."""
    dice = np.random.default_rng(days)
    means = way.sums.sum(axis=1, keepdims=True) / way.weights.sum(axis=1, keepdims=True)
    moved = way.sums + (gain - means) * way.weights
    rows, places = dice.integers(0, len(moved), ROUNDS)[:, None], draw_weeks(moved.shape[1], days, dice, ROUNDS)
    return float((lower_bounds(moved[rows, places], way.weights[rows, places], 1 - RULES.alpha) > 0).mean())


def _spreads(pairs: list[RivalPair], ways: dict[str, list[Way]]) -> Iterator[tuple]:
    for pair in pairs:
        yield (pair.name, f"{pair.gain.mean():+.4f}", *(f"{math.sqrt(way.variance):.2f}" for way in ways[pair.name]))


def _days(pairs: list[RivalPair], ways: dict[str, list[Way]]) -> Iterator[tuple]:
    """Days, and in brackets how often the gain is seen after them when it is tried."""
    for gain in GAINS:
        cells = []
        for place in range(len(SHARES) + 1):
            days = days_needed(pairs, ways, place, gain)
            shares = [seen(ways[pair.name][place], gain, days) for pair in pairs]
            cells.append(f"{days} ({np.median(shares):.0%})")
        yield (f"{gain:g}", *cells)


def _print_error_rates(pairs: list[RivalPair]) -> None:
    """Both arms the champion: how often a difference or a wrong division is seen that is not there."""
    ends, days, early, alarms = [], [], [], []
    for pair in pairs:
        loss = loss_per_row(pair.champion, pair.is_late)
        for salt in range(5 * SALTS):
            theirs = divided(pair, 0.5, salt)
            unlikely = _unlikely_by_day(*differences_by_day(loss, theirs, pair.day))
            ends.append(unlikely[-1] < RULES.alpha)
            days.append(min(unlikely) < RULES.alpha)
            early.append(ends[-1] or min(unlikely) < RULES.early_alpha)
            alarms.append(sample_ratio((int((~theirs).sum()), int(theirs.sum())), 0.5).mismatch)
    show.tell(
        f"A/A, {len(ends)} trials: a winner at the end {percent(np.mean(ends))}, at the end or early "
        f"{percent(np.mean(early))}, on any day from {RULES.fewest_days} on {percent(np.mean(days))}; "
        f"sample-ratio alarms {sum(alarms)}"
    )


def _unlikely_by_day(sums: np.ndarray, weights: np.ndarray) -> list[float]:
    """One-sided p-value of the arm that looks better, after each day from the first that a verdict may have."""
    found = []
    for days in range(RULES.fewest_days, len(sums) + 1):
        (mean,), (error,) = mean_and_error(sums[None, :days], weights[None, :days])
        found.append(float(student.sf(abs(mean) / error, days - 1)))
    return found


def _names(ways: dict[str, list[Way]]) -> list[str]:
    return [way.name for way in next(iter(ways.values()))]


def _columns(first: str, *others: str) -> dict[str, str]:
    return {first: "left", **dict.fromkeys(others, "right")}


if __name__ == "__main__":
    sys.exit(main())
