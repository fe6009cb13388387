"""What there is to say of a week's predictions, before its labels and after: quality, intervals, slices, coverage."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from monitoring.day_blocks import DayTotals, draw_days
from monitoring.decision_cost import CostTable, cost_per_thousand
from monitoring.estimation import entropy, estimate_quality
from monitoring.labels import IS_LATE
from monitoring.quality import measure_quality

LIVE, FROZEN, BASE_RATE, DAY = "probability", "frozen", "base_rate", "day"
LOWEST_COVERAGE = 0.9
"""Share of the labels below which a metric is provisional, and nothing is done about it."""
CONFIDENCE, ROUNDS = 0.9, 1000
FEWEST_IN_SLICE = 100


@dataclass(frozen=True)
class Coverage:
    """How many flights there are, how many of them can have a label, and how many labels are known."""

    flights: int
    able: int
    labelled: int

    @property
    def share(self) -> float:
        """Known labels, of those that there can be; 1 of none."""
        return self.labelled / self.able if self.able else 1.0

    @property
    def is_provisional(self) -> bool:
        """Whether too few labels are known for anything to follow."""
        return self.share < LOWEST_COVERAGE

    def as_dict(self) -> dict:
        """The counts, and what follows from them."""
        return {
            "flights": self.flights,
            "able": self.able,
            "labelled": self.labelled,
            "share": self.share,
            "is_provisional": self.is_provisional,
        }


def tell_facts(flights: pl.DataFrame, coverage: Coverage, costs: CostTable, slices: Iterable[str], seed: int) -> dict:
    """The facts of a week, as plain values.

    `flights` has a row for each prediction: LIVE, FROZEN, BASE_RATE, DAY, `is_late`, null where no label is known, and
    the columns of `slices`. Without any label only what needs none is told.
    """
    facts = {"coverage": coverage.as_dict(), "estimate": estimate_quality(flights[LIVE].to_numpy()).as_metrics()}
    known = flights.filter(pl.col(IS_LATE).is_not_null())
    if known.is_empty():
        return facts
    return facts | {
        "realised": _realised(known, LIVE, costs),
        "intervals": quality_intervals(known, seed),
        FROZEN: _realised(known, FROZEN, costs),
        BASE_RATE: _realised(known, BASE_RATE, costs),
        "slices": tell_slices(known, slices),
    }


def tell_slices(known: pl.DataFrame, columns: Iterable[str]) -> dict[str, dict[str, float]]:
    """Late share and calibration gap of each slice with enough flights, by `column=value`."""
    found = {}
    for column in columns:
        groups = known.group_by(column).agg(
            pl.len().alias("flights"),
            pl.col(IS_LATE).mean().alias("late_share"),
            (pl.col(LIVE).mean() - pl.col(IS_LATE).mean()).alias("calibration_gap"),
        )
        for row in groups.filter(pl.col("flights") >= FEWEST_IN_SLICE).sort(column).iter_rows(named=True):
            found[f"{column}={row.pop(column)}"] = row
    return found


def quality_intervals(known: pl.DataFrame, seed: int) -> dict[str, list[float]]:
    """Two-sided intervals of a week's metrics, whole days drawn again: flights of a day share its weather."""
    is_late, probability = known[IS_LATE].cast(pl.Int8).to_numpy(), known[LIVE].to_numpy()
    totals = DayTotals.of(probability, is_late, known[DAY].to_numpy())
    if totals.days < 2:
        return {}
    times = draw_days(totals.days, ROUNDS, np.random.default_rng(seed))
    flights, place = totals.late + totals.in_time, np.unique(known[DAY].to_numpy(), return_inverse=True)[1]
    sums = {
        "brier": np.bincount(place, (probability - is_late) ** 2),
        "calibration_gap": np.bincount(place, probability - is_late),
    }
    with np.errstate(invalid="ignore"):  # a draw of days without a late flight has no AUC
        rounds = {
            "roc_auc": totals.roc_auc(times),
            "log_loss": totals.log_loss(times),
            **{name: (times @ each) / (times @ flights) for name, each in sums.items()},
        }
        rounds["skill"] = 1 - rounds["log_loss"] / entropy((times @ totals.late) / (times @ flights))
    tail = (1 - CONFIDENCE) / 2
    return {name: np.nanquantile(values, [tail, 1 - tail]).tolist() for name, values in rounds.items()}


def _realised(known: pl.DataFrame, column: str, costs: CostTable) -> dict[str, float]:
    is_late = known[IS_LATE].cast(pl.Int8).to_numpy()
    metrics = measure_quality(known[column].to_numpy(), is_late).as_metrics()
    return metrics | {"cost_per_thousand": cost_per_thousand(known[column].to_numpy(), is_late, costs)}
