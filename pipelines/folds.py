"""Labelled flights encoded once, in the order of time, so that each fold of the protocol is two slices of arrays."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from data_checks import schema as s
from monitoring.labels import IS_LATE
from monitoring.quality import loss_per_row
from pipelines.clock import local_day
from pipelines.encoding import encode_features
from pipelines.estimators import ModelParameters, make_estimator
from pipelines.protocol import Fold, Slices
from pipelines.training import departing

FEWEST = 500


@dataclass(frozen=True)
class FoldedRows:
    """The flights before the end of the last fold, oldest first; nothing newer is here to be looked at.

    `rows` are the flights, `X` their features as numbers, `is_late` 0 or 1, `day` the local day of departure;
    `folds` are pairs of slices of all of these: what is learned from, and what is judged on.
    """

    rows: pl.DataFrame
    X: np.ndarray
    is_late: np.ndarray
    day: np.ndarray
    folds: tuple[tuple[slice, slice], ...]

    def judged(self, values: np.ndarray) -> np.ndarray:
        """The values of the flights that the folds judge on, (n_judged_rows,), one fold after the other."""
        return np.concatenate([values[judged] for _, judged in self.folds])


JudgeFolds = Callable[[FoldedRows, ModelParameters], Iterator[tuple[float, list[float]]]]
"""What `judge_folds` does, wherever it is done: the same numbers to the last bit, or the search is another one."""


def fold_rows(labelled: pl.DataFrame, slices: Slices) -> FoldedRows:
    """The labelled flights of the folds. A fold with under 500 flights, or one class, on either side is left out."""
    end = slices.folds[-1].end if slices.folds else slices.start
    known = departing(labelled, slices.start, end).filter(pl.col(IS_LATE).is_not_null())
    rows = known.sort(s.SCHEDULED_DEPARTURE, maintain_order=True)
    is_late = rows[IS_LATE].cast(pl.Int8).to_numpy()
    cut = [_cut(rows[s.SCHEDULED_DEPARTURE], fold) for fold in slices.folds]
    return FoldedRows(
        rows=rows,
        X=encode_features(rows),
        is_late=is_late,
        day=rows.select(local_day(s.SCHEDULED_DEPARTURE)).to_series().to_numpy(),
        folds=tuple(sides for sides in cut if all(_is_enough(is_late[side]) for side in sides)),
    )


def fit_matrix(X: np.ndarray, is_late: np.ndarray, parameters: ModelParameters) -> object:
    """A fitted estimator on (n_rows, n_features) numbers. A column that is missing in every row is not learned from."""
    return fit_estimator(make_estimator(parameters), X, is_late, parameters.threads)


def fit_estimator(estimator: object, X: np.ndarray, is_late: np.ndarray, threads: int) -> object:
    """What `fit_matrix` does, for an estimator of one's own."""
    empty = np.isnan(X).all(axis=0)
    learned = np.where(empty, 0.0, X) if empty.any() else X  # an empty column cannot be binned
    with threadpool_limits(threads, user_api="openmp"):
        return estimator.fit(learned, is_late)


def fold_probability(folded: FoldedRows, number: int, parameters: ModelParameters) -> np.ndarray:
    """The probabilities of the flights of a fold, said by a model of the flights before it."""
    learned, judged = folded.folds[number]
    model = fit_matrix(folded.X[learned], folded.is_late[learned], parameters)
    return model.predict_proba(folded.X[judged])[:, 1]


def judge_fold(folded: FoldedRows, number: int, parameters: ModelParameters) -> tuple[float, list[float]]:
    """Mean log loss of a fold's flights, and its sum on each of their days, by a model of the flights before them."""
    judged = folded.folds[number][1]
    loss = loss_per_row(fold_probability(folded, number, parameters), folded.is_late[judged])
    days = np.bincount(np.unique(folded.day[judged], return_inverse=True)[1], weights=loss)
    return float(loss.mean()), days.tolist()


def judge_folds(folded: FoldedRows, parameters: ModelParameters) -> Iterator[tuple[float, list[float]]]:
    """`judge_fold` of every fold, the oldest first, each when it is asked for."""
    return (judge_fold(folded, number, parameters) for number in range(len(folded.folds)))


def _cut(departure: pl.Series, fold: Fold) -> tuple[slice, slice]:
    start, end = (_first_at(departure, moment) for moment in (fold.start, fold.end))
    return slice(0, start), slice(start, end)


def _first_at(departure: pl.Series, moment: datetime) -> int:
    return int((departure < moment).sum())


def _is_enough(is_late: np.ndarray) -> bool:
    return len(is_late) >= FEWEST and is_late.min() < is_late.max()
