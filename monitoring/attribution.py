"""How much of a change in quality the moved inputs explain, and how much is left: covariate shift or concept drift.

Flights of a reference period are weighed so that they look like those of now. What the model would have lost on them
is what moved inputs explain; what it lost now beyond that is left, for the same inputs mean something else.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

LEAST_PROBABILITY = 0.02
"""Of belonging to either period: a flight that was only possible in one of them would otherwise weigh without end."""
FOLDS = 5


@dataclass(frozen=True)
class Change:
    """One figure before, after, and before as if the inputs had been those of after."""

    before: float
    as_if_after: float
    after: float

    @property
    def explained(self) -> float:
        """What the moved inputs explain of the change."""
        return self.as_if_after - self.before

    @property
    def left(self) -> float:
        """What they do not explain: another relation between inputs and outcome, or inputs nobody measures."""
        return self.after - self.as_if_after


@dataclass(frozen=True)
class Attribution:
    """Log loss, late share and mean probability taken apart.

    `effective_share` is how many of the reference flights the weighed ones are worth, 0 to 1: near 0 the two periods
    have nothing in common, and nothing is explained by anything. `separability` is the AUC of telling them apart.
    """

    log_loss: Change
    late_share: Change
    mean_probability: Change
    effective_share: float
    separability: float


@dataclass(frozen=True)
class Flights:
    """Flights of one period: `features` (n, n_features) as encoded, `loss`, `is_late`, `probability` and `day` (n,)."""

    features: np.ndarray
    loss: np.ndarray
    is_late: np.ndarray
    probability: np.ndarray
    day: np.ndarray


def attribute_change(
    reference: Flights, now: Flights, seed: int, columns: list[int] | None = None, categorical: Sequence[int] = ()
) -> Attribution:
    """Take apart what changed from the reference to now; with `columns` only those features are let move.

    Source: importance weighting under covariate shift, Sugiyama et al. 2007, JMLR 8; the decomposition is that of Cai,
    Namkoong and Yadlowsky 2023, "Diagnosing model performance under distribution shift".
    """
    chosen = list(range(reference.features.shape[1])) if columns is None else columns
    belongs = _belongs_to_now(reference, now, seed, chosen, [chosen.index(one) for one in categorical if one in chosen])
    before = belongs[: len(reference.loss)]
    weights = before / (1 - before)
    weights /= weights.sum()
    return Attribution(
        log_loss=_change(reference.loss, now.loss, weights),
        late_share=_change(reference.is_late, now.is_late, weights),
        mean_probability=_change(reference.probability, now.probability, weights),
        effective_share=float(1 / (weights**2).sum() / len(weights)),
        separability=_separability(belongs, len(reference.loss)),
    )


def _change(before: np.ndarray, now: np.ndarray, weights: np.ndarray) -> Change:
    return Change(float(before.mean()), float(weights @ before), float(now.mean()))


def _belongs_to_now(
    reference: Flights, now: Flights, seed: int, columns: list[int], categorical: list[int]
) -> np.ndarray:
    """How likely each flight, reference first, is of now, told by a model that has not seen its day."""
    features = np.concatenate([reference.features, now.features])[:, columns]
    is_now = np.repeat([0, 1], [len(reference.loss), len(now.loss)])
    days = np.concatenate([reference.day, now.day])
    fold = np.random.default_rng(seed).permutation(np.unique(days, return_inverse=True)[1].max() + 1) % FOLDS
    of_row = fold[np.unique(days, return_inverse=True)[1]]
    said = np.empty(len(features))
    for number in range(FOLDS):
        held = of_row == number
        model = HistGradientBoostingClassifier(
            max_iter=40, max_leaf_nodes=8, min_samples_leaf=200, categorical_features=categorical or None,
            class_weight="balanced", random_state=seed,
        )  # fmt: skip
        said[held] = model.fit(features[~held], is_now[~held]).predict_proba(features[held])[:, 1]
    return np.clip(said, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)


def _separability(belongs: np.ndarray, references: int) -> float:
    return float(roc_auc_score(np.arange(len(belongs)) >= references, belongs))
