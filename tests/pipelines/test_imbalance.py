"""Treating class imbalance: which rows a treatment learns from, which threshold was cheapest, and what follows."""

from datetime import date, timedelta

import few_days
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_checks import schema as s
from monitoring.decision_cost import CostTable, cost_per_row, decide_warnings
from monitoring.labels import IS_LATE, LABEL_KNOWN_AT
from monitoring.quality import Quality
from pipelines.clock import midnight
from pipelines.imbalance import (
    NOTHING,
    OVER,
    TREATMENTS,
    UNDER,
    WEIGHTS,
    Treated,
    cheapest_threshold,
    conclude_treatments,
    draw_rows,
    fit_treated,
    treat_month,
)
from pipelines.worth import month_rows

COSTS = CostTable(missed_late=3, false_alarm=1)
MAY = date(2013, 5, 1)
SEVEN_OF_TEN = np.array([0, 0, 1, 0, 0, 1, 0, 0, 0, 1])


def flights() -> pl.DataFrame:
    """The made-up flights, their labels known three hours after departure."""
    return few_days.flights().with_columns((pl.col(s.SCHEDULED_DEPARTURE) + timedelta(hours=3)).alias(LABEL_KNOWN_AT))


@pytest.fixture(scope="module")
def may():
    rows = month_rows(flights(), MAY)
    return {way: treat_month(way, rows, few_days.QUICK, COSTS, calibration_days=7) for way in TREATMENTS}


@pytest.mark.parametrize("treatment", [NOTHING, WEIGHTS])
def test_without_drawing_every_row_is_learned_from_once(treatment):
    assert draw_rows(treatment, SEVEN_OF_TEN, seed=1).tolist() == list(range(10))


def test_undersampling_keeps_the_smaller_class_and_draws_as_many_of_the_larger():
    rows = draw_rows(UNDER, SEVEN_OF_TEN, seed=1)

    assert SEVEN_OF_TEN[rows].mean() == 0.5
    assert len(set(rows)) == len(rows) == 6
    assert {2, 5, 9} <= set(rows)


def test_oversampling_keeps_every_row_and_repeats_the_smaller_class_evenly():
    rows = draw_rows(OVER, SEVEN_OF_TEN, seed=1)

    times = np.bincount(rows)
    assert times[SEVEN_OF_TEN == 0].tolist() == [1] * 7
    assert sorted(times[SEVEN_OF_TEN == 1]) == [2, 2, 3]


def test_the_smaller_class_may_be_those_in_time():
    rows = draw_rows(UNDER, 1 - SEVEN_OF_TEN, seed=1)

    assert (1 - SEVEN_OF_TEN)[rows].mean() == 0.5


def test_balanced_weights_are_given_to_the_estimator():
    folded = few_days.folded()

    plain, weighted = (fit_treated(way, folded.X, folded.is_late, few_days.QUICK) for way in (NOTHING, WEIGHTS))

    assert (plain.class_weight, weighted.class_weight) == (None, "balanced")


@pytest.mark.parametrize("treatment", [WEIGHTS, UNDER, OVER])
def test_a_treated_model_is_too_gloomy_until_it_is_recalibrated(may, treatment):
    raw, again = may[treatment]

    assert raw.quality.calibration_gap > 0.05
    assert abs(again.quality.calibration_gap) < raw.quality.calibration_gap / 2
    assert again.quality.roc_auc == pytest.approx(raw.quality.roc_auc)
    assert (raw.is_recalibrated, again.is_recalibrated) == (False, True)


def test_nothing_is_learned_from_the_calibration_slice():
    cut = midnight(MAY) - timedelta(days=7)
    rows, flipped = flights(), pl.col(s.SCHEDULED_DEPARTURE).is_between(cut, midnight(MAY), closed="left")
    turned = rows.with_columns(pl.when(flipped).then(~pl.col(IS_LATE)).otherwise(IS_LATE).alias(IS_LATE))

    before, after = (
        treat_month(NOTHING, month_rows(table, MAY), few_days.QUICK, COSTS, calibration_days=7)[0]
        for table in (rows, turned)
    )

    assert before.quality == after.quality
    assert before.cost_at_best != after.cost_at_best


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.25, 0.4, 0.6, 0.9]), st.integers(0, 1)), min_size=1, max_size=30))
def test_no_threshold_would_have_been_cheaper(flown):
    probability, is_late = (np.array(column) for column in zip(*flown, strict=True))

    def cost(threshold: float) -> float:
        return cost_per_row(decide_warnings(probability, threshold), is_late, COSTS).sum()

    found = cheapest_threshold(probability, is_late, COSTS)
    assert cost(found) == min(map(cost, [*probability, np.inf]))


def test_where_warning_never_pays_silence_is_cheapest():
    assert cheapest_threshold(np.array([0.9, 0.2]), np.array([0, 0]), COSTS) == np.inf


def treated(treatment: str, is_recalibrated: bool, cost: float, says: float = 0.25) -> Treated:
    """A month in which the treatment cost so much at the optimum."""
    quality = Quality(100, 0.25, says, 0.75, 0.5, 0.18)
    return Treated(treatment, is_recalibrated, quality, 0.02, cost + 50, cost, cost)


def concluded(costs: dict[str, float]) -> str:
    """What is said of treatments of these costs at the optimum."""
    months = {(way, again): [treated(way, again, costs[way])] for way in TREATMENTS for again in (False, True)}
    return conclude_treatments(months)


@pytest.mark.parametrize(
    ("under", "differs"), [(401, "adds 0.2% to"), (400, "saves 0.0% of"), (392.1, "saves 2.0% of")]
)
def test_a_treatment_that_saves_next_to_nothing_is_left_alone(under, differs):
    said = concluded({NOTHING: 400, WEIGHTS: 410, UNDER: under, OVER: 402})

    assert f"nothing is reweighted, and the threshold moves instead: undersampling {differs} the cost" in said


def test_a_treatment_that_saves_much_is_named_with_what_it_saves():
    said = concluded({NOTHING: 400, WEIGHTS: 410, UNDER: 380, OVER: 395})

    assert said.endswith("closer look: undersampling saves 5.0% of the cost of nothing, cheaper in 1 of 1 months.")
    assert "undersampling is cheapest, 430 per 1000 flights against 450 untreated" in said


def test_what_recalibration_saves_is_not_the_merit_of_a_treatment():
    months = {
        (way, again): [treated(way, again, 380 if again else 420)] for way in TREATMENTS for again in (False, True)
    }

    said = conclude_treatments(months)

    assert "So nothing is reweighted" in said
    assert "saves 0.0% of the cost of nothing with recalibration, cheaper in 0 of 1 months" in said
