"""From probability to warning and to its cost: the threshold, its tie, and that it is the cheapest one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.decision_cost import CostTable, cost_per_row, cost_per_thousand, decide_warnings

COSTS = CostTable(missed_late=3, false_alarm=1)


@pytest.mark.parametrize(("probability", "warned"), [(0.2499, False), (0.25, True), (0.2501, True)])
def test_a_flight_is_warned_of_from_the_threshold_on(probability, warned):
    assert decide_warnings(np.array([probability]), COSTS.threshold).tolist() == [warned]


def test_each_mistake_has_its_cost_and_a_right_answer_none():
    warned, late = np.array([True, True, False, False]), np.array([1, 0, 1, 0])

    assert cost_per_row(warned, late, COSTS).tolist() == [0, 1, 3, 0]


def test_the_cost_of_a_thousand_is_that_of_the_mean():
    """Warned of both, one in time: one false alarm in two flights."""
    assert cost_per_thousand(np.array([0.9, 0.3]), np.array([1, 0]), COSTS) == 500


@given(st.floats(0.1, 10), st.floats(0.1, 10), st.floats(0.01, 0.99))
def test_at_the_threshold_warning_and_silence_cost_the_same_and_above_it_warning_is_cheaper(missed, alarm, share):
    costs = CostTable(missed, alarm)
    warning, silence = (1 - share) * alarm, share * missed

    assert (warning <= silence * (1 + 1e-9)) == (share >= costs.threshold * (1 - 1e-9))


@given(st.integers(0, 1000))
def test_no_other_threshold_is_much_cheaper_when_probabilities_are_true(seed):
    dice = np.random.default_rng(seed)
    probability = dice.random(20_000)
    late = (dice.random(20_000) < probability).astype(int)

    ours = cost_per_thousand(probability, late, COSTS)

    others = [1000 * cost_per_row(probability >= cut, late, COSTS).mean() for cut in (0.05, 0.15, 0.4, 0.6)]
    assert ours < min(others)
