"""Importance and partial dependence: what a model does not use is worth nothing, what it uses comes out first."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.inspection import partial_dependence as sklearn_dependence

from infra.scorer import Scorer
from pipelines.artefact import build_bundle
from pipelines.calibration_map import IDENTITY, sigmoid
from pipelines.feature_catalog import CATEGORIES, Feature
from pipelines.importance import (
    Resampling,
    contribution_importance,
    partial_dependence,
    permutation_importance,
)

CATALOG = (
    Feature("rain", "sky", "in", "", ""),
    Feature("wind", "sky", "mph", "", ""),
    Feature("seats", "plane", "seats", "", ""),
)
FEW = Resampling(rounds=200)
DICE = np.random.default_rng(7)
ROWS = DICE.normal(size=(600, 3))
DAY = np.repeat(np.arange(12), 50)
LATE = (DICE.random(600) < sigmoid(2 * ROWS[:, 0] - ROWS[:, 1])).astype(int)


def rain_alone(features: np.ndarray) -> np.ndarray:
    """A model that looks at rain, rising."""
    return sigmoid(2 * features[:, 0])


def test_mean_absolute_contributions_worked_out_by_hand():
    added = np.array([[1.0, -1.0, 0.5], [3.0, 1.0, 0.5]])

    single, joint = contribution_importance(added, np.array([1, 1]), FEW, CATALOG)

    assert [(one.name, one.group, one.mean, one.lower, one.upper) for one in single] == [
        ("rain", "sky", 2.0, 2.0, 2.0), ("wind", "sky", 1.0, 1.0, 1.0), ("seats", "plane", 0.5, 0.5, 0.5)
    ]  # fmt: skip
    assert [(one.name, one.mean) for one in joint] == [("sky", 2.0), ("plane", 0.5)]


def test_an_interval_holds_the_mean_and_widens_as_days_differ():
    calm, stormy = np.ones((600, 3)), np.repeat(np.arange(12.0), 50)[:, None] * np.ones(3)

    found = [contribution_importance(added, DAY, FEW, CATALOG)[0][0] for added in (calm, stormy)]

    assert all(one.lower <= one.mean <= one.upper for one in found)
    assert found[0].upper - found[0].lower < 1e-9 < 1 < found[1].upper - found[1].lower


def test_a_feature_the_model_does_not_use_is_worth_exactly_nothing_when_it_is_permuted():
    single, joint = permutation_importance(rain_alone, ROWS, LATE, DAY, how=FEW, catalog=CATALOG)

    unused = {one.name: (one.mean, one.lower, one.upper) for one in single if one.name != "rain"}
    assert unused == {"wind": (0, 0, 0), "seats": (0, 0, 0)}
    assert [one.name for one in joint] == ["sky", "plane"]


def test_a_feature_that_the_labels_follow_is_worth_log_loss_with_confidence():
    single, _ = permutation_importance(rain_alone, ROWS, LATE, DAY, how=FEW, catalog=CATALOG)

    assert (single[0].name, single[0].lower > 0.1) == ("rain", True)


def test_a_feature_that_is_the_same_in_all_flights_of_a_day_still_counts():
    of_day = ROWS.copy()
    of_day[:, 0] = ROWS[::50, 0][DAY]
    late = (rain_alone(of_day) > 0.5).astype(int)

    single, _ = permutation_importance(rain_alone, of_day, late, DAY, how=FEW, catalog=CATALOG)

    assert single[0].mean > 0.1


def test_every_repeat_and_every_feature_is_told():
    told = []

    permutation_importance(rain_alone, ROWS, LATE, DAY, how=FEW, catalog=CATALOG, done=told.append)

    assert told == ["rain", "wind", "seats", "sky", "plane"]


def test_permuting_leaves_the_features_as_they_were():
    before = ROWS.copy()

    permutation_importance(rain_alone, ROWS, LATE, DAY, how=FEW, catalog=CATALOG)
    partial_dependence(rain_alone, ROWS, "rain", catalog=CATALOG)

    assert (before == ROWS).all()


def test_partial_dependence_on_a_cause_that_rises_rises_and_on_none_is_flat():
    rain = partial_dependence(rain_alone, ROWS, "rain", catalog=CATALOG)
    seats = partial_dependence(rain_alone, ROWS, "seats", catalog=CATALOG)

    assert all(np.diff(rain.means) > 0)
    assert np.ptp(seats.means) == 0


@given(arrays(float, (40, 3), elements=st.floats(-3, 3)))
def test_points_lie_where_flights_do(features):
    found = partial_dependence(rain_alone, features, "rain", catalog=CATALOG)

    assert features[:, 0].min() <= min(found.values) <= max(found.values) <= features[:, 0].max()
    assert list(found.deciles) == sorted(found.deciles)


def test_missing_values_are_told_apart_from_the_curve():
    features = ROWS.copy()
    features[:150, 0] = np.nan

    found = partial_dependence(lambda rows: np.isnan(rows[:, 0]) * 1.0, features, "rain", catalog=CATALOG)

    assert (found.share_missing, found.mean_missing, set(found.means)) == (0.25, 1.0, {0.0})


def test_a_category_is_told_by_its_names_with_the_share_of_each():
    catalog = (Feature("origin", "plan", "", "", ""), *CATALOG[1:])
    features = np.column_stack([np.repeat([0.0, 2.0], [450, 150]), ROWS[:, 1:]])

    found = partial_dependence(lambda rows: rows[:, 0] / 2, features, "origin", catalog=catalog)

    assert found.values == CATEGORIES["origin"]
    assert (found.means, found.shares) == ((0.0, 0.5, 1.0), (0.75, 0.0, 0.25))


def test_the_served_model_has_the_partial_dependence_that_scikit_learn_finds_of_the_fitted_one():
    trees = HistGradientBoostingClassifier(max_iter=10, early_stopping=False, random_state=1).fit(ROWS, LATE)
    served = Scorer(build_bundle(trees, IDENTITY, 0.5, {}, ("rain", "wind", "seats")), Path())

    ours = partial_dependence(served.probability, ROWS, "rain", catalog=CATALOG)

    theirs = sklearn_dependence(
        trees,
        ROWS,
        [0],
        method="brute",
        response_method="predict_proba",
        custom_values={0: np.array(ours.values)},
    )["average"][0]
    assert np.array(ours.means) == pytest.approx(theirs, abs=1e-9)
