"""How sure the gate is of a gain: the bound by hand, and how often it is wrong where nothing was gained."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.gain_interval import gain_interval, lower_bounds, mean_and_error
from monitoring.quality import day_block_interval

DAYS = 14


def samples(count: int, alike: float = 0.0, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Gains of days of mean nothing, each `alike` its neighbour, and the flights of the days."""
    noise = np.random.default_rng(seed).normal(size=(count, DAYS))
    gains = noise.copy()
    for day in range(1, DAYS):
        gains[:, day] = alike * gains[:, day - 1] + np.sqrt(1 - alike**2) * noise[:, day]
    return gains, np.ones_like(gains)


def test_the_bound_is_the_mean_less_students_quantile_times_the_standard_error():
    """Days 1, 3, 2: mean 2, deviations -1, 1, 0, squares 2, neighbours -1 (no credit): error sqrt(2 / 3 / 2)."""
    found = gain_interval(np.array([1.0, 3.0, 2.0]), np.array([1, 2, 3]), 0.95)

    assert (found.mean, found.days) == (2.0, 3)
    assert found.lower == pytest.approx(2 - 2.919986 * np.sqrt(1 / 3), abs=1e-5)


def test_days_that_are_like_their_neighbours_widen_the_bound():
    """Days 1, 1, -1, -1: squares 4, neighbours 1 - 1 + 1: error sqrt(5 / 4 / 3); the other order: sqrt(4 / 4 / 3)."""
    alike, alternating = (
        mean_and_error(np.array([days]), np.ones((1, 4)))[1][0] for days in ([1.0, 1, -1, -1], [1.0, -1, 1, -1])
    )

    assert (alike, alternating) == (pytest.approx(np.sqrt(5 / 12)), pytest.approx(np.sqrt(1 / 3)))


def test_a_day_counts_by_its_flights():
    found = gain_interval(np.array([4.0, 0.0, 0.0, 0.0]), np.array([1, 2, 2, 2]), 0.95)

    assert found.mean == 1.0


def test_equal_models_gain_nothing_and_the_bound_says_so():
    found = gain_interval(np.zeros(30), np.repeat(np.arange(3), 10), 0.95)

    assert (found.mean, found.lower, found.share_positive) == (0.0, 0.0, 0.0)


def test_the_same_gain_on_every_day_is_sure():
    found = gain_interval(np.full(30, 0.1), np.repeat(np.arange(3), 10), 0.95)

    assert (found.lower, found.share_positive) == (pytest.approx(0.1), pytest.approx(1.0))


def test_one_day_says_nothing_about_how_days_differ():
    with pytest.raises(ValueError, match="expected two days or more to know how days differ, got 1"):
        gain_interval(np.ones(5), np.zeros(5), 0.95)


@pytest.mark.parametrize(("alike", "at_most"), [(0.0, 0.05), (0.07, 0.055), (0.14, 0.065)])
def test_a_gain_that_is_not_there_is_seen_about_as_often_as_was_said(alike, at_most):
    """Measured: days of later fits correlate with their neighbours by 0.02 to 0.07."""
    assert 0.03 < (lower_bounds(*samples(20_000, alike), 0.95) > 0).mean() < at_most


def test_resampling_fourteen_days_is_wrong_more_often_than_this():
    gains, flights = samples(400, alike=0.07)

    resampled = np.mean([day_block_interval(days, np.arange(DAYS), 0.95, 1, 500).lower > 0 for days in gains])

    assert resampled > 0.075 > (lower_bounds(gains, flights, 0.95) > 0).mean()


@given(st.integers(0, 1000), st.floats(0.55, 0.99), st.floats(-2, 2))
def test_one_sample_alone_and_among_others_has_the_same_bound_and_a_shift_moves_it_as_far(seed, sure, by):
    gains, flights = samples(3, seed=seed)

    together = lower_bounds(gains + by, flights, sure)

    alone = gain_interval(gains[1], np.arange(DAYS), sure).lower
    assert together[1] == pytest.approx(alone + by, abs=1e-9)


@given(st.integers(0, 1000))
def test_the_order_of_the_flights_does_not_matter_only_that_of_the_days(seed):
    dice = np.random.default_rng(seed)
    values, day = dice.normal(size=60), np.repeat(np.arange(6), 10)
    order = dice.permutation(60)

    assert gain_interval(values[order], day[order], 0.95).lower == pytest.approx(gain_interval(values, day, 0.95).lower)
