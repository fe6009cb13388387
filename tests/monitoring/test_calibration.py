"""Reliability worked out by hand: bins of equal count, the error between them, intervals of days."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.calibration import bin_edges, expected_calibration_error, measure_reliability


def made_up(seed: int = 1, flights: int = 2000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities that mean what they say, labels, and twenty days."""
    dice = np.random.default_rng(seed)
    probability = dice.uniform(0.05, 0.6, flights)
    return probability, (dice.random(flights) < probability).astype(int), np.arange(flights) % 20


def test_the_error_is_the_mean_distance_of_bins_weighted_by_flights():
    """Two bins of two: said 0.2, happened 0.5; said 0.8, happened 1: (2 * 0.3 + 2 * 0.2) / 4."""
    found = expected_calibration_error(np.array([0.1, 0.3, 0.7, 0.9]), np.array([0, 1, 1, 1]), bins=2)

    assert found == pytest.approx(0.25)


def test_probabilities_that_are_the_shares_have_no_error():
    assert expected_calibration_error(np.full(4, 0.25), np.array([0, 0, 0, 1])) == 0.0


def test_the_worst_error_is_to_be_sure_of_the_opposite():
    assert expected_calibration_error(np.array([0.0, 0.0, 1.0, 1.0]), np.array([1, 1, 0, 0])) == 1.0


def test_equal_probabilities_share_a_bin_so_that_there_may_be_fewer_and_none_is_empty():
    assert bin_edges(np.full(100, 0.3)).tolist() == []
    assert bin_edges(np.array([0.1, 0.1, 0.1, 0.5]), bins=4).tolist() == [0.5]


def test_a_probability_at_an_edge_belongs_above_it():
    bins = measure_reliability(np.array([0.1, 0.2, 0.2, 0.3]), np.array([0, 1, 0, 1]), np.array([1, 1, 2, 2]), 1).bins

    assert [one.flights for one in bins if one.mean_probability == pytest.approx(0.2)] == [2]
    assert min(one.flights for one in bins) > 0


def test_brier_is_the_mean_squared_distance():
    found = measure_reliability(np.array([0.0, 0.5, 1.0, 0.5]), np.array([0, 1, 1, 0]), np.array([1, 1, 2, 2]), 1)

    assert found.brier.value == pytest.approx(0.125)


def test_the_intervals_hold_what_was_found_and_have_a_width():
    found = measure_reliability(*made_up(), seed=1)

    assert found.brier.lower < found.brier.value < found.brier.upper
    assert all(one.lower <= one.late_share <= one.upper for one in found.bins)
    assert sum(one.flights for one in found.bins) == 2000


@given(st.integers(0, 1000))
def test_the_error_of_honest_probabilities_is_small_and_of_halved_ones_is_not(seed):
    probability, is_late, _ = made_up(seed)

    assert (
        expected_calibration_error(probability, is_late) < 0.06 < expected_calibration_error(probability / 2, is_late)
    )


@given(st.integers(0, 1000))
def test_the_order_of_the_flights_changes_nothing(seed):
    probability, is_late, day = made_up()
    order = np.random.default_rng(seed).permutation(len(day))

    shuffled = measure_reliability(probability[order], is_late[order], day[order], 1)

    assert shuffled.ece.upper == pytest.approx(measure_reliability(probability, is_late, day, 1).ece.upper)
