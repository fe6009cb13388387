"""What we rely on in scikit-learn: the private nodes of its boosted trees, which nothing public gives."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier


@pytest.fixture(scope="module")
def model() -> HistGradientBoostingClassifier:
    random = np.random.default_rng(1)
    features = random.normal(size=(500, 3))
    features[random.random(features.shape) < 0.1] = np.nan
    return HistGradientBoostingClassifier(max_iter=4, early_stopping=False, random_state=1).fit(
        features, np.nan_to_num(features[:, 0]) > 0.2
    )


def nodes_of(model: HistGradientBoostingClassifier) -> list[np.ndarray]:
    return [trees[0].nodes for trees in model._predictors]


def test_there_is_one_predictor_for_each_round_and_one_baseline(model):
    assert [len(trees) for trees in model._predictors] == [1] * model.n_iter_
    assert model._baseline_prediction.shape == (1, 1)


def test_nodes_have_the_fields_that_are_read(model):
    assert {
        *("feature_idx", "num_threshold", "missing_go_to_left", "left", "right"),
        *("is_leaf", "value", "count", "is_categorical"),
    } <= set(nodes_of(model)[0].dtype.names)
    assert nodes_of(model)[0].dtype["num_threshold"] == np.float64


def test_a_root_comes_first_and_children_after_their_parents(model):
    for nodes in nodes_of(model):
        split = np.flatnonzero(nodes["is_leaf"] == 0)
        assert (nodes["left"][split] > split).all()
        assert (nodes["right"][split] > split).all()


def test_counts_of_children_add_up_to_their_parents(model):
    for nodes in nodes_of(model):
        split = nodes[nodes["is_leaf"] == 0]
        assert np.array_equal(split["count"], nodes["count"][split["left"]] + nodes["count"][split["right"]])


def test_numeric_input_is_not_preprocessed_before_it_reaches_the_trees(model):
    assert model._preprocessor is None
    assert model.is_categorical_ is None
