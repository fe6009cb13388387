"""How many flights a gain needs: the textbook's number, and power that is what was asked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.sample_size import power_at, required_flights, spread_of

GAINS, SPREADS = st.floats(0.001, 1), st.floats(0.01, 10)


def test_halves_of_independent_flights_need_sixteen_variances_over_the_gain_squared():
    """Deviation 0.5, gain 0.01: 16 * 0.25 / 0.0001 = 40,000 a half; exactly 15.70 instead of 16."""
    assert required_flights(0.01, spread=2 * 0.5, alpha=0.025) / 2 == pytest.approx(39_244, abs=1)


@given(GAINS, SPREADS)
def test_half_the_gain_needs_four_times_the_flights(gain, spread):
    assert required_flights(gain / 2, spread) == pytest.approx(4 * required_flights(gain, spread), abs=4)


@given(GAINS, SPREADS, st.floats(0.5, 0.99), st.floats(0.001, 0.2))
def test_so_many_flights_have_the_power_that_was_asked_for_and_one_less_has_not(gain, spread, power, alpha):
    needed = required_flights(gain, spread, power, alpha)

    assert power_at(needed, gain, spread, alpha) >= power - 1e-9
    assert power_at(needed - 1, gain, spread, alpha) <= power + 1e-9


@given(st.integers(1, 10**6), SPREADS, st.floats(0.001, 0.2))
def test_a_gain_that_is_not_there_is_seen_as_often_as_alpha_says(flights, spread, alpha):
    assert power_at(flights, 0.0, spread, alpha) == pytest.approx(alpha)


@pytest.mark.parametrize("gain", [0.0, -0.01])
def test_no_number_of_flights_shows_a_gain_of_nothing(gain):
    with pytest.raises(ValueError, match="expected a gain above 0 to look for"):
        required_flights(gain, 1.0)


def test_the_spread_of_flights_that_have_nothing_in_common_is_their_deviation():
    dice = np.random.default_rng(1)
    gains = dice.normal(0, 0.3, (400, 100))

    found = spread_of(gains.sum(axis=1), np.full(400, 100.0), gains.size)

    assert found == pytest.approx(0.3, rel=0.1)


def test_what_the_flights_of_a_day_have_in_common_widens_the_spread():
    """Days of 100 flights that move together by 0.1: the variance is 0.3 squared and 100 times 0.1 squared."""
    dice = np.random.default_rng(1)
    gains = dice.normal(0, 0.3, (400, 100)) + dice.normal(0, 0.1, (400, 1))

    found = spread_of(gains.sum(axis=1), np.full(400, 100.0), gains.size)

    assert found == pytest.approx(np.sqrt(0.09 + 1), rel=0.1)
