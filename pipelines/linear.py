"""A logistic regression as plain arrays: codes looked up in tables, numbers filled, centred, scaled and weighted."""

from dataclasses import dataclass

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from pipelines.forest import UnservableModelError


@dataclass(frozen=True)
class CodeTable:
    """What each code of a column adds to the log-odds; `missing` where it is NaN, nothing for a code not listed."""

    codes: np.ndarray
    weights: np.ndarray
    missing: float

    @property
    def centre(self) -> float:
        """The plain mean over the codes: what contributions of this column are measured from."""
        return float(self.weights.mean()) if self.weights.size else 0.0


@dataclass(frozen=True)
class Linear:
    """Log-odds are the intercept, the tables' entries, and `weight * (filled - mean) / scale` of every other column.

    The columns of the tables come first, in their order; the arrays have an entry for each column after them.
    """

    tables: tuple[CodeTable, ...]
    fill: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    weight: np.ndarray
    intercept: float

    @property
    def n_features(self) -> int:
        """Columns it expects."""
        return len(self.tables) + self.fill.size

    @property
    def bias(self) -> float:
        """The log-odds of a flight whose contributions are all zero."""
        return self.intercept + sum(table.centre for table in self.tables)


def linear_of(pipeline: Pipeline) -> Linear:
    """The arrays of a fitted pipeline of one-hot codes (first columns), filled and scaled numbers, and a regression.

    Raises UnservableModelError, saying what was expected, when it is put together in another way.
    """
    try:
        encode, regression = (step for _, step in pipeline.steps)
        codes, numbers = encode.named_transformers_["codes"], encode.named_transformers_["numbers"]
        impute, scale = (step for _, step in numbers.steps)
        _require_shape(encode, codes, regression)
        _require_every_column(codes, impute, regression)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise UnservableModelError(
            "expected a pipeline of ColumnTransformer (`codes` one-hot, `numbers` SimpleImputer and StandardScaler) "
            f"and LogisticRegression, got another ({error}); see pipelines/linear.py"
        ) from error
    weights = regression.coef_[0].astype(np.float64)
    sizes = [len(known) for known in codes.categories_]
    parts = np.split(weights, np.cumsum(sizes))
    return Linear(
        tables=tuple(_table(known, part) for known, part in zip(codes.categories_, parts, strict=False)),
        fill=impute.statistics_.astype(np.float64),
        mean=scale.mean_.astype(np.float64),
        scale=scale.scale_.astype(np.float64),
        weight=parts[-1],
        intercept=float(regression.intercept_[0]),
    )


def _require_shape(encode: ColumnTransformer, codes: OneHotEncoder, regression: LogisticRegression) -> None:
    every = np.arange(encode.n_features_in_)
    first, rest = (every[columns] for _, _, columns in encode.transformers)  # lists of numbers, or slices
    if [*first, *rest] != every.tolist():
        raise ValueError("columns are left out or out of order")
    if codes.handle_unknown != "ignore" or codes.drop is not None:
        raise ValueError("OneHotEncoder does not ignore the unknown")
    if len(regression.classes_) != 2:
        raise ValueError(f"{len(regression.classes_)} classes")


def _require_every_column(codes: OneHotEncoder, impute: SimpleImputer, regression: LogisticRegression) -> None:
    if np.isnan(impute.statistics_).any():
        raise ValueError("a column is missing in every row; fit with keep_empty_features=True")
    columns = sum(map(len, codes.categories_)) + impute.statistics_.size
    if columns != regression.n_features_in_:
        raise ValueError(f"{columns} encoded columns, the regression was fitted on {regression.n_features_in_}")


def _table(known: np.ndarray, weights: np.ndarray) -> CodeTable:
    known = known.astype(np.float64)
    missing = np.isnan(known)
    return CodeTable(known[~missing], weights[~missing], float(weights[missing].sum()))
