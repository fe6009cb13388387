"""Every kind of model that may win a training can be kept as a file, and holds trusted types only."""

import numpy as np
import pytest
import skops.io

from infra.model_file import load_model
from pipelines.estimators import ESTIMATORS, LOGISTIC, ModelParameters, make_estimator
from pipelines.feature_catalog import CATEGORICAL, NAMES


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize("forests", [1, 2])
def test_a_model_of_any_kind_answers_as_before_it_was_saved(kind, forests, tmp_path):
    dice = np.random.default_rng(1)
    features, is_late = dice.random((200, len(NAMES))), dice.integers(0, 2, 200)
    features[:, : len(CATEGORICAL)] = dice.integers(0, 3, (200, len(CATEGORICAL)))
    fitted = make_estimator(ModelParameters(kind=kind, forests=forests, trees=3)).fit(features, is_late)
    path = tmp_path / "model.skops"
    skops.io.dump(fitted, path)

    loaded = load_model(path)

    assert np.array_equal(loaded.predict_proba(features), fitted.predict_proba(features))


def test_a_regression_takes_as_many_columns_for_codes_as_it_is_told():
    features = np.array([[0.0, 1.0, 0.5], [1.0, 2.0, 0.1], [2.0, 3.0, 0.9]])

    numbers = [
        make_estimator(ModelParameters(kind=LOGISTIC), codes=codes).fit(features, [0, 1, 1])[-1].n_features_in_
        for codes in (1, 2)
    ]

    assert numbers == [3 + 2, 3 + 3 + 1]
