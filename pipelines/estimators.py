"""The estimators that compete, each from parameters alone: not yet fitted, on a matrix of numbers."""

from dataclasses import asdict, dataclass, replace

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from infra.settings import Settings
from pipelines.averaging import AveragedForests
from pipelines.feature_catalog import CATEGORICAL

LOGISTIC, HIST_GRADIENT_BOOSTING, LIGHTGBM = "logistic", "hist_gradient_boosting", "lightgbm"


@dataclass(frozen=True)
class ModelParameters:
    """What a fit depends on beside its rows. More than two threads would add gradients in a changing order.

    `forests` of so many `trees` each, from seeds drawn with `seed`, are averaged; a regression has no use for it.
    """

    kind: str = HIST_GRADIENT_BOOSTING
    forests: int = 1
    trees: int = 60
    learning_rate: float = 0.15
    leaves: int = 31
    feature_share: float = 0.7
    smallest_leaf: int = 20
    l2: float = 0.0
    seed: int = 2013
    threads: int = 2

    @property
    def size(self) -> str:
        """How many forests of how many trees, in words."""
        return f"{self.forests} {'forest' if self.forests == 1 else 'forests'} of {self.trees} trees"

    def as_dict(self) -> dict[str, float | str]:
        """The parameters by name."""
        return asdict(self)


def plain_parameters(settings: Settings, trees: int | None = None) -> ModelParameters:
    """The parameters before anything was searched for: number of trees, seed and threads of the settings."""
    return ModelParameters(
        forests=settings.forests,
        trees=trees or settings.trees,
        seed=settings.seed,
        threads=settings.training_threads,
    )


def make_estimator(parameters: ModelParameters, codes: int = len(CATEGORICAL)) -> object:
    """The estimator of a kind, not yet fitted, on a matrix of numbers whose first `codes` columns are codes."""
    if parameters.kind == LOGISTIC:
        return _logistic(parameters, codes)
    make = ESTIMATORS[parameters.kind]
    if parameters.forests == 1:
        return make(parameters)
    forests = [make(replace(parameters, seed=seed)) for seed in _seeds(parameters)]
    return AveragedForests(forests, parameters.threads)


def _seeds(parameters: ModelParameters) -> list[int]:
    """Seeds that no neighbouring seed leads to too, as twins of the seeds 1 and 2 would else share a forest."""
    drawn = np.random.SeedSequence(parameters.seed).generate_state(parameters.forests)
    return (drawn >> 1).tolist()  # LightGBM takes 31 bits


def _hist_gradient_boosting(parameters: ModelParameters) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=parameters.trees,
        learning_rate=parameters.learning_rate,
        max_leaf_nodes=parameters.leaves,
        max_features=parameters.feature_share,
        min_samples_leaf=parameters.smallest_leaf,
        l2_regularization=parameters.l2,
        early_stopping=False,
        random_state=parameters.seed,
    )


def _lightgbm(parameters: ModelParameters) -> object:
    from lightgbm import LGBMClassifier  # 0.2 s and a native library that the other kinds do not need

    return LGBMClassifier(
        n_estimators=parameters.trees,
        learning_rate=parameters.learning_rate,
        num_leaves=parameters.leaves,
        feature_fraction_bynode=parameters.feature_share,
        min_child_samples=parameters.smallest_leaf,
        reg_lambda=parameters.l2,
        random_state=parameters.seed,
        n_jobs=parameters.threads,
        deterministic=True,
        force_row_wise=True,  # else LightGBM times both ways and takes the faster: not the same every time
        verbose=-1,
    )


def _logistic(parameters: ModelParameters, codes: int = len(CATEGORICAL)) -> Pipeline:
    first, rest = slice(0, codes), slice(codes, None)
    scaled = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
    columns = ColumnTransformer(
        [("codes", OneHotEncoder(handle_unknown="ignore"), first), ("numbers", scaled, rest)], sparse_threshold=0
    )
    return make_pipeline(columns, LogisticRegression(max_iter=1000, random_state=parameters.seed))


ESTIMATORS = {HIST_GRADIENT_BOOSTING: _hist_gradient_boosting, LIGHTGBM: _lightgbm, LOGISTIC: _logistic}
