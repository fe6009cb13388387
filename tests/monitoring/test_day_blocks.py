"""A day that counts twice counts as if its flights had flown twice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_auc_score

from monitoring.day_blocks import DayTotals, draw_days

FLIGHTS = st.lists(
    st.tuples(st.sampled_from([0.1, 0.25, 0.5, 0.75]), st.integers(0, 1), st.integers(0, 3)), min_size=2, max_size=30
)


@given(FLIGHTS, st.lists(st.integers(1, 3), min_size=4, max_size=4))
def test_auc_and_log_loss_are_those_of_the_flights_repeated(flights, times):
    probability, is_late, day = (np.array(column) for column in zip(*flights, strict=True))
    if len(set(is_late)) < 2:
        is_late[0] = 1 - is_late[0]
    present = np.unique(day)
    repeated = np.repeat(np.arange(len(day)), np.array(times)[day])

    totals = DayTotals.of(probability, is_late, day)
    counts = np.array([[times[one] for one in present]], float)

    assert totals.days == len(present)
    assert totals.roc_auc(counts)[0] == pytest.approx(roc_auc_score(is_late[repeated], probability[repeated]))
    assert totals.log_loss(counts)[0] == pytest.approx(log_loss(is_late[repeated], probability[repeated]))


def test_two_days_by_hand():
    probability, is_late, day = np.array([0.9, 0.2, 0.4, 0.4]), np.array([1, 0, 1, 0]), np.array([1, 1, 2, 2])

    totals = DayTotals.of(probability, is_late, day)

    assert totals.won.tolist() == [[1, 1], [1, 0.5]]
    assert totals.roc_auc(np.array([[1.0, 1.0], [0.0, 2.0]])).tolist() == [3.5 / 4, 0.5]


def test_as_many_days_are_drawn_as_there_are_and_equal_dice_draw_equal_days():
    drawn = draw_days(7, 100, np.random.default_rng(1))

    assert drawn.shape == (100, 7)
    assert (drawn.sum(axis=1) == 7).all()
    assert (drawn == draw_days(7, 100, np.random.default_rng(1))).all()
