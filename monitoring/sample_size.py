"""How many flights a comparison of two models needs until a gain is seen, and how likely it is seen with fewer."""

import math

import numpy as np
from scipy.stats import norm

from monitoring.gain_interval import mean_and_error


def required_flights(least_gain: float, spread: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """Flights, of both arms together, after which a true gain of `least_gain` is seen with probability `power`.

    `alpha` is one-sided. `spread` is what one flight adds: the standard error of the gain times the root of the number
    of flights, as `spread_of` measures it. Source: Kohavi, Tang and Xu 2020, Trustworthy Online Controlled Experiments,
    chapter 17: for halves of independent flights, whose spread is twice the deviation of one, and a two-sided 5 % it
    is their 16 deviations squared over the gain squared, for each half. Raises ValueError for a gain of 0 or less.

    >>> required_flights(least_gain=0.1, spread=2 * 1.0, alpha=0.025)
    3140
    """
    if least_gain <= 0:
        raise ValueError(f"expected a gain above 0 to look for, got {least_gain}; a gain of nothing is never seen")
    return math.ceil(((norm.isf(alpha) + norm.ppf(power)) * spread / least_gain) ** 2)


def power_at(flights: int, gain: float, spread: float, alpha: float = 0.05) -> float:
    """Probability that a true gain is seen after so many flights of both arms together, `alpha` if there is none.

    >>> round(power_at(3140, gain=0.1, spread=2.0, alpha=0.025), 3)
    0.8
    """
    return float(norm.sf(norm.isf(alpha) - gain * math.sqrt(flights) / spread))


def spread_of(sums: np.ndarray, weights: np.ndarray, flights: int) -> float:
    """What one flight adds to the standard error, from days: it holds what the flights of a day have in common.

    `sums` and `weights` are (n_days,), as `monitoring.gain_interval.mean_and_error` takes them.
    """
    return float(mean_and_error(sums[None], weights[None])[1][0] * math.sqrt(flights))
