"""How sure the gate may be of a mean over days: an interval whose error rate was measured, not only meant."""

import numpy as np
from scipy.stats import t as student

from monitoring.quality import Interval


def gain_interval(values: np.ndarray, day: np.ndarray, confidence: float) -> Interval:
    """The mean of `values` with the bound that it exceeds at a one-sided confidence.

    `values` and `day` are (n_rows,); the days in their order are the sample. Raises ValueError for fewer than two.
    A bootstrap of 14 days, which `monitoring.quality.day_block_interval` is, is right too seldom: it knows neither that
    14 are few nor that neighbours are alike, and finds a gain that is not there in up to 8 % of cases instead of 5
    (docs/decisions/0015-gate.md).
    """
    _, index = np.unique(day, return_inverse=True)
    sums, flights = np.bincount(index, weights=values), np.bincount(index)
    mean, error = mean_and_error(sums[None], flights[None])
    lower = mean - student.ppf(confidence, len(sums) - 1) * error
    sure = student.cdf(mean / error, len(sums) - 1) if error[0] > 0 else mean > 0
    return Interval(float(mean[0]), float(lower[0]), float(sure[0]), len(sums))


def lower_bounds(sums: np.ndarray, flights: np.ndarray, confidence: float) -> np.ndarray:
    """The lower bound of many samples at once, (n_samples,), from sums and flights by day, (n_samples, n_days)."""
    mean, error = mean_and_error(sums, flights)
    return mean - student.ppf(confidence, sums.shape[1] - 1) * error


def mean_and_error(sums: np.ndarray, flights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean per flight and its standard error, both (n_samples,), from sums and flights by day, (n_samples, n_days).

    The variance adds what neighbouring days have in common and never takes any off. Source: Newey and West 1987,
    Econometrica 55(3), with one lag, of the linearised ratio of the two sums.
    """
    days = sums.shape[1]
    if days < 2:
        raise ValueError(f"expected two days or more to know how days differ, got {days}; judge on more days")
    mean = sums.sum(axis=1) / flights.sum(axis=1)
    off = (sums - mean[:, None] * flights) / flights.mean(axis=1)[:, None]
    alone = (off**2).sum(axis=1)
    neighbours = (off[:, 1:] * off[:, :-1]).sum(axis=1)  # with one lag it counts twice, at half its weight
    return mean, np.sqrt((alone + np.maximum(neighbours, 0)) / days / (days - 1))
