"""Do small carriers and destinations get as good answers as large ones? The only module that imports fairlearn."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from fairlearn.metrics import MetricFrame, false_negative_rate, false_positive_rate

SMALL, LARGE = "small", "large"


@dataclass(frozen=True)
class Gap:
    """How differently two groups are treated: shares of late flights missed and of flights in time warned of.

    `missed_gap` and `false_alarm_gap` are small less large, -1 to 1, 0 best; None where a group has too few of them.
    """

    family: str
    flights: dict[str, int]
    missed: dict[str, float]
    false_alarms: dict[str, float]

    @property
    def missed_gap(self) -> float:
        """Share of late flights missed among the small less that among the large."""
        return self.missed[SMALL] - self.missed[LARGE]

    @property
    def false_alarm_gap(self) -> float:
        """Share of flights in time that were warned of among the small less that among the large."""
        return self.false_alarms[SMALL] - self.false_alarms[LARGE]

    @property
    def worst(self) -> float:
        """The larger of the two gaps, whichever group it is against, 0 to 1."""
        return max(abs(self.missed_gap), abs(self.false_alarm_gap))


def sizes(names: pl.Series, smallest_share: float) -> pl.Series:
    """`small` or `large` for each row: small where its name has less than that share of all rows; null stays null."""
    share = pl.col("name").count().over("name") / pl.col("name").count()
    size = pl.when(pl.col("name").is_null()).then(None).when(share < smallest_share).then(pl.lit(SMALL))
    return names.to_frame("name").select(size.otherwise(pl.lit(LARGE)).alias("size")).to_series()


def measure_gap(family: str, size: pl.Series, warned: np.ndarray, is_late: np.ndarray) -> Gap | None:
    """The gap between small and large of a family; None where one of them has no late flight, or none in time."""
    known = size.is_not_null().to_numpy()
    group, late, said = size.to_numpy()[known], is_late[known], warned[known]
    for name in (SMALL, LARGE):
        if len(np.unique(late[group == name])) < 2:
            return None
    metrics = {"missed": false_negative_rate, "false_alarms": false_positive_rate}
    # equal flights are counted first: fairlearn walks through its rows one by one
    rows = pl.DataFrame({"group": group, "late": late, "said": said.astype(int)})
    counts = rows.group_by(rows.columns).len().sort(rows.columns)
    frame = MetricFrame(
        metrics=metrics,
        y_true=counts["late"].to_numpy(),
        y_pred=counts["said"].to_numpy(),
        sensitive_features=counts["group"].to_numpy(),
        sample_params={name: {"sample_weight": counts["len"].to_numpy()} for name in metrics},
    )
    rates = {name: {key: float(value) for key, value in frame.by_group[name].items()} for name in metrics}
    return Gap(family, {name: int((group == name).sum()) for name in (SMALL, LARGE)}, **rates)
