"""Which map from log-odds to probability is chosen: the simplest that is as good as the best on other days."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.calibrating import MOST_KNOTS, choose_calibration, to_log_odds
from pipelines.calibration_map import IDENTITY, sigmoid

DAYS, PER_DAY = 20, 400


def flights(seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True probabilities, labels that follow them, and days."""
    dice = np.random.default_rng(seed)
    truth = sigmoid(dice.normal(-1.0, 1.2, DAYS * PER_DAY))
    return truth, (dice.random(truth.size) < truth).astype(int), np.repeat(np.arange(DAYS), PER_DAY)


def chosen(said: np.ndarray, is_late: np.ndarray, day: np.ndarray):
    return choose_calibration(said, is_late, day, 0.95, 1)


def kinked(truth: np.ndarray) -> np.ndarray:
    """What says 0.05 of all it takes for unlikely, and steps up at one half: no straight line in log-odds mends it."""
    return np.where(truth < 0.3, truth / 20, np.where(truth < 0.5, 0.02 + truth / 20, 0.3 + truth / 2))


def test_probabilities_that_mean_what_they_say_are_left_as_they_are():
    found = chosen(*flights())

    assert found.map == IDENTITY
    assert found.reason.startswith("identity ")


def test_an_affine_distortion_is_undone():
    """Said are the log-odds twice over plus one: slope 1/2 and intercept -1/2 bring them back."""
    truth, is_late, day = flights()

    found = chosen(sigmoid(2 * to_log_odds(truth) + 1), is_late, day).map

    assert found.kind == "affine"
    assert (found.slope, found.intercept) == (pytest.approx(0.5, abs=0.03), pytest.approx(-0.5, abs=0.06))


def test_a_kink_needs_the_isotonic_map_which_is_thinned_and_near_the_truth():
    truth, is_late, day = flights()

    found = chosen(kinked(truth), is_late, day).map

    assert (found.kind, len(found.x) <= MOST_KNOTS) == ("isotonic", True)
    assert np.abs(found.apply(to_log_odds(kinked(truth))) - truth).mean() < 0.02


def test_the_log_loss_of_each_method_is_noted_and_the_chosen_ones_is_near_the_lowest():
    truth, is_late, day = flights()

    record = chosen(kinked(truth), is_late, day).as_record()

    assert (record["method"], set(record["log_loss"])) == ("isotonic", {"identity", "affine", "isotonic"})
    assert min(record["log_loss"], key=record["log_loss"].get) == "isotonic"


@pytest.mark.parametrize(("days", "known"), [(4, False), (5, True)])
def test_fewer_than_five_days_leave_probabilities_as_they_are(days, known):
    truth, is_late, day = flights()
    few = day < days

    found = chosen(sigmoid(2 * to_log_odds(truth[few]) + 1), is_late[few], day[few])

    assert (found.map != IDENTITY, bool(found.log_loss)) == (known, known)


def test_a_part_without_late_flights_leaves_probabilities_as_they_are():
    truth, _, day = flights()

    assert chosen(truth, np.zeros(truth.size, int), day).map == IDENTITY


def test_a_model_that_ranks_the_wrong_way_round_is_not_turned_round():
    truth, is_late, day = flights()

    found = chosen(1 - truth, is_late, day).map

    assert found.apply(np.array([-1.0, 1.0]))[0] <= found.apply(np.array([-1.0, 1.0]))[1]


@given(st.integers(0, 30))
def test_the_order_of_the_flights_changes_nothing_that_is_chosen(seed):
    truth, is_late, day = flights()
    said, order = sigmoid(2 * to_log_odds(truth) + 1), np.random.default_rng(seed).permutation(truth.size)

    found, expected = chosen(said[order], is_late[order], day[order]).map, chosen(said, is_late, day).map

    assert (found.kind, found.slope) == ("affine", pytest.approx(expected.slope, abs=1e-4))
