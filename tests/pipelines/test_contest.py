"""Contenders month by month: what each is judged on, how it is as an artefact, and what follows in words."""

from datetime import date, timedelta

import few_days
import numpy as np
import polars as pl
import pytest

from data_checks import schema as s
from monitoring.labels import IS_LATE, LABEL_KNOWN_AT
from pipelines.contenders import BASE_RATE, RATE_TABLE, BaseRate
from pipelines.contest import Entry, Served, conclude, enter, rank, serve
from pipelines.estimators import HIST_GRADIENT_BOOSTING, LIGHTGBM, LOGISTIC
from pipelines.fitting import labels_of
from pipelines.worth import judge_month, month_rows

MAY = date(2013, 5, 1)


@pytest.fixture(scope="module")
def may():
    known = (pl.col(s.SCHEDULED_DEPARTURE) + timedelta(hours=3)).alias(LABEL_KNOWN_AT)
    return month_rows(few_days.flights().with_columns(known), MAY)


def entry(may, skill: float, seconds: float = 1.0) -> Entry:
    """A month in which somebody leans to the truth by `skill`."""
    share = may.scored[IS_LATE].mean()
    return Entry(judge_month(may, share + skill * (labels_of(may.scored) - share)), 0.01, seconds)


def test_a_contender_is_judged_on_the_month_by_what_was_known_before_it(may):
    found = enter(BASE_RATE, may, few_days.QUICK)

    expected = judge_month(may, BaseRate.fit(may.learned).probability(may.scored))
    assert found.month.quality == expected.quality
    assert found.ece == pytest.approx(abs(may.learned[IS_LATE].mean() - may.scored[IS_LATE].mean()))
    assert found.fit_seconds > 0


def test_the_contenders_stand_beside_the_best_in_order_of_simplicity(may):
    found = rank({LIGHTGBM: [entry(may, 0.3)], LOGISTIC: [entry(may, 0.2)], BASE_RATE: [entry(may, 0.0)]}, seed=1)

    assert [result.name for result in found] == [BASE_RATE, LOGISTIC, LIGHTGBM]
    best, worse = found[2].entries[0].month.quality, found[1].entries[0].month.quality
    assert found[1].loses.mean == pytest.approx(worse.log_loss - best.log_loss)
    assert found[1].loses.lower > 0 == found[2].loses.mean


@pytest.mark.parametrize("name", [LOGISTIC, HIST_GRADIENT_BOOSTING, LIGHTGBM])
def test_a_contender_that_can_be_registered_is_safe_and_explained_as_an_artefact(may, name):
    served = serve(name, may, few_days.QUICK)

    assert served.is_safe
    assert served.is_explained
    assert served.microseconds > 0


@pytest.mark.parametrize("name", [BASE_RATE, RATE_TABLE])
def test_a_yardstick_is_never_served(may, name):
    assert serve(name, may, few_days.QUICK) is None


GOOD, WRONG, UNEXPLAINED = Served(10, 0.0, 0.0), Served(10, 1e-6, 0.0), Served(10, 0.0, 1e-9)


def concluded(may, served: dict, **skills: float) -> str:
    """What is said of contenders of these skills."""
    results = rank({name: [entry(may, skill, seconds=2 * (1 + skill))] for name, skill in skills.items()}, seed=1)
    return conclude(results, {BASE_RATE: None, RATE_TABLE: None, **served})


def test_the_simplest_within_noise_is_the_main_model_and_what_it_beats_is_said(may):
    served = dict.fromkeys((LOGISTIC, HIST_GRADIENT_BOOSTING, LIGHTGBM), GOOD)

    said = concluded(may, served, base_rate=0.0, logistic=0.2, hist_gradient_boosting=0.3, lightgbm=0.3)

    assert said.startswith("The main model is hist_gradient_boosting: the simplest whose log loss, 0.")
    assert "The best beats base_rate by 0." in said
    assert "lightgbm has +0.0000 of log loss and +0.0000 of AUC beside it, takes 1.0 times as long" in said


@pytest.mark.parametrize("flaw", [WRONG, UNEXPLAINED], ids=["another model as an artefact", "not explained"])
def test_what_cannot_be_served_as_it_is_is_not_the_main_model(may, flaw):
    served = {LOGISTIC: GOOD, HIST_GRADIENT_BOOSTING: flaw, LIGHTGBM: GOOD}

    said = concluded(may, served, base_rate=0.0, logistic=0.2, hist_gradient_boosting=0.3, lightgbm=0.3)

    assert said.startswith("The main model is lightgbm")


def test_when_the_best_cannot_be_served_and_all_others_lose_nothing_is_chosen(may):
    said = concluded(may, {LOGISTIC: GOOD, LIGHTGBM: WRONG}, logistic=0.2, lightgbm=0.3)

    assert said == "No contender that can be served is within noise of lightgbm, the best: nothing is chosen."


def test_a_yardstick_is_never_the_main_model(may):
    said = concluded(may, {LOGISTIC: GOOD}, base_rate=0.3, logistic=0.3)

    assert said.startswith("The main model is logistic")


def test_a_result_is_the_mean_over_the_months(may):
    (result,) = rank({LOGISTIC: [entry(may, 0.2, seconds=1), entry(may, 0.3, seconds=2)]}, seed=1)

    assert result.mean("fit_seconds") == 1.5
    assert result.mean("ece") == pytest.approx(0.01)
    assert result.mean("log_loss") == np.mean([one.month.quality.log_loss for one in result.entries])
