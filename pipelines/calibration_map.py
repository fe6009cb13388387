"""From a model's log-odds to the probability that is said: a monotone map, here and in the served graph."""

from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from math import isfinite
from typing import Literal

import numpy as np

from infra.errors import PreflightError

Kind = Literal["identity", "affine", "isotonic"]


class CalibrationError(PreflightError, ValueError):
    """A calibration is no monotone map of log-odds to probabilities."""


@dataclass(frozen=True)
class CalibrationMap:
    """`identity`: sigmoid of the log-odds; `affine`: sigmoid of slope times log-odds plus intercept (Platt scaling);
    `isotonic`: straight lines between the knots `x` (log-odds) and `y` (probability), constant outside of them.

    Raises CalibrationError for a map that is not finite or could turn the order of two flights round.
    """

    kind: Kind = "identity"
    slope: float = 1.0
    intercept: float = 0.0
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        wrong = _what_is_wrong(self)
        if wrong:
            raise CalibrationError(f"{self.kind} calibration: {wrong}; fit it again")

    def apply(self, log_odds: np.ndarray) -> np.ndarray:
        """Probabilities, of the shape of `log_odds`."""
        if self.kind == "isotonic":
            return np.interp(log_odds, self.x, self.y)
        return sigmoid(self.slope * np.asarray(log_odds, dtype=np.float64) + self.intercept)

    def as_dict(self) -> dict:
        """Plain values that JSON takes; `from_dict` makes the same map of them."""
        return {**asdict(self), "x": list(self.x), "y": list(self.y)}

    @classmethod
    def from_dict(cls, values: dict) -> "CalibrationMap":
        """The map that `as_dict` described. Raises CalibrationError for other values."""
        expected = {field.name for field in fields(cls)}
        if set(values) != expected:
            raise CalibrationError(f"expected {sorted(expected)} of a calibration, got {sorted(values)}; fit it again")
        return cls(**{**values, "x": tuple(values["x"]), "y": tuple(values["y"])})


def sigmoid(log_odds: np.ndarray) -> np.ndarray:
    """Probabilities of log-odds, without overflow at either end.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    smaller = np.exp(-np.abs(log_odds))
    return np.where(np.asarray(log_odds) >= 0, 1.0, smaller) / (1.0 + smaller)


def _what_is_wrong(candidate: CalibrationMap) -> str | None:
    x, y = candidate.x, candidate.y
    if not all(map(isfinite, (candidate.slope, candidate.intercept, *x, *y))):
        return "expected finite numbers"
    if candidate.kind in ("identity", "affine"):
        plain = (candidate.slope, candidate.intercept) == (1.0, 0.0)
        if x or y or (candidate.kind == "identity" and not plain):
            return "expected no numbers but the slope and intercept of an affine map"
        return None if candidate.slope > 0 else f"expected a slope above 0, got {candidate.slope}"
    if candidate.kind != "isotonic":
        return "expected identity, affine or isotonic"
    if len(x) != len(y) or len(x) < 2:
        return f"expected two knots or more with a log-odds and a probability each, got {len(x)} and {len(y)}"
    if not all(low < high for low, high in pairwise(x)):
        return "expected knots of rising log-odds"
    if not all(low <= high for low, high in pairwise((0.0, *y, 1.0))):
        return "expected probabilities from 0 to 1 that never fall"
    return None


IDENTITY = CalibrationMap()
