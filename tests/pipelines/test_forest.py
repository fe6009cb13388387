"""Trees as arrays: what each reader takes from its library, what it refuses, and what features add to a score."""

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from pipelines.forest import NO_NODE, Forest, UnservableModelError, forest_of, path_contributions

FITS = {
    "scikit-learn": lambda seed=1, **more: HistGradientBoostingClassifier(
        **{"max_iter": 5, "max_leaf_nodes": 5, "min_samples_leaf": 5, "early_stopping": False, "random_state": seed}
        | more
    ),
    "LightGBM": lambda seed=1, **more: LGBMClassifier(
        **{"n_estimators": 5, "num_leaves": 5, "min_child_samples": 5, "n_jobs": 1, "verbose": -1, "random_state": seed}
        | more
    ),
}


def rows(seed: int = 1, n: int = 400, missing: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """A column of codes, one with many ties, one with zeros, one without missing values; and who is late."""
    random = np.random.default_rng(seed)
    features = np.column_stack(
        [
            random.integers(0, 6, n),
            random.integers(-2, 3, n) / 2,
            random.normal(size=n) * (random.random(n) < 0.5),
            random.normal(size=n),
        ]
    )
    late = features.sum(axis=1) + random.normal(size=n) > 2.5
    features[:, :3][random.random((n, 3)) < missing] = np.nan
    return features, late


def by_hand() -> Forest:
    """Two trees: `x0 <= 1` (missing left), then on the right `x1 <= 5` (missing right); and a single leaf."""
    return Forest(
        n_features=2,
        baseline=0.25,
        tree=np.array([0, 0, 0, 0, 0, 1]),
        feature=np.array([0, 0, 1, 0, 0, 0]),
        threshold=np.array([1.0, 0, 5.0, 0, 0, 0]),
        missing_left=np.array([True, False, False, False, False, False]),
        left=np.array([1, NO_NODE, 3, NO_NODE, NO_NODE, NO_NODE]),
        right=np.array([2, NO_NODE, 4, NO_NODE, NO_NODE, NO_NODE]),
        is_leaf=np.array([False, True, False, True, True, True]),
        value=np.array([0.0, -1.0, 0.0, 2.0, 4.0, 0.5]),
        count=np.array([100, 50, 50, 25, 25, 100]),
    )


def leaves_of(forest: Forest, row: np.ndarray) -> list[int]:
    """The node where each tree ends for a row: one comparison after the other, as the definition of Forest reads."""
    ends = []
    for tree in range(forest.n_trees):
        node = int(np.flatnonzero(forest.tree == tree)[0])
        while not forest.is_leaf[node]:
            value = row[forest.feature[node]]
            left = forest.missing_left[node] if np.isnan(value) else value <= forest.threshold[node]
            node = int(forest.left[node] if left else forest.right[node])
        ends.append(node)
    return ends


def log_odds_of(forest: Forest, features: np.ndarray) -> np.ndarray:
    return np.array([forest.baseline + forest.value[leaves_of(forest, row)].sum() for row in features])


def said_by(model: object, features: np.ndarray) -> np.ndarray:
    """Log-odds by the library itself."""
    if isinstance(model, HistGradientBoostingClassifier):
        return model.decision_function(features)
    return model.predict(features, raw_score=True)


def test_each_feature_is_credited_with_what_its_splits_change():
    contributions, bias = path_contributions(by_hand())

    # the right side expects (2 + 4) / 2 = 3, the root (-1 + 3) / 2 = 1; the second tree is 0.5 for all
    assert bias == 0.25 + 1 + 0.5
    assert contributions.tolist() == [[-2, 0], [2, -1], [2, 1], [0, 0]]


@pytest.mark.parametrize("library", FITS)
@given(seed=st.integers(0, 10**6), missing=st.sampled_from([0.0, 0.3]))
@settings(max_examples=10)
def test_the_arrays_say_what_the_library_says(library, seed, missing):
    features, late = rows(seed, missing=missing)
    asked = np.vstack([rows(seed + 1, 40, 0.3)[0], np.zeros((1, 4)), np.full((1, 4), np.nan), np.full((1, 4), np.inf)])

    model = FITS[library]().fit(features, late)

    assert np.allclose(log_odds_of(forest_of(model), asked), said_by(model, asked), rtol=0, atol=1e-12)


@pytest.mark.parametrize("library", FITS)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=5)
def test_contributions_and_bias_add_up_to_the_score(library, seed):
    forest = forest_of(FITS[library](seed).fit(*rows(seed)))
    contributions, bias = path_contributions(forest)
    asked = rows(seed + 1, 50, 0.3)[0]

    leaf = np.array([forest.leaf_number[leaves_of(forest, row)] for row in asked])

    assert np.allclose(contributions[leaf].sum(axis=(1, 2)) + bias, log_odds_of(forest, asked), rtol=0, atol=1e-9)


@pytest.mark.parametrize("library", FITS)
def test_a_feature_that_no_tree_asks_for_adds_nothing(library):
    features, late = rows()
    features[:, 1] = 7.0

    contributions, _ = path_contributions(forest_of(FITS[library]().fit(features, late)))

    assert not contributions[:, 1].any()


@pytest.mark.parametrize("library", FITS)
def test_a_value_at_a_threshold_goes_left_and_the_next_one_right(library):
    model = FITS[library](learning_rate=0.9).fit(*rows(missing=0.0))
    forest = forest_of(model)
    split = np.flatnonzero(~forest.is_leaf)
    asked = np.tile(rows()[0][:1], (3 * split.size, 1))
    at = forest.threshold[split]
    tried = np.concatenate([at, np.nextafter(at, -np.inf), np.nextafter(at, np.inf)])
    asked[np.arange(tried.size), np.tile(forest.feature[split], 3)] = tried

    assert np.allclose(log_odds_of(forest, asked), said_by(model, asked), rtol=0, atol=1e-12)


def test_what_lightgbm_takes_as_zero_is_zero():
    features = np.repeat([[-1.0], [0.0], [1.0]], 40, axis=0)
    model = LGBMClassifier(n_estimators=3, min_child_samples=5, verbose=-1, n_jobs=1)
    model.fit(features, np.repeat([True, False, True], 40))
    tiny = float(np.float32(1e-35))
    near = [0.0, tiny, 1e-36]
    asked = np.array([sign * value for value in [*near, np.nextafter(tiny, 1)] for sign in (1, -1)])[:, None]

    assert np.allclose(log_odds_of(forest_of(model), asked), said_by(model, asked), rtol=0, atol=1e-12)
    assert np.unique(said_by(model, asked)).size == 3


@pytest.mark.parametrize("library", FITS)
def test_a_forest_of_single_leaves_says_the_same_of_everybody(library):
    unsplittable = {"scikit-learn": {"min_samples_leaf": 1000}, "LightGBM": {"min_child_samples": 1000}}[library]
    features, late = rows()
    model = FITS[library](**unsplittable).fit(features, late)

    contributions, bias = path_contributions(forest_of(model))

    assert not contributions.any()
    assert np.allclose(bias, said_by(model, features[:5]), rtol=0, atol=1e-12)


def lightgbm_with(**options: object) -> LGBMClassifier:
    return FITS["LightGBM"](**options).fit(*rows())


@pytest.mark.parametrize(
    ("fit", "words"),
    [
        (lambda: FITS["scikit-learn"](categorical_features=[0]).fit(*rows()), "1 of 4 features are split as native"),
        (lambda: FITS["scikit-learn"]().fit(rows()[0], rows()[0][:, 3] // 1 % 3), "expected two classes, got 3"),
        (lambda: FITS["LightGBM"](min_data_per_group=1, cat_smooth=0).fit(
            np.nan_to_num(rows()[0]), rows()[0][:, 3] > 0, categorical_feature=[0, 1, 2, 3]), "split by '=='"),
        (lambda: lightgbm_with(zero_as_missing=True), "zeros are taken as missing"),
        (lambda: lightgbm_with(linear_tree=True), "a leaf holds a linear model"),
        (lambda: lightgbm_with(boosting_type="rf", bagging_freq=1, bagging_fraction=0.5), "average_output is True"),
        (lambda: lightgbm_with(sigmoid=2.0), "objective is 'binary sigmoid:2', expected 'binary sigmoid:1'"),
        (lambda: RandomForestClassifier(2).fit(rows(missing=0.0)[0], rows()[1]), "got RandomForestClassifier"),
    ],
    ids=["native", "classes", "native lightgbm", "zeros", "linear", "averaged", "sigmoid", "other"],
)  # fmt: skip
def test_a_model_without_an_exact_form_is_refused_in_words(fit, words):
    model = fit()

    with pytest.raises(UnservableModelError, match=words):
        forest_of(model)


def test_a_booster_is_read_like_the_classifier_around_it():
    model = FITS["LightGBM"]().fit(*rows())

    booster = lightgbm.Booster(model_str=model.booster_.model_to_string())

    assert np.array_equal(forest_of(booster).threshold, forest_of(model).threshold)
