"""The facts of a week: by hand on a few flights, provisional with few labels, and nothing made up without any."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from monitoring.decision_cost import CostTable
from monitoring.week_facts import Coverage, quality_intervals, tell_facts, tell_slices


def flights(is_late: list[int | None], probability: list[float] | None = None, days: int = 2) -> pl.DataFrame:
    rows = len(is_late)
    return pl.DataFrame(
        {
            "probability": probability or [0.5] * rows,
            "frozen": [0.5] * rows,
            "base_rate": [0.25] * rows,
            "is_late": pl.Series(is_late, dtype=pl.Int8),
            "carrier": ["UA", "AA"] * (rows // 2) + ["UA"] * (rows % 2),
            "day": [date(2013, 7, 1 + place % days) for place in range(rows)],
        }
    )


@pytest.mark.parametrize(("labelled", "is_provisional"), [(89, True), (90, False), (91, False)])
def test_below_nine_tenths_of_the_labels_a_metric_is_provisional(labelled, is_provisional):
    assert Coverage(flights=120, able=100, labelled=labelled).is_provisional is is_provisional


def test_cancelled_flights_are_no_labels_that_are_missing():
    coverage = Coverage(flights=120, able=100, labelled=100)

    assert (coverage.share, coverage.as_dict()["flights"]) == (1.0, 120)
    assert Coverage(5, 0, 0).share == 1.0


def test_without_a_label_only_what_needs_none_is_told():
    facts = tell_facts(flights([None, None]), Coverage(2, 2, 0), CostTable(), ["carrier"], seed=1)

    assert set(facts) == {"coverage", "estimate"}
    assert facts["coverage"]["is_provisional"]
    assert facts["estimate"]["late_share"] == 0.5


def test_a_week_by_hand():
    week = flights([1, 0, 1, 0, None], [0.9, 0.1, 0.4, 0.2, 0.99])

    facts = tell_facts(week, Coverage(5, 5, 4), CostTable(3, 1), ["carrier"], seed=1)

    assert facts["realised"]["roc_auc"] == 1.0
    assert facts["realised"]["calibration_gap"] == pytest.approx(0.4 - 0.5)
    assert facts["realised"]["cost_per_thousand"] == 0.0, "0.4 is above the threshold of .25, 0.2 below"
    assert facts["frozen"]["log_loss"] == pytest.approx(np.log(2))
    assert facts["base_rate"]["cost_per_thousand"] == 500, "at the threshold everybody is warned"
    assert facts["estimate"]["late_share"] == pytest.approx((0.9 + 0.1 + 0.4 + 0.2 + 0.99) / 5)


def test_slices_with_enough_flights_are_told_apart():
    week = flights([1, 0] * 100, [0.6, 0.1] * 100)

    found = tell_slices(week.with_columns(pl.lit("rare").alias("origin")).head(199), ["carrier"])

    assert found == {"carrier=UA": {"flights": 100, "late_share": 1.0, "calibration_gap": pytest.approx(-0.4)}}


def test_an_interval_holds_the_metric_and_is_as_wide_as_the_days_differ():
    alike, apart = flights([1, 0, 0, 0] * 50, days=2), flights([1, 0] * 100, days=2)

    same, other = (quality_intervals(week, seed=1)["calibration_gap"] for week in (alike, apart))

    assert same[0] <= 0.25 <= same[1]
    assert other == [pytest.approx(-0.5), pytest.approx(0.5)], "one day all late, one day none: drawn twice either"


def test_a_single_day_has_no_interval():
    assert quality_intervals(flights([1, 0, 1], days=1), seed=1) == {}
