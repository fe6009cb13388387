"""Shapley values of groups: exact where the answer is known, and what the audit says of two attributions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipelines.feature_catalog import Feature
from pipelines.shapley_audit import audit_agreement, group_shapley

CATALOG = tuple(Feature(name, group, "", "", "") for name, group in (("a", "x"), ("b", "x"), ("c", "y"), ("d", "z")))
GROUPS = [[0, 1], [2], [3]]
BACKGROUND = np.random.default_rng(3).normal(size=(16, 4))
WEIGHTS = np.array([1.0, -2.0, 0.5, 0.0])
numbers = st.floats(-5, 5)


def linear(features: np.ndarray) -> np.ndarray:
    return features @ WEIGHTS


def joint(features: np.ndarray) -> np.ndarray:
    return features[:, 0] * features[:, 2] + np.maximum(features[:, 1], features[:, 3])


def test_two_players_who_only_win_together_share_the_prize():
    values = group_shapley(lambda rows: 6 * rows[:, 0] * rows[:, 1], np.ones(2), np.zeros((1, 2)), [[0], [1]])

    assert values.tolist() == [3.0, 3.0]


@given(arrays(float, 4, elements=numbers))
def test_of_a_sum_each_group_gets_its_own_part(flight):
    values = group_shapley(linear, flight, BACKGROUND, GROUPS)

    parts = WEIGHTS * (flight - BACKGROUND.mean(axis=0))
    assert values == pytest.approx([parts[0] + parts[1], parts[2], 0.0], abs=1e-9)


@given(arrays(float, 4, elements=numbers))
def test_values_add_up_to_what_the_flight_has_above_the_background(flight):
    values = group_shapley(joint, flight, BACKGROUND, GROUPS)

    assert values.sum() == pytest.approx(joint(flight[None])[0] - joint(BACKGROUND).mean(), abs=1e-9)


def test_attributions_that_are_the_same_agree_wholly():
    flights = np.random.default_rng(5).normal(size=(20, 4))
    path = WEIGHTS * (flights - BACKGROUND.mean(axis=0))

    found = audit_agreement(linear, path, flights, BACKGROUND, CATALOG)

    assert (found.flights, found.background, found.groups) == (20, 16, ("x", "y", "z"))
    assert (found.top_group, found.top_sign) == (1.0, 1.0)
    assert (found.rank_correlation, found.correlation) == pytest.approx((1.0, 1.0))


def test_attributions_that_are_turned_round_name_the_same_groups_with_the_wrong_sign():
    flights = np.random.default_rng(5).normal(size=(20, 4))
    path = -WEIGHTS * (flights - BACKGROUND.mean(axis=0))

    found = audit_agreement(linear, path, flights, BACKGROUND, CATALOG)

    assert (found.top_group, found.top_sign) == (1.0, 0.0)
    assert (found.rank_correlation, found.correlation) == pytest.approx((-1.0, -1.0))


def test_attributions_that_credit_another_group_disagree():
    flights = np.random.default_rng(5).normal(size=(20, 4))
    path = np.zeros((20, 4))
    path[:, 3] = 1.0

    found = audit_agreement(linear, path, flights, BACKGROUND, CATALOG)

    assert found.top_group == found.top_sign == 0.0
