"""Do probabilities mean what they say? Reliability, expected calibration error and Brier score, with intervals."""

from dataclasses import dataclass

import numpy as np

from monitoring.day_blocks import draw_days

BINS = 10
ROUNDS = 1000


@dataclass(frozen=True)
class Bin:
    """Flights with like probabilities: how many, what was said, and how many were late with its 95 % interval."""

    flights: int
    mean_probability: float
    late_share: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Estimate:
    """A figure with the interval that holds 95 % of it when days are drawn again."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Reliability:
    """How far probabilities are from shares. `ece` and `brier`: 0 best."""

    bins: tuple[Bin, ...]
    ece: Estimate
    brier: Estimate


def bin_edges(probability: np.ndarray, bins: int = BINS) -> np.ndarray:
    """The inner edges of bins that hold about as many flights each; fewer where many probabilities are equal.

    An edge is one of the probabilities and belongs to the bin above it, and none is the smallest: no bin is empty.
    """
    edges = np.unique(np.quantile(probability, np.arange(1, bins) / bins, method="higher"))
    return edges[edges > probability.min()]


def expected_calibration_error(probability: np.ndarray, is_late: np.ndarray, bins: int = BINS) -> float:
    """Mean distance between what is said and what happens, over bins of about as many flights each; 0 best, 1 worst.

    Source: Naeini, Cooper and Hauskrecht 2015, AAAI, with bins of equal count (Nixon et al. 2019) as
    probabilities here crowd below 0.3.
    """
    totals = _Totals.of(probability, is_late, np.zeros(len(is_late), dtype=int), bins)
    return float(totals.ece(np.ones((1, 1)))[0])


def measure_reliability(probability: np.ndarray, is_late: np.ndarray, day: np.ndarray, seed: int) -> Reliability:
    """Reliability of probabilities (n_rows,) against labels 0 or 1; intervals from days drawn with replacement."""
    days, index = np.unique(day, return_inverse=True)
    totals = _Totals.of(probability, is_late, index, BINS)
    times = draw_days(len(days), ROUNDS, np.random.default_rng(seed))
    once = np.ones((1, len(days)))
    shares = totals.late_share(times)
    low, high = np.nanquantile(shares, [0.025, 0.975], axis=0)
    flights, said, share = totals.flights.sum(0), totals.mean_probability(once)[0], totals.late_share(once)[0]
    return Reliability(
        bins=tuple(
            Bin(int(n), *map(float, figures)) for n, *figures in zip(flights, said, share, low, high, strict=True)
        ),
        ece=_estimate(totals.ece(once), totals.ece(times)),
        brier=_estimate(totals.brier(once), totals.brier(times)),
    )


@dataclass(frozen=True)
class _Totals:
    """Sums by day and bin, (n_days, n_bins), so that days can count twice or not at all."""

    flights: np.ndarray
    said: np.ndarray
    late: np.ndarray
    squared: np.ndarray

    @classmethod
    def of(cls, probability: np.ndarray, is_late: np.ndarray, day: np.ndarray, bins: int) -> "_Totals":
        edges = bin_edges(probability, bins)
        shape = (int(day.max()) + 1, len(edges) + 1)
        place = day * shape[1] + np.searchsorted(edges, probability, "right")
        columns = (np.ones(len(is_late)), probability, is_late, (probability - is_late) ** 2)
        sums = [np.bincount(place, weights=c, minlength=shape[0] * shape[1]).reshape(shape) for c in columns]
        return cls(*(one[:, sums[0].any(axis=0)] for one in sums))  # equal probabilities can leave a bin empty

    def mean_probability(self, times: np.ndarray) -> np.ndarray:
        return _ratio(times @ self.said, times @ self.flights)

    def late_share(self, times: np.ndarray) -> np.ndarray:
        return _ratio(times @ self.late, times @ self.flights)

    def ece(self, times: np.ndarray) -> np.ndarray:
        return np.abs(times @ self.said - times @ self.late).sum(1) / (times @ self.flights).sum(1)

    def brier(self, times: np.ndarray) -> np.ndarray:
        return (times @ self.squared).sum(1) / (times @ self.flights).sum(1)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)


def _estimate(once: np.ndarray, rounds: np.ndarray) -> Estimate:
    low, high = np.quantile(rounds, [0.025, 0.975])
    return Estimate(float(once[0]), float(low), float(high))
