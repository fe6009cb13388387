"""The contenders for the main model, judged on the folds of the protocol: the simplest within noise of the best."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
import polars as pl

from data_checks import schema as s
from infra.errors import PreflightError
from monitoring.labels import IS_LATE
from monitoring.quality import Interval, Quality, day_block_interval, loss_per_row, measure_quality
from pipelines.estimators import HIST_GRADIENT_BOOSTING, LIGHTGBM, LOGISTIC, ModelParameters
from pipelines.folds import FoldedRows, fit_matrix

BASE_RATE, RATE_TABLE = "base_rate", "rate_table"
SIMPLEST_FIRST = (BASE_RATE, RATE_TABLE, LOGISTIC, HIST_GRADIENT_BOOSTING, LIGHTGBM)
"""LightGBM is last: as many trees as the other, and one more native library."""

Predict = Callable[[pl.DataFrame, np.ndarray], np.ndarray]

PRIOR_FLIGHTS = 50.0
_HOUR, _SHARE = "local_hour", "late_share"


class NothingLearned(PreflightError, ValueError):  # noqa: N818
    """No model says more than a yardstick that knows no feature of the day."""


@dataclass(frozen=True)
class BaseRate:
    """Always says the late share of the flights it has seen."""

    share: float

    @classmethod
    def fit(cls, rows: pl.DataFrame) -> "BaseRate":
        """Learn from labelled rows."""
        return cls(float(rows[IS_LATE].mean()))

    def probability(self, rows: pl.DataFrame) -> np.ndarray:
        """The share, once per row, (n_rows,)."""
        return np.full(rows.height, self.share)


@dataclass(frozen=True)
class RateTable:
    """Says the late share of the carrier in the local hour of the planned departure, drawn towards the carrier's.

    A share of few flights is noise, so each is (late + m * prior) / (flights + m), as if m flights with the
    late share of the level above had been seen too: that of a cell is the carrier's, that of a carrier the
    overall share. What was never seen has the share of the level above. Source: the m-estimate, Cestnik 1990,
    Estimating Probabilities, ECAI, pages 147-149; one level above the other: Micci-Barreca 2001, SIGKDD
    Explorations 3(1), section 4. m is 50 flights.
    """

    overall: float
    carriers: pl.DataFrame
    cells: pl.DataFrame

    @classmethod
    def fit(cls, rows: pl.DataFrame, prior_flights: float = PRIOR_FLIGHTS) -> "RateTable":
        """Learn from labelled rows with the carrier and the minute of the day of departure."""
        overall = float(rows[IS_LATE].mean())
        drawn = (pl.col(IS_LATE).sum() + prior_flights * pl.col("prior").first()) / (pl.len() + prior_flights)
        carriers = rows.with_columns(prior=pl.lit(overall)).group_by(s.CARRIER).agg(drawn.alias(_SHARE))
        above = _with_hour(rows).join(carriers, on=s.CARRIER).rename({_SHARE: "prior"})
        return cls(overall, carriers, above.group_by(s.CARRIER, _HOUR).agg(drawn.alias(_SHARE)))

    def probability(self, rows: pl.DataFrame) -> np.ndarray:
        """The share of each row's cell, (n_rows,)."""
        found = (
            _with_hour(rows)
            .join(self.cells, on=[s.CARRIER, _HOUR], how="left", maintain_order="left")
            .join(self.carriers, on=s.CARRIER, how="left", maintain_order="left", suffix="_of_carrier")
        )
        return found.select(pl.coalesce(_SHARE, f"{_SHARE}_of_carrier", pl.lit(self.overall))).to_series().to_numpy()


YARDSTICKS = {BASE_RATE: BaseRate, RATE_TABLE: RateTable}


@dataclass(frozen=True)
class Judged:
    """What a contender said of the flights of the folds, (n_judged_rows,), and the seconds its fits took."""

    name: str
    probability: np.ndarray
    folds: tuple[Quality, ...]
    seconds: float


@dataclass(frozen=True)
class Standing:
    """A contender beside the best: over all flights of the folds; `roc_auc` is the mean of the folds'.

    `loses` is its log loss less that of the best; within noise when the lower bound is not above zero.
    """

    name: str
    log_loss: float
    roc_auc: float
    brier: float
    loses: Interval
    within_noise: bool
    seconds: float


@dataclass(frozen=True)
class Choice:
    """The contender that won, why, and how all of them did, the simplest first."""

    winner: str
    reason: str
    standings: tuple[Standing, ...]


def judge_contenders(folded: FoldedRows, parameters: ModelParameters) -> tuple[Judged, ...]:
    """Every contender on every fold, learned from the flights before it; the simplest first."""
    return tuple(_judge(name, folded, parameters) for name in SIMPLEST_FIRST)


def choose_contender(
    judged: tuple[Judged, ...], is_late: np.ndarray, day: np.ndarray, confidence: float, seed: int
) -> Choice:
    """The simplest contender whose log loss is within noise of the best; `is_late` and `day` of the judged rows.

    Within noise: the one-sided lower bound of what it loses to the best, resampling whole days, is not above
    zero. Raises NothingLearned when that is a yardstick: it is no model, and is never registered.
    """
    losses = {one.name: loss_per_row(one.probability, is_late) for one in judged}
    best = min(losses, key=lambda name: losses[name].mean())
    standings = tuple(
        _standing(one, is_late, day_block_interval(losses[one.name] - losses[best], day, confidence, seed))
        for one in sorted(judged, key=lambda one: SIMPLEST_FIRST.index(one.name))
    )
    winner = next(standing for standing in standings if standing.within_noise)
    reason = _reason(winner, next(standing for standing in standings if standing.name == best), standings, confidence)
    if winner.name in YARDSTICKS:
        raise NothingLearned(
            f"expected a model to beat the yardsticks on {winner.loses.days} days of {len(judged[0].folds)} folds, "
            f"got: {reason}; look at the features and labels of these weeks before anything is registered"
        )
    return Choice(winner.name, reason, standings)


def fit_contender(
    name: str, rows: pl.DataFrame, X: np.ndarray, is_late: np.ndarray, parameters: ModelParameters
) -> Predict:
    """A contender that learned from rows, their numbers and labels: says (rows, numbers) -> probability, (n_rows,)."""
    if name in YARDSTICKS:
        yardstick = YARDSTICKS[name].fit(rows)
        return lambda rows, X: yardstick.probability(rows)
    model = fit_matrix(X, is_late, replace(parameters, kind=name))
    return lambda rows, X: model.predict_proba(X)[:, 1]


def _judge(name: str, folded: FoldedRows, parameters: ModelParameters) -> Judged:
    said, seconds = [], 0.0
    for learned, judged in folded.folds:
        began = perf_counter()
        predict = fit_contender(name, folded.rows[learned], folded.X[learned], folded.is_late[learned], parameters)
        seconds += perf_counter() - began
        said.append(predict(folded.rows[judged], folded.X[judged]))
    labels = [folded.is_late[judged] for _, judged in folded.folds]
    qualities = tuple(measure_quality(*pair) for pair in zip(said, labels, strict=True))
    return Judged(name, np.concatenate(said), qualities, seconds)


def _standing(one: Judged, is_late: np.ndarray, loses: Interval) -> Standing:
    whole = measure_quality(one.probability, is_late)
    return Standing(
        name=one.name,
        log_loss=whole.log_loss,
        roc_auc=float(np.mean([fold.roc_auc for fold in one.folds])),
        brier=whole.brier,
        loses=loses,
        within_noise=loses.lower <= 0,
        seconds=one.seconds,
    )


def _reason(winner: Standing, best: Standing, standings: tuple[Standing, ...], confidence: float) -> str:
    if winner is not best:
        return (
            f"{winner.name} is simpler than {best.name} and within noise of it: log loss {winner.log_loss:.4f} "
            f"against {best.log_loss:.4f}, at {confidence:.0%} it may lose nothing ({winner.loses.lower:+.4f})"
        )
    simpler = [f"{other.name} {other.loses.lower:+.4f}" for other in standings[: standings.index(best)]]
    return (
        f"{best.name} has the lowest log loss, {best.log_loss:.4f}, and what is simpler loses more than noise, "
        f"at {confidence:.0%} at least: {', '.join(simpler) or 'nothing is simpler'}"
    )


def _with_hour(rows: pl.DataFrame) -> pl.DataFrame:
    hour = (pl.col("departure_minute_of_day") // 60).alias(_HOUR)
    return rows.select(s.CARRIER, hour, *([IS_LATE] if IS_LATE in rows.columns else []))
