"""How good predictions will turn out to be, told before any label is there, from the probabilities alone.

A calibrated probability says how often it is wrong, so that expected metrics follow from the probabilities
themselves. What it cannot see is concept drift: when the same inputs begin to mean something else, probabilities
promise as much as before and keep less.
"""

from dataclasses import asdict, dataclass

import numpy as np

from monitoring.quality import CLIP


@dataclass(frozen=True)
class Estimate:
    """Metrics that are to be expected of some flights; AUC is None where all probabilities are 0 or all are 1."""

    roc_auc: float | None
    log_loss: float
    brier: float
    late_share: float

    @property
    def skill(self) -> float:
        """1 less log loss over that of always saying the expected late share: comparable across seasons."""
        share = np.clip(self.late_share, CLIP, 1 - CLIP)
        return float(1 - self.log_loss / entropy(np.array([share]))[0])

    def as_metrics(self) -> dict[str, float]:
        """The metrics by name, those that exist."""
        named = {**asdict(self), "skill": self.skill}
        return {name: float(value) for name, value in named.items() if value is not None}


def estimate_quality(probability: np.ndarray) -> Estimate:
    """What probabilities (n_rows,), 0 to 1 and calibrated, promise of themselves. Raises ValueError on no rows.

    Source: confidence-based performance estimation, NannyML 0.13, "How it works: CBPE"; Garg et al. 2022, ICLR,
    "Leveraging unlabeled data to predict out-of-distribution performance", on when it must fail.
    """
    if len(probability) == 0:
        raise ValueError("expected at least one probability, got none")
    return Estimate(
        roc_auc=expected_auc(probability),
        log_loss=float(entropy(probability).mean()),
        brier=float((probability * (1 - probability)).mean()),
        late_share=float(probability.mean()),
    )


def entropy(probability: np.ndarray) -> np.ndarray:
    """The log loss that each probability (n_rows,) expects of itself, in nats, (n_rows,), 0 where it is sure.

    >>> entropy(np.array([0.5, 1.0])).round(3).tolist()
    [0.693, 0.0]
    """
    sure = np.clip(probability, CLIP, 1 - CLIP)
    return -(sure * np.log(sure) + (1 - sure) * np.log(1 - sure))


def expected_auc(probability: np.ndarray) -> float | None:
    """How likely a late flight is ranked above one in time, when each is late with its own probability (n_rows,).

    >>> expected_auc(np.array([0.0, 1.0]))
    1.0
    """
    values, place = np.unique(probability, return_inverse=True)
    late = np.bincount(place, weights=probability, minlength=len(values))
    timely = np.bincount(place, weights=1 - probability, minlength=len(values))
    with_itself = (probability * (1 - probability)).sum()
    pairs = late.sum() * timely.sum() - with_itself
    if pairs <= 0:
        return None
    below = np.cumsum(timely) - timely
    return float(((late * below).sum() + (late * timely).sum() / 2 - with_itself / 2) / pairs)
