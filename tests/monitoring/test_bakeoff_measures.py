"""How policies are measured: worked examples of regret, cost, calibration, staleness and the gate's verdicts."""

from datetime import date, timedelta
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.bakeoff import Effort, Flights, Verdict
from monitoring.bakeoff_measures import (
    calibration_error,
    compare,
    judge_verdict,
    measure_staleness,
    score_months,
)
from monitoring.day_blocks import Gain, mean_of_months
from monitoring.decision_cost import CostTable

FACTS = {"decided_on": "2013-07-01", "promoted": False, "reason": "too little", "window": "expanding"}


def flights(*days: str, late: tuple[int, ...]) -> Flights:
    """One flight on each of these days."""
    day = np.array(days, dtype="datetime64[D]")
    return Flights(np.array(late), day, day.astype("datetime64[M]"))


FOUR = flights("2013-07-01", "2013-07-02", "2013-08-01", "2013-08-02", late=(1, 0, 1, 0))
EVEN = np.full(4, 0.5)


def sure(share: float, of: Flights = FOUR) -> np.ndarray:
    """Probabilities that say the truth with so much confidence."""
    return np.where(of.is_late == 1, share, 1 - share)


def test_regret_is_the_log_loss_of_a_month_less_that_of_hindsight():
    scores = score_months(EVEN, sure(0.8), FOUR, CostTable(), {"2013-08": Effort(2, 1, 1, 3.5)})

    assert [score.month for score in scores] == ["2013-07", "2013-08"]
    assert [score.regret for score in scores] == pytest.approx([log(0.8 / 0.5)] * 2)
    assert [score.quality.log_loss for score in scores] == pytest.approx([log(2)] * 2)
    assert [score.effort for score in scores] == [Effort(), Effort(2, 1, 1, 3.5)]


def test_hindsight_regrets_nothing():
    assert [score.regret for score in score_months(EVEN, EVEN, FOUR, CostTable(), {})] == [0, 0]


def test_calibration_error_is_the_mean_distance_of_the_bins():
    said = np.repeat([0.1, 0.9], 10)
    late = np.array([1, 1] + [0] * 8 + [0] + [1] * 9)

    assert calibration_error(said, late) == pytest.approx((abs(0.1 - 0.2) + abs(0.9 - 0.9)) / 2)


def test_errors_of_two_bins_do_not_cancel():
    said = np.repeat([0.2, 0.8], 50)
    late = np.repeat([0, 1], 50)

    assert said.mean() == pytest.approx(late.mean())
    assert calibration_error(said, late) == pytest.approx(0.2)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=60), st.randoms())
def test_calibration_error_lies_between_the_gap_and_one_whatever_the_order(rows, dice):
    shuffled = dice.sample(rows, len(rows))
    found, again = (calibration_error(*map(np.array, zip(*some, strict=True))) for some in (rows, shuffled))
    gap = abs(np.mean([said - late for said, late in rows]))

    assert gap - 1e-9 <= found <= 1 + 1e-9
    assert again == pytest.approx(found)


def test_each_month_counts_the_same_however_many_flights_it_has():
    some = flights("2013-07-01", "2013-07-02", "2013-07-03", "2013-08-01", late=(0, 0, 0, 0))

    gain = mean_of_months(np.array([1.0, 1.0, 1.0, 3.0]), some.day, some.month, 0.95, seed=1)

    assert gain == Gain(2.0, 2.0, 2.0)


def test_an_interval_of_days_is_wider_than_one_of_flights_that_share_them():
    day = np.repeat(np.arange("2013-07-01", "2013-07-31", dtype="datetime64[D]"), 100)
    by_day = np.random.default_rng(1).normal(size=30).repeat(100)
    month = day.astype("datetime64[M]")

    days = mean_of_months(by_day, day, month, 0.95, seed=1)
    rows = mean_of_months(by_day, np.arange(3000), month, 0.95, seed=1)

    assert days.upper - days.lower > 5 * (rows.upper - rows.lower)
    assert days.lower < days.mean < days.upper


def test_the_better_of_two_gains_and_the_other_way_round_it_loses():
    there, back = compare(sure(0.8), EVEN, FOUR, seed=1), compare(EVEN, sure(0.8), FOUR, seed=1)

    assert (there.mean, back.mean) == (pytest.approx(log(1.6)), pytest.approx(-log(1.6)))
    assert (there.sign, back.sign) == (1, -1)
    assert compare(EVEN, EVEN, FOUR, seed=1) == Gain(0.0, 0.0, 0.0)


@pytest.mark.parametrize("promoted", [True, False])
@pytest.mark.parametrize(("challenger", "is_better"), [(0.8, True), (0.5, False), (0.4, False)])
def test_a_gate_was_right_when_it_kept_the_better_one_and_a_tie_is_rightly_refused(promoted, challenger, is_better):
    verdict = judge_verdict({**FACTS, "promoted": promoted}, sure(challenger), EVEN, FOUR, seed=1)

    assert verdict.was_right == (promoted == is_better)


def test_a_verdict_is_judged_by_the_losses_after_it():
    verdict = judge_verdict(FACTS, sure(0.8), EVEN, FOUR, seed=1)

    assert (verdict.challenger_loss, verdict.champion_loss) == (pytest.approx(-log(0.8)), pytest.approx(log(2)))
    assert verdict.gain.mean == pytest.approx(log(1.6))
    assert verdict.flights == 4


def test_a_verdict_after_which_nothing_flew_is_not_judged():
    assert judge_verdict(FACTS, np.array([]), np.array([]), flights(late=()), seed=1) is None


@pytest.mark.parametrize(("lower", "is_sure"), [(0.001, True), (0.0, False), (-0.001, False)])
def test_a_verdict_is_sure_when_the_interval_excludes_zero(lower, is_sure):
    assert (
        Verdict(**FACTS, challenger_loss=0.4, champion_loss=0.5, gain=Gain(0.1, lower, 0.2), flights=9).is_sure
        == is_sure
    )


def test_models_age_by_what_they_lose_to_the_fresh_one_of_the_same_month():
    three = flights(*(f"2013-0{month}-0{day}" for month in (7, 8, 9) for day in (1, 2)), late=(1, 0) * 3)
    two = np.array([1, 0])

    def says(share: float) -> np.ndarray:
        return np.where(two == 1, share, 1 - share)

    said = {
        ("2013-07", "2013-07"): says(0.8), ("2013-07", "2013-08"): says(0.5), ("2013-07", "2013-09"): says(0.4),
        ("2013-08", "2013-08"): says(0.7), ("2013-08", "2013-09"): says(0.5), ("2013-09", "2013-09"): says(0.9),
    }  # fmt: skip

    found = measure_staleness(said, three, seed=1)

    assert found.learned == found.scored == ("2013-07", "2013-08", "2013-09")
    assert found.log_loss[0].tolist() == pytest.approx([-log(0.8), -log(0.5), -log(0.4)])
    assert np.isnan(found.log_loss[1, 0])
    assert [(age.months, age.models) for age in found.ages] == [(1, 2), (2, 1)]
    assert found.ages[0].lost.mean == pytest.approx((log(0.7 / 0.5) + log(0.9 / 0.5)) / 2)
    assert found.ages[1].lost.mean == pytest.approx(log(0.9 / 0.4))
    assert found.ages[1].auc_lost == 1.0  # from perfect to the wrong way round


def test_a_model_of_a_month_that_is_not_scored_has_its_age():
    one = flights("2013-04-01", "2013-04-02", late=(1, 0))
    said = {("2013-03", "2013-04"): np.array([0.5, 0.5]), ("2013-04", "2013-04"): np.array([0.8, 0.2])}

    found = measure_staleness(said, one, seed=1)

    assert (found.learned, found.scored) == (("2013-03", "2013-04"), ("2013-04",))
    assert [(age.months, age.lost.mean) for age in found.ages] == [(1, pytest.approx(log(1.6)))]


def test_days_are_drawn_within_their_month():
    """Two months of one day each: no draw can leave one out, so the interval is the mean."""
    days = [date(2013, 7, 1), date(2013, 7, 1) + timedelta(days=31)]
    day = np.array(days, dtype="datetime64[D]")

    assert mean_of_months(np.array([1.0, 5.0]), day, day.astype("datetime64[M]"), 0.9, seed=3) == Gain(3.0, 3.0, 3.0)
