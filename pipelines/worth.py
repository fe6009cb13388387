"""What each group of features is worth: the model retrained every month without it, against the one with all.

The protocol is plain: on the first of each month a model is fitted on every flight whose label is
known by then, and scores the month. No gate, no champion, no calibration; equal seeds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from data_checks import schema as s
from infra.errors import PreflightError
from monitoring.day_blocks import DayTotals, Gain, draw_days
from monitoring.labels import IS_LATE, LABEL_KNOWN_AT, known_labels
from monitoring.quality import Quality, measure_quality
from pipelines.clock import local_day, midnight
from pipelines.estimators import ModelParameters
from pipelines.feature_catalog import FEATURES, NAMES
from pipelines.training import fit_model, predict_probability

KEEP, NO_EVIDENCE, HARMFUL = "keep", "no evidence", "harmful"
CONFIDENCE = 0.95
ROUNDS = 4000


class NothingToScore(PreflightError, ValueError):  # noqa: N818
    """A month has no labelled flights to learn from or to score."""


@dataclass(frozen=True)
class MonthRows:
    """The flights whose label is known when a month begins, and those that leave in it, each with its local day."""

    start: date
    learned: pl.DataFrame
    scored: pl.DataFrame
    day: np.ndarray


@dataclass(frozen=True)
class Month:
    """One month scored by a model that learned from all labels known when it began."""

    start: date
    learned: int
    quality: Quality
    by_day: DayTotals


@dataclass(frozen=True)
class Worth:
    """What the model loses without a group of features, and what follows."""

    group: str
    roc_auc: Gain
    log_loss: Gain
    verdict: str
    reason: str


def month_starts(first_day: date, last_day: date) -> list[date]:
    """The first days of the months that begin between two days, both included."""
    months = (date(year, month, 1) for year in range(first_day.year, last_day.year + 1) for month in range(1, 13))
    return [month for month in months if first_day <= month <= last_day]


def with_labels(features: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    """The features of the flights that landed, each with its label and the moment it was known."""
    labels = known_labels(outcomes, outcomes[s.KNOWN_AT].max())
    return features.join(labels, on=s.FLIGHT_ID, how="inner", maintain_order="left")


def names_without(group: str | None) -> tuple[str, ...]:
    """The features of the catalog that are not in a group; all of them without one."""
    return tuple(feature.name for feature in FEATURES if feature.group != group)


def groups() -> tuple[str, ...]:
    """The groups of the catalog, in its order."""
    return tuple(dict.fromkeys(feature.group for feature in FEATURES))


def score_month(
    labelled: pl.DataFrame, start: date, parameters: ModelParameters, names: Sequence[str] = NAMES
) -> Month:
    """Fit on every label known at the start of a month, score the flights that leave in it.

    Raises NothingToScore when one side has no flights, or only late ones.
    """
    rows = month_rows(labelled, start)
    model = fit_model(rows.learned, parameters, names)
    return judge_month(rows, predict_probability(model, rows.scored, names))


def month_rows(labelled: pl.DataFrame, start: date) -> MonthRows:
    """What is known at the start of a month, and the flights that leave in it.

    Raises NothingToScore when one side has no flights, or only late ones.
    """
    departed = labelled.select(local_day(s.SCHEDULED_DEPARTURE)).to_series()
    learned = labelled.filter(pl.col(LABEL_KNOWN_AT) <= midnight(start))
    of_month = (departed.dt.year() == start.year) & (departed.dt.month() == start.month)
    scored, day = labelled.filter(of_month), departed.filter(of_month).to_numpy()
    if any(rows[IS_LATE].n_unique() < 2 for rows in (learned, scored)):
        raise NothingToScore(
            f"{start:%Y-%m} has {scored.height} labelled flights and {learned.height} known before it, "
            "needed late ones and others on both sides; choose a longer PREFLIGHT_FIRST_DAY to PREFLIGHT_LAST_DAY"
        )
    return MonthRows(start, learned, scored, day)


def judge_month(rows: MonthRows, probability: np.ndarray) -> Month:
    """How good the probabilities (n_scored,) of a month's flights are."""
    is_late = rows.scored[IS_LATE].cast(pl.Int8).to_numpy()
    by_day = DayTotals.of(probability, is_late, rows.day)
    return Month(rows.start, rows.learned.height, measure_quality(probability, is_late), by_day)


def weigh_group(group: str, full: Sequence[Month], without: Sequence[Month], seed: int) -> Worth:
    """What the months lose without a group: means over months, intervals from days drawn again within each month.

    Full and reduced model meet on the same days of every round, so that what a hard day does to both cancels.
    """
    dice = np.random.default_rng(seed)
    auc, loss = [], []
    for one, other in zip(full, without, strict=True):
        once = np.ones((1, one.by_day.days))
        times = np.concatenate([once, draw_days(one.by_day.days, ROUNDS, dice)])
        auc.append(one.by_day.roc_auc(times) - other.by_day.roc_auc(times))
        loss.append(other.by_day.log_loss(times) - one.by_day.log_loss(times))
    roc_auc, log_loss = (Gain.of(np.mean(rounds, axis=0), CONFIDENCE) for rounds in (auc, loss))
    return Worth(group, roc_auc, log_loss, *decide_worth(roc_auc, log_loss))


def decide_worth(roc_auc: Gain, log_loss: Gain) -> tuple[str, str]:
    """Verdict and reason: keep what helps in one measure and harms in none, and the other way round."""
    signs = {"AUC": roc_auc.sign, "log loss": log_loss.sign}
    better = [name for name, sign in signs.items() if sign > 0]
    worse = [name for name, sign in signs.items() if sign < 0]
    if better and not worse:
        return KEEP, f"worse {' and '.join(better)} without it"
    if worse and not better:
        return HARMFUL, f"better {' and '.join(worse)} without it"
    return NO_EVIDENCE, "the two measures disagree" if better else "both intervals hold 0"
