"""The model and what it is fitted on: rows known at a cutoff, a pipeline of scikit-learn, fixed seeds and threads."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder
from threadpoolctl import threadpool_limits

from data_checks import schema as s
from infra.errors import PreflightError
from monitoring.decision import EXPANDING
from monitoring.labels import IS_LATE
from pipelines.feature_catalog import CATEGORICAL, CATEGORIES, NAMES, NUMERIC


class TooFewRows(PreflightError, ValueError):  # noqa: N818
    """There are not enough labelled rows to fit a model or to judge one."""


@dataclass(frozen=True)
class ModelParameters:
    """What a fit depends on beside its rows. More than two threads would add gradients in a changing order."""

    trees: int = 60
    learning_rate: float = 0.15
    leaves: int = 31
    feature_share: float = 0.7
    seed: int = 2013
    threads: int = 2

    def as_dict(self) -> dict[str, float]:
        """The parameters by name."""
        return asdict(self)


@dataclass(frozen=True)
class TrainingWindow:
    """Departures from `start` to before `cutoff` are learned from, those from `cutoff` to before `end` judge."""

    start: datetime
    cutoff: datetime
    end: datetime

    def as_text(self) -> dict[str, str]:
        """Its three moments in ISO format."""
        return {name: moment.isoformat() for name, moment in asdict(self).items()}


def training_window(kind: str, first: datetime, end: datetime, gate_days: int, recent_weeks: int) -> TrainingWindow:
    """The window of a challenger trained at `end`: all that is known (`expanding`), or only `recent_weeks` of it."""
    cutoff = end - timedelta(days=gate_days)
    start = first if kind == EXPANDING else max(first, cutoff - timedelta(weeks=recent_weeks))
    return TrainingWindow(start, cutoff, end)


def fit_key(window: TrainingWindow, parameters: ModelParameters, data: dict[str, str]) -> str:
    """A name for a fit: equal for equal rows, window and parameters, so that doing it again is recognised."""
    inputs = {"window": window.as_text(), "parameters": parameters.as_dict(), "data": data}
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def split_by_time(labelled: pl.DataFrame, window: TrainingWindow) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The labelled rows to learn from and the newer ones that judge. No random split: it would leak the future.

    Raises TooFewRows when either side has under 500 rows or only one class.
    """
    departure = pl.col(s.SCHEDULED_DEPARTURE)
    labelled = labelled.filter(pl.col(IS_LATE).is_not_null())
    learned = labelled.filter(departure >= window.start, departure < window.cutoff)
    judged = labelled.filter(departure >= window.cutoff, departure < window.end)
    for name, rows in (("to learn from", learned), ("to judge on", judged)):
        if rows.height < 500 or rows[IS_LATE].n_unique() < 2:
            raise TooFewRows(f"{rows.height} labelled flights {name}, needed 500 of both classes; ingest more weeks")
    return learned, judged


def fit_model(rows: pl.DataFrame, parameters: ModelParameters, names: Sequence[str] = NAMES) -> Pipeline:
    """A fitted pipeline from named features to the probability of a late arrival.

    `rows` has the features of these names, by default all of the catalog, and `is_late`. The same
    rows and parameters give the same model, bit for bit, on the same machine. A feature that is
    missing in every row is not learned from.
    """
    categorical = [name for name in CATEGORICAL if name in names]
    codes = OrdinalEncoder(
        categories=[list(CATEGORIES[name]) for name in categorical],
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,  # the trees send it where missing values go
        encoded_missing_value=np.nan,
    )
    encode = ColumnTransformer(
        [("codes", codes, categorical)], remainder="passthrough", verbose_feature_names_out=False
    )
    trees = HistGradientBoostingClassifier(
        max_iter=parameters.trees,
        learning_rate=parameters.learning_rate,
        max_leaf_nodes=parameters.leaves,
        max_features=parameters.feature_share,
        early_stopping=False,
        random_state=parameters.seed,
    )
    model = Pipeline([("encode", encode), ("trees", trees)])
    empty = [name for name in names if name in NUMERIC and rows[name].is_null().all()]
    X = rows.select(names).with_columns(pl.lit(0.0).alias(name) for name in empty)  # an empty column cannot be binned
    with threadpool_limits(parameters.threads, user_api="openmp"):
        return model.fit(X, rows[IS_LATE].cast(pl.Int8).to_numpy())


def predict_probability(model: Pipeline, features: pl.DataFrame, names: Sequence[str] = NAMES) -> np.ndarray:
    """Probability of a late arrival, (n_rows,), 0 to 1, in the order of `features`; `names` as in the fit."""
    return model.predict_proba(features.select(names))[:, 1]
