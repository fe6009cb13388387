"""The model and what it is fitted on: rows known at a cutoff, a pipeline of scikit-learn, fixed seeds and threads."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder
from threadpoolctl import threadpool_limits

from data_checks import schema as s
from infra.errors import PreflightError
from monitoring.decision import EXPANDING
from monitoring.labels import IS_LATE
from pipelines.estimators import ModelParameters, make_estimator
from pipelines.feature_catalog import CATEGORICAL, CATEGORIES, NAMES, NUMERIC
from pipelines.protocol import Slices


class TooFewRows(PreflightError, ValueError):  # noqa: N818
    """There are not enough labelled rows to fit a model or to judge one."""


def learning_start(kind: str, first: datetime, gate: datetime, recent_weeks: int) -> datetime:
    """Where a challenger begins to learn: at the first day (`expanding`), or so many weeks before the gate."""
    return first if kind == EXPANDING else max(first, gate - timedelta(weeks=recent_weeks))


def fit_key(slices: Slices, parameters: ModelParameters, data: dict[str, str]) -> str:
    """A name for a fit: equal for equal rows, slices and parameters, so that doing it again is recognised."""
    inputs = {"slices": slices.as_text(), "parameters": parameters.as_dict(), "data": data}
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def departing(rows: pl.DataFrame, start: datetime, end: datetime) -> pl.DataFrame:
    """The rows whose scheduled departure is from `start` to before `end`."""
    departure = pl.col(s.SCHEDULED_DEPARTURE)
    return rows.filter(departure >= start, departure < end)


def split_by_time(labelled: pl.DataFrame, slices: Slices) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The labelled rows to learn from and the newer ones that judge. No random split: it would leak the future.

    Raises TooFewRows when either side has under 500 rows or only one class.
    """
    labelled = labelled.filter(pl.col(IS_LATE).is_not_null())
    learned = departing(labelled, slices.start, slices.gate)
    judged = departing(labelled, slices.gate, slices.end)
    for name, rows in (("to learn from", learned), ("to judge on", judged)):
        if rows.height < 500 or rows[IS_LATE].n_unique() < 2:
            raise TooFewRows(f"{rows.height} labelled flights {name}, needed 500 of both classes; ingest more weeks")
    return learned, judged


def fit_model(rows: pl.DataFrame, parameters: ModelParameters, names: Sequence[str] = NAMES) -> Pipeline:
    """A fitted pipeline from named features to the probability of a late arrival; its last step takes numbers alone.

    `rows` has the features of these names, by default all of the catalog, and `is_late`. The same
    rows and parameters give the same model, bit for bit, on the same machine. A feature that is
    missing in every row is not learned from.
    """
    model = Pipeline([("encode", _encoder(names)), ("estimator", make_estimator(parameters))])
    empty = [name for name in names if name in NUMERIC and rows[name].is_null().all()]
    X = rows.select(names).with_columns(pl.lit(0.0).alias(name) for name in empty)  # an empty column cannot be binned
    with threadpool_limits(parameters.threads, user_api="openmp"):
        return model.fit(X, rows[IS_LATE].cast(pl.Int8).to_numpy())


def predict_probability(model: Pipeline, features: pl.DataFrame, names: Sequence[str] = NAMES) -> np.ndarray:
    """Probability of a late arrival, (n_rows,), 0 to 1, in the order of `features`; `names` as in the fit."""
    return model.predict_proba(features.select(names))[:, 1]


def _encoder(names: Sequence[str]) -> ColumnTransformer:
    categorical = [name for name in CATEGORICAL if name in names]
    codes = OrdinalEncoder(
        categories=[list(CATEGORIES[name]) for name in categorical],
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,  # the trees send it where missing values go
        encoded_missing_value=np.nan,
    )
    return ColumnTransformer([("codes", codes, categorical)], remainder="passthrough", verbose_feature_names_out=False)
