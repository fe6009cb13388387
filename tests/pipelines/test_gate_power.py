"""How many days until a gain is seen: the true gain is what was set, neighbours stay neighbours, more days see more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.gate_power import BLOCK, LONGEST, WINDOWS, DailyGains, daily_gains, draw_weeks, power_curve, sees_gain
from pipelines.promotion import GateRules

RULES = GateRules()


def made_up(spread: float = 0.015, mean: float = 0.003, seed: int = 1) -> DailyGains:
    """Gains of 98 days that vary by so much, with some hundred flights a day."""
    dice = np.random.default_rng(seed)
    flights = dice.integers(700, 1000, LONGEST).astype(float)
    return DailyGains(flights * dice.normal(mean, spread, LONGEST), flights)


def test_the_gain_of_a_day_is_the_champions_loss_less_the_challengers():
    """Day 1: late, said 0.5 and 0.8; day 2: in time, said 0.5 and 0.8, and the same of both."""
    found = daily_gains(np.full(3, 0.5), np.array([0.8, 0.8, 0.5]), np.array([1, 0, 0]), np.array([1, 2, 2]))

    assert found.sums == pytest.approx([np.log(0.8 / 0.5), np.log(0.2 / 0.5)])
    assert found.flights.tolist() == [1, 2]


def test_at_most_fourteen_weeks_are_looked_at():
    half, day = np.full(200, 0.5), np.arange(200)

    assert len(daily_gains(half, half, np.zeros(200, int), day).sums) == 98


@given(st.floats(-0.02, 0.02), st.integers(0, 100))
def test_moving_the_mean_leaves_the_ups_and_downs(gain, seed):
    before = made_up(seed=seed)

    after = before.at(gain)

    assert after.mean == pytest.approx(gain, abs=1e-12)
    assert (after.sums - before.sums) / before.flights == pytest.approx(gain - before.mean)


def test_days_are_drawn_in_weeks_that_go_on_from_the_last_day_to_the_first():
    places = draw_weeks(10, 14, np.random.default_rng(1))

    steps = (places[:, 1:] - places[:, :-1]) % 10
    inside = [place for place in range(13) if (place + 1) % BLOCK]
    assert places.shape == (400, 14)
    assert (steps[:, inside] == 1).all()
    assert set(places.ravel()) == set(range(10))


def test_a_length_that_is_no_whole_week_is_cut():
    assert draw_weeks(30, 10, np.random.default_rng(1), rounds=5).shape == (5, 10)


def test_both_checks_of_the_gain_are_asked():
    sure = np.full((1, 14), 0.001)
    flights = np.ones((1, 14))

    assert sees_gain(sure, flights, RULES).tolist() == [True]
    assert sees_gain(sure, flights, GateRules(least_gain=0.002)).tolist() == [False]
    assert sees_gain(np.where(np.arange(14) % 2, 1.0, -0.9)[None], flights, RULES).tolist() == [False]


def test_without_a_gain_about_one_in_twenty_is_seen_whatever_the_days():
    found = power_curve([made_up(seed=seed) for seed in range(12)], 0.0, RULES, seed=1)

    assert found.days_needed is None
    assert max(found.share.values()) < 0.075
    assert min(found.share.values()) > 0.02


def test_more_days_and_a_larger_gain_are_seen_more_often():
    pairs = [made_up(seed=seed) for seed in range(6)]
    small, large = (list(power_curve(pairs, gain, RULES, seed=1).share.values()) for gain in (0.002, 0.01))

    assert small[0] < small[-1]
    assert all(one < other for one, other in zip(small, large, strict=True))
    assert large == sorted(large)


def test_the_days_needed_lie_where_the_curve_crosses_four_fifths():
    found = power_curve([made_up(seed=seed) for seed in range(6)], 0.01, RULES, seed=1)

    below = max(days for days in WINDOWS if found.share[days] < 0.8)
    above = min(days for days in WINDOWS if found.share[days] >= 0.8)
    assert below < found.days_needed <= above


def test_beyond_the_longest_window_the_normal_formula_tells_the_days():
    """(1.645 + 0.842)^2 * 0.015^2 / 0.001^2 is 1391, the spread of drawn days being what it is."""
    found = power_curve([made_up(seed=seed) for seed in range(40)], 0.001, RULES, seed=1)

    assert found.days_needed == pytest.approx(1391, rel=0.15)


def test_a_gain_just_above_the_least_one_takes_the_days_until_its_mean_is_seen_to_be_above_it():
    """0.842^2 * 0.015^2 / (0.005 - 0.004)^2 is 159; to be sure of it alone took 56."""
    found = power_curve([made_up(seed=seed) for seed in range(40)], 0.005, GateRules(least_gain=0.004), seed=1)

    assert found.days_needed == pytest.approx(159, rel=0.15)


@pytest.mark.parametrize("gain", [0.003, 0.004])
def test_a_gain_that_is_not_above_the_least_one_is_never_seen_for_sure(gain):
    found = power_curve([made_up(seed=seed) for seed in range(12)], gain, GateRules(least_gain=0.004), seed=1)

    assert found.days_needed is None
    assert max(found.share.values()) < 0.6


def test_a_gain_that_is_sure_every_day_needs_the_shortest_window():
    flights = np.full(LONGEST, 800.0)
    steady = DailyGains(0.001 * flights, flights)

    assert power_curve([steady], 0.001, RULES, seed=1).days_needed == WINDOWS[0]
