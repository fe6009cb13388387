"""How a bake-off is measured: probabilities against labels that came later, by month, by age and after each verdict."""

from typing import Any

import numpy as np

from monitoring.bakeoff import Age, Effort, Flights, MonthScore, Staleness, Verdict
from monitoring.day_blocks import Gain, mean_of_months
from monitoring.decision_cost import CostTable, cost_per_thousand
from monitoring.quality import Quality, loss_per_row, measure_quality

CONFIDENCE = 0.95
BINS = 10


def score_months(
    probability: np.ndarray, bound: np.ndarray, flights: Flights, costs: CostTable, efforts: dict[str, Effort]
) -> tuple[MonthScore, ...]:
    """A policy's probabilities (n_flights,) by month, beside those of hindsight; `efforts` by month, `2013-07`."""
    scores = []
    for month in np.unique(flights.month):
        rows = flights.month == month
        said, is_late = probability[rows], flights.is_late[rows]
        quality = measure_quality(said, is_late)
        scores.append(
            MonthScore(
                month=str(month),
                quality=quality,
                calibration_error=calibration_error(said, is_late),
                cost_per_1000=cost_per_thousand(said, is_late, costs),
                regret=quality.log_loss - float(loss_per_row(bound[rows], is_late).mean()),
                effort=efforts.get(str(month), Effort()),
            )
        )
    return tuple(scores)


def calibration_error(probability: np.ndarray, is_late: np.ndarray) -> float:
    """Expected calibration error over ten bins of equally many flights, 0 best, at most 1.

    The mean over the bins of how far the mean probability is from the late share.
    Source: Naeini, Cooper and Hauskrecht 2015, AAAI, there with bins of equal width.

    >>> calibration_error(np.array([0.2] * 10), np.array([1, 1] + [0] * 8)).__round__(3)
    0.0
    """
    order = np.argsort(probability, kind="stable")
    edges = np.unique(np.concatenate([[0], np.flatnonzero(np.diff(probability[order])) + 1]))
    wanted = np.arange(BINS) * len(order) / BINS
    starts = np.unique(edges[np.searchsorted(edges, wanted, "right") - 1])  # flights of one probability share a bin
    gaps = np.add.reduceat(probability[order] - is_late[order], starts)
    return float(np.abs(gaps).sum() / len(order))


def compare(better: np.ndarray, than: np.ndarray, flights: Flights, seed: int) -> Gain:
    """What the first probabilities gain in log loss over the second: mean of months, days drawn again within each."""
    gained = loss_per_row(than, flights.is_late) - loss_per_row(better, flights.is_late)
    return mean_of_months(gained, flights.day, flights.month, CONFIDENCE, seed)


def judge_verdict(
    facts: dict[str, Any], challenger: np.ndarray, champion: np.ndarray, flights: Flights, seed: int
) -> Verdict | None:
    """What the flights after a verdict said of it; None when there are none, as after the last week.

    `facts` are `decided_on`, `promoted`, `reason` and `window`. The days are drawn again as one block of weeks.
    """
    if not len(flights.is_late):
        return None
    one = Flights(flights.is_late, flights.day, np.zeros(len(flights.day)))
    return Verdict(
        **facts,
        challenger_loss=float(loss_per_row(challenger, flights.is_late).mean()),
        champion_loss=float(loss_per_row(champion, flights.is_late).mean()),
        gain=compare(challenger, champion, one, seed),
        flights=len(flights.is_late),
    )


def measure_staleness(said: dict[tuple[str, str], np.ndarray], flights: Flights, seed: int) -> Staleness:
    """How models age; `said[learned, scored]` is what the model of one month said of the flights of another.

    Both are months, `2013-07`, and a model says nothing of months before its own.
    """
    learned, scored = (tuple(sorted({pair[place] for pair in said})) for place in (0, 1))
    found = {pair: measure_quality(one, _of_month(flights, pair[1]).is_late) for pair, one in said.items()}
    log_loss, roc_auc = (
        np.array([[_or_nan(found.get((row, column)), measure) for column in scored] for row in learned])
        for measure in ("log_loss", "roc_auc")
    )
    ages = range(1, max(_age(*pair) for pair in said) + 1)
    return Staleness(
        learned, scored, log_loss, roc_auc, tuple(_measure_age(age, said, found, flights, seed) for age in ages)
    )


def _measure_age(age: int, said: dict, found: dict[tuple[str, str], Quality], flights: Flights, seed: int) -> Age:
    pairs = [(old, month) for old, month in said if _age(old, month) == age and (month, month) in said]
    parts = [_of_month(flights, month) for _, month in pairs]
    both = Flights(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("is_late", "day", "month")))
    old, fresh = (np.concatenate([said[pair] for pair in chosen]) for chosen in (pairs, [(m, m) for _, m in pairs]))
    auc = [_or_nan(found[month, month], "roc_auc") - _or_nan(found[old, month], "roc_auc") for old, month in pairs]
    return Age(age, len(pairs), compare(fresh, old, both, seed), float(np.mean(auc)))


def _of_month(flights: Flights, month: str) -> Flights:
    rows = flights.month == np.datetime64(month, "M")
    return Flights(flights.is_late[rows], flights.day[rows], flights.month[rows])


def _age(learned: str, scored: str) -> int:
    return int((np.datetime64(scored, "M") - np.datetime64(learned, "M")).astype(int))


def _or_nan(quality: Quality | None, measure: str) -> float:
    value = getattr(quality, measure, None)
    return np.nan if value is None else value
