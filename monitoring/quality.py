"""How good predictions were, once labels are known; intervals that resample whole days."""

from dataclasses import asdict, dataclass

import numpy as np
from sklearn.metrics import brier_score_loss, roc_auc_score

from infra.errors import PreflightError

CLIP = 1e-9


class NotAProbability(PreflightError, ValueError):  # noqa: N818
    """A model says something that is no probability: not a number, endless, below 0 or above 1."""


@dataclass(frozen=True)
class Quality:
    """Metrics of probabilities against labels. AUC is None when only one class was seen."""

    flights: int
    late_share: float
    mean_probability: float
    roc_auc: float | None
    log_loss: float
    brier: float

    @property
    def calibration_gap(self) -> float:
        """Mean probability less the late share: above 0 the model is too gloomy, below 0 too cheerful."""
        return self.mean_probability - self.late_share

    @property
    def skill(self) -> float:
        """1 less log loss over that of always saying the late share: 0 useless, 1 perfect, comparable across months."""
        share = np.clip(self.late_share, CLIP, 1 - CLIP)
        return float(1 - self.log_loss / -(share * np.log(share) + (1 - share) * np.log(1 - share)))

    def as_metrics(self, prefix: str = "") -> dict[str, float]:
        """The metrics by name, those that exist."""
        named = {**asdict(self), "skill": self.skill, "calibration_gap": self.calibration_gap}
        return {f"{prefix}{name}": float(value) for name, value in named.items() if value is not None}


@dataclass(frozen=True)
class Interval:
    """A mean with the bound it exceeds at a one-sided confidence; `share_positive`: how sure a mean above 0 is."""

    mean: float
    lower: float
    share_positive: float
    days: int


def measure_quality(probability: np.ndarray, is_late: np.ndarray) -> Quality:
    """Quality of probabilities (n_rows,), 0 to 1, against labels (n_rows,), 0 or 1.

    Raises ValueError on no rows, NotAProbability.
    """
    if len(probability) == 0 or len(probability) != len(is_late):
        raise ValueError(
            f"expected as many labels as probabilities, above 0; got {len(is_late)} and {len(probability)}"
        )
    require_probabilities(probability)
    both = 0 < is_late.mean() < 1
    return Quality(
        flights=len(is_late),
        late_share=float(is_late.mean()),
        mean_probability=float(probability.mean()),
        roc_auc=float(roc_auc_score(is_late, probability)) if both else None,
        log_loss=float(loss_per_row(probability, is_late).mean()),
        brier=float(brier_score_loss(is_late, probability)),
    )


def require_probabilities(probability: np.ndarray) -> np.ndarray:
    """The same (n_rows,), when all are finite and from 0 to 1. Raises NotAProbability."""
    wrong = ~((probability >= 0) & (probability <= 1))  # of NaN both are false
    if wrong.any():
        raise NotAProbability(
            f"{wrong.sum()} of {len(probability)} predictions are no probabilities, the first is "
            f"{probability[wrong][0]}; expected 0 to 1: do not let this model answer"
        )
    return probability


def loss_per_row(probability: np.ndarray, is_late: np.ndarray) -> np.ndarray:
    """Log loss of each row in nats, (n_rows,), 0 best.

    >>> loss_per_row(np.array([0.5, 0.9]), np.array([1, 1])).round(3).tolist()
    [0.693, 0.105]
    """
    likelihood = np.where(is_late == 1, probability, 1 - probability)
    return -np.log(np.clip(likelihood, CLIP, 1))


def day_block_interval(
    values: np.ndarray, day: np.ndarray, confidence: float, seed: int, rounds: int = 2000
) -> Interval:
    """The mean of `values` with its lower bound, by resampling whole days with replacement.

    `values` and `day` are (n_rows,). Flights of one day share its weather: resampling rows
    would treat them as independent and make the interval three to six times too narrow.
    Source: the block bootstrap, Kuensch 1989, Annals of Statistics 17(3), blocks of one day.
    """
    _, index = np.unique(day, return_inverse=True)
    sums, counts = np.bincount(index, weights=values), np.bincount(index)
    drawn = np.random.default_rng(seed).integers(0, len(counts), size=(rounds, len(counts)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return Interval(
        mean=float(values.mean()),
        lower=float(np.quantile(means, 1 - confidence)),
        share_positive=float((means > 0).mean()),
        days=len(counts),
    )
