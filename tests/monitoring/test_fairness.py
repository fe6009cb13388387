"""Gaps between small and large groups, worked out by hand; fairlearn has to find the same."""

import numpy as np
import polars as pl
import pytest
from fairlearn.metrics import false_negative_rate, false_positive_rate
from hypothesis import given
from hypothesis import strategies as st

from monitoring.fairness import LARGE, SMALL, measure_gap, sizes

SIZE = pl.Series([SMALL] * 4 + [LARGE] * 5)
LATE = np.array([1, 1, 0, 0, 1, 1, 1, 1, 0])
WARNED = np.array([True, False, True, False, True, True, True, False, False])


def test_the_gaps_are_small_less_large_in_shares_missed_and_warned_of():
    """Small: 1 of 2 late missed, 1 of 2 in time warned; large: 1 of 4 missed, 0 of 1 warned."""
    gap = measure_gap("carriers", SIZE, WARNED, LATE)

    assert gap.flights == {SMALL: 4, LARGE: 5}
    assert (gap.missed, gap.false_alarms) == ({SMALL: 0.5, LARGE: 0.25}, {SMALL: 0.5, LARGE: 0.0})
    assert (gap.missed_gap, gap.false_alarm_gap, gap.worst) == (0.25, 0.5, 0.5)


def test_the_worst_gap_counts_whichever_group_it_is_against():
    swapped = SIZE.replace({SMALL: LARGE, LARGE: SMALL})

    assert measure_gap("carriers", swapped, WARNED, LATE).worst == 0.5


@pytest.mark.parametrize("late", [np.zeros(9, int), np.ones(9, int), np.array([1, 0, 1, 0, 1, 1, 1, 1, 1])])
def test_a_group_without_late_flights_or_without_others_has_no_gap(late):
    assert measure_gap("carriers", SIZE, WARNED, late) is None


def test_flights_of_unknown_size_are_left_out():
    known = pl.concat([SIZE, pl.Series([None, None], dtype=pl.String)])

    gap = measure_gap("carriers", known, np.append(WARNED, [True, True]), np.append(LATE, [0, 0]))

    assert gap == measure_gap("carriers", SIZE, WARNED, LATE)


def test_a_name_is_small_under_the_share_and_large_at_it():
    names = pl.Series(["A"] * 1 + ["B"] * 2 + ["C"] * 7 + [None])

    assert sizes(names, 0.2).to_list() == [SMALL] + [LARGE] * 9 + [None]


@given(st.integers(0, 1000))
def test_the_shares_are_those_that_fairlearn_finds_row_by_row(seed):
    dice = np.random.default_rng(seed)
    late, warned = np.append(dice.integers(0, 2, 60), [0, 1, 0, 1]), dice.random(64) < 0.4
    size = np.append(dice.choice([SMALL, LARGE], 60), [SMALL, SMALL, LARGE, LARGE])

    gap = measure_gap("carriers", pl.Series(size), warned, late)

    for name in (SMALL, LARGE):
        rows = size == name
        assert gap.missed[name] == pytest.approx(false_negative_rate(late[rows], warned[rows].astype(int)))
        assert gap.false_alarms[name] == pytest.approx(false_positive_rate(late[rows], warned[rows].astype(int)))


@given(st.integers(0, 1000))
def test_who_is_treated_alike_has_no_gap(seed):
    dice = np.random.default_rng(seed)
    late, warned = np.append(dice.integers(0, 2, 30), [0, 1]), np.append(dice.random(30) < 0.5, [True, False])

    gap = measure_gap("carriers", pl.Series([SMALL] * 32 + [LARGE] * 32), np.tile(warned, 2), np.tile(late, 2))

    assert gap.worst == 0
