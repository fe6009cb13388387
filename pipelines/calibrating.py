"""Chooses how log-odds become probabilities: as they are, by Platt's map or by an isotonic one, by log loss on days.

The rows are the calibration slice: later than what the model has learned from, older than what the gate judges on.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from monitoring.quality import day_block_interval, loss_per_row
from pipelines.calibration_map import IDENTITY, CalibrationMap, sigmoid

PARTS = 5
MOST_KNOTS = 50  # an isotonic map has a step per change; so many are enough, and keep the served graph small
SMALLEST, LARGEST = 1e-4, 1 - 1e-4  # an isotonic map says 0 and 1 where its few rows agree; nobody is that sure


@dataclass(frozen=True)
class CalibrationChoice:
    """The map that was chosen, why, and the log loss of each method on days it was not fitted on."""

    map: CalibrationMap
    reason: str
    log_loss: dict[str, float]

    def as_record(self) -> dict:
        """The choice as plain values, without the map."""
        return {"method": self.map.kind, "reason": self.reason, "log_loss": self.log_loss}


def choose_calibration(
    probability: np.ndarray, is_late: np.ndarray, day: np.ndarray, confidence: float, seed: int
) -> CalibrationChoice:
    """The simplest map whose log loss is within noise of the best, judged on days it was not fitted on.

    `probability` (n_rows,) is what the model says of flights it has not learned from. The days are dealt out to
    five parts; each part is judged by maps fitted on the other four. Simplest first: identity, affine, isotonic.
    """
    odds = to_log_odds(probability)
    parts = np.unique(day, return_inverse=True)[1] % PARTS
    if len(np.unique(parts)) < PARTS or _one_class(is_late, parts):
        return CalibrationChoice(IDENTITY, f"fewer than {PARTS} days with late flights and others to calibrate on", {})
    losses = {kind: _held_out_loss(fit, odds, is_late, parts) for kind, fit in FITS.items()}
    means = {kind: float(loss.mean()) for kind, loss in losses.items()}
    best = min(means, key=means.get)
    for kind, loss in losses.items():
        gain = day_block_interval(loss - losses[best], day, confidence, seed)
        if kind == best or gain.lower <= 0:
            return CalibrationChoice(FITS[kind](odds, is_late), _reason(kind, best, means), means)
    raise AssertionError("the best is within noise of itself")


def to_log_odds(probability: np.ndarray) -> np.ndarray:
    """Log-odds of probabilities, those of 0 and 1 held within what a float can say."""
    held = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.log(held) - np.log1p(-held)


def _identity(odds: np.ndarray, is_late: np.ndarray) -> CalibrationMap:
    return IDENTITY


def _affine(odds: np.ndarray, is_late: np.ndarray) -> CalibrationMap:
    """Platt's map: Platt 1999, Probabilistic Outputs for Support Vector Machines, on log-odds."""
    fitted = LogisticRegression(C=np.inf).fit(odds[:, None], is_late)
    slope = float(fitted.coef_[0, 0])
    return CalibrationMap("affine", slope, float(fitted.intercept_[0])) if slope > 0 else IDENTITY


def _isotonic(odds: np.ndarray, is_late: np.ndarray) -> CalibrationMap:
    """The monotone map nearest to the labels: Zadrozny and Elkan 2002, KDD; thinned to some knots."""
    fitted = IsotonicRegression(y_min=SMALLEST, y_max=LARGEST, out_of_bounds="clip").fit(odds, is_late)
    x, y = fitted.X_thresholds_, fitted.y_thresholds_
    chosen = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_KNOTS)).round().astype(int))
    if len(chosen) < 2:
        return IDENTITY
    return CalibrationMap("isotonic", x=tuple(map(float, x[chosen])), y=tuple(map(float, y[chosen])))


FITS: dict[str, Callable[[np.ndarray, np.ndarray], CalibrationMap]] = {
    "identity": _identity,
    "affine": _affine,
    "isotonic": _isotonic,
}


def _held_out_loss(fit: Callable, odds: np.ndarray, is_late: np.ndarray, parts: np.ndarray) -> np.ndarray:
    probability = sigmoid(odds)
    for part in range(PARTS):
        held = parts == part
        probability[held] = fit(odds[~held], is_late[~held]).apply(odds[held])
    return loss_per_row(probability, is_late)


def _one_class(is_late: np.ndarray, parts: np.ndarray) -> bool:
    return any(is_late[parts != part].min() == is_late[parts != part].max() for part in range(PARTS))


def _reason(kind: str, best: str, means: dict[str, float]) -> str:
    if kind == best:
        return f"{kind} has the lowest log loss on days it was not fitted on, {means[kind]:.4f}"
    return f"{kind} is simpler and within noise of {best}: log loss {means[kind]:.4f} against {means[best]:.4f}"
