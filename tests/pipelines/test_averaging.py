"""Averaged forests: their log-odds are the mean of their members', they are a forest again, and no two share a seed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skops.io
from scipy.special import expit
from sklearn.base import clone

from infra.model_file import load_model
from infra.scorer import Scorer
from pipelines.artefact import build_bundle, require_exact
from pipelines.averaging import AveragedForests, log_odds_of
from pipelines.calibration_map import IDENTITY
from pipelines.estimators import HIST_GRADIENT_BOOSTING, LIGHTGBM, LOGISTIC, ModelParameters, make_estimator
from pipelines.feature_catalog import CATEGORIES, NAMES
from pipelines.folds import fit_matrix
from pipelines.forest import forest_of, path_contributions

TREES = [HIST_GRADIENT_BOOSTING, LIGHTGBM]
THREE = ModelParameters(forests=3, trees=4, leaves=7, threads=1)


def rows(seed: int = 1, n: int = 600) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, len(NAMES)))
    X[:, : len(CATEGORIES)] = random.integers(0, 4, (n, len(CATEGORIES)))
    late = (X[:, -1] + X[:, -2] + random.normal(size=n) > 0).astype(int)
    X[random.random(X.shape) < 0.1] = np.nan
    return X, late


def fitted(kind: str = HIST_GRADIENT_BOOSTING, **more: object) -> AveragedForests:
    return fit_matrix(*rows(), replace(THREE, kind=kind, **more))


@pytest.mark.parametrize("kind", TREES)
def test_log_odds_are_the_mean_of_the_forests_and_probabilities_follow(kind):
    model, (asked, _) = fitted(kind), rows(2)

    alone = [log_odds_of(forest, asked) for forest in model.estimators_]
    late = model.predict_proba(asked)[:, 1]

    assert len(alone) == 3
    assert not np.allclose(alone[0], alone[1])
    assert np.allclose(model.decision_function(asked), np.mean(alone, axis=0), rtol=0, atol=1e-12)
    assert np.allclose(late, expit(np.mean(alone, axis=0)), rtol=0, atol=1e-12)
    assert np.array_equal(model.predict(asked), (late > 0.5).astype(int))


@pytest.mark.parametrize("kind", TREES)
def test_the_average_is_a_forest_whose_reasons_add_up(kind):
    model, (asked, _) = fitted(kind), rows(2)
    forest = forest_of(model)
    scorer = Scorer(build_bundle(model, IDENTITY, 0.25, {}), Path("this bundle"))

    said = scorer.explain(asked)

    assert forest.n_trees == 3 * 4
    assert require_exact(model, IDENTITY, scorer, asked, 1).value < 1e-12
    assert np.allclose(said.bias + said.contributions.sum(axis=1), model.decision_function(asked), rtol=0, atol=1e-9)


def test_the_bias_of_the_average_is_the_mean_of_the_biases():
    model = fitted()

    biases = [path_contributions(forest_of(one))[1] for one in model.estimators_]

    assert path_contributions(forest_of(model))[1] == pytest.approx(np.mean(biases), abs=1e-12)


@pytest.mark.parametrize("kind", TREES)
def test_fitted_one_after_the_other_or_side_by_side_is_the_same(kind):
    model, (asked, _) = fitted(kind), rows(2)

    for forest, beside in zip(model.forests, model.estimators_, strict=True):
        alone = clone(forest).fit(*rows())
        assert np.array_equal(log_odds_of(beside, asked), log_odds_of(alone, asked))


def test_neighbouring_seeds_share_no_forest():
    seeds = [forest.random_state for seed in range(50) for forest in make_estimator(replace(THREE, seed=seed)).forests]

    assert len(set(seeds)) == 150
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_one_forest_and_a_regression_are_not_wrapped():
    plain = make_estimator(replace(THREE, forests=1))

    assert plain.random_state == THREE.seed
    assert not isinstance(make_estimator(replace(THREE, kind=LOGISTIC)), AveragedForests)


def test_the_file_for_people_holds_no_type_that_is_not_listed(tmp_path):
    model, (asked, _) = fitted(), rows(2)
    skops.io.dump(model, tmp_path / "model.skops")

    loaded = load_model(tmp_path / "model.skops")

    assert np.array_equal(loaded.predict_proba(asked), model.predict_proba(asked))
