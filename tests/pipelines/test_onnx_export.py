"""The graph says what the model says, of rows on which conversions go wrong, with every calibration."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from data_checks import schema as s
from infra.bundle import pack_bundle, write_bundle
from infra.scorer import Scorer, load_bundle
from monitoring.labels import IS_LATE, known_labels
from pipelines.artefact import build_bundle, require_exact
from pipelines.artefact_parity import WrongConversion, estimator_probability, hard_rows, measure_parity
from pipelines.calibration_map import IDENTITY, CalibrationMap
from pipelines.clock import Week
from pipelines.encoding import CODES, encode_features
from pipelines.feature_catalog import NAMES
from pipelines.features import build_features
from pipelines.forest import Forest, UnservableModelError, forest_of, path_contributions
from pipelines.linear import linear_of
from pipelines.onnx_export import forest_onnx
from pipelines.state import World, prepare_state
from pipelines.time_travel import world_of_week

CODE_COUNTS = [len(codes) for codes in CODES.values()]
AFFINE = CalibrationMap("affine", 0.8, -0.3)
ISOTONIC = CalibrationMap("isotonic", x=(-2.5, -1.0, -0.5, 0.25, 1.5), y=(0.02, 0.2, 0.2, 0.5, 0.9))


def boosting(seed: int = 1) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(max_iter=20, early_stopping=False, max_features=0.7, random_state=seed)


def lightgbm(seed: int = 1) -> LGBMClassifier:
    return LGBMClassifier(n_estimators=20, n_jobs=1, verbose=-1, random_state=seed)


def regression(codes: int = 2, numbers: int = len(NAMES) - 2, **options: object) -> Pipeline:
    """The logistic contender: one-hot codes first, then numbers that are filled and scaled."""
    columns = list(range(codes)), list(range(codes, codes + numbers))
    scaled = make_pipeline(SimpleImputer(), StandardScaler())
    encode = ColumnTransformer(
        [("codes", OneHotEncoder(handle_unknown="ignore", **options), columns[0]), ("numbers", scaled, columns[1])]
    )
    return make_pipeline(encode, LogisticRegression(max_iter=2000))


LEAVES = {"scikit-learn": "max_leaf_nodes", "LightGBM": "num_leaves"}
MODELS = {"scikit-learn": boosting, "LightGBM": lightgbm, "regression": regression}


@pytest.fixture(scope="module")
def flights(feeds) -> tuple[np.ndarray, np.ndarray]:
    """3,000 real flights of one week, encoded, and which of them were late."""
    week = Week.from_id("2013-03-04")
    year = World(**{name: feeds[name] for name in s.FEEDS}, planes=feeds["planes"])
    world = world_of_week(year, week, 2)
    schedule = world.schedule.filter(pl.col(s.SCHEDULED_DEPARTURE).is_between(week.start, week.end, closed="left"))
    labels = known_labels(feeds["outcomes"], week.plus(2).end)
    rows = build_features(schedule, prepare_state(world)).join(labels, on=s.FLIGHT_ID, maintain_order="left")
    rows = rows.filter(pl.col(IS_LATE).is_not_null()).head(3000)
    return encode_features(rows), rows[IS_LATE].to_numpy()


@pytest.fixture(scope="module", params=MODELS)
def fitted(request, flights) -> object:
    """Each kind of model, fitted on the flights once for all tests."""
    return MODELS[request.param]().fit(*flights)


def scorer_of(folder, model: object, calibration: CalibrationMap, features: tuple[str, ...] = NAMES) -> Scorer:
    bundle = build_bundle(model, calibration, 0.5, {}, features)
    return load_bundle(write_bundle(folder / bundle.sha256[:16], bundle), bundle.sha256)


def forest_by_hand() -> Forest:
    """A tree `x0 <= 1` (missing left), on its right `x1 <= 5` (missing right), between two trees of a single leaf."""
    return Forest(
        n_features=2,
        baseline=0.25,
        tree=np.array([0, 1, 1, 1, 1, 1, 2]),
        feature=np.array([0, 0, 0, 1, 0, 0, 0]),
        threshold=np.array([0, 1.0, 0, 5.0, 0, 0, 0]),
        missing_left=np.array([False, True, False, False, False, False, False]),
        left=np.array([-1, 2, -1, 4, -1, -1, -1]),
        right=np.array([-1, 3, -1, 5, -1, -1, -1]),
        is_leaf=np.array([True, False, True, False, True, True, True]),
        value=np.array([0.5, 0.0, -1.0, 0.0, 2.0, 4.0, 8.0]),
        count=np.array([100, 100, 50, 50, 25, 25, 100]),
    )


ABOVE_ONE, ABOVE_FIVE = np.nextafter(1.0, 2), np.nextafter(5.0, 6)


@pytest.mark.parametrize(
    ("row", "leaf_value", "contributions"),
    [
        ([1.0, np.nan], -1, [-2, 0]),
        ([np.nan, 9.0], -1, [-2, 0]),
        ([-np.inf, 9.0], -1, [-2, 0]),
        ([ABOVE_ONE, 5.0], 2, [2, -1]),
        ([np.inf, ABOVE_FIVE], 4, [2, 1]),
        ([2.0, np.nan], 4, [2, 1]),
    ],
    ids=["tie", "missing left", "least", "tie below", "above", "missing right"],
)
def test_a_forest_by_hand(tmp_path, row, leaf_value, contributions):
    reasons, bias = path_contributions(forest_by_hand())
    bundle = pack_bundle(
        "forest",
        forest_onnx(forest_by_hand(), IDENTITY),
        reasons,
        features=("a", "b"),
        bias=bias,
        calibration=IDENTITY.as_dict(),
        decision_threshold=0.5,
        facts={},
    )

    said = load_bundle(write_bundle(tmp_path, bundle), bundle.sha256).explain(np.array([row]))

    assert said.bias == 0.25 + 0.5 + 1 + 8  # the middle tree expects 1: half -1, half of 2 and 4
    assert said.log_odds.tolist() == [0.25 + 0.5 + leaf_value + 8]
    assert said.contributions.tolist() == [contributions]


@pytest.mark.parametrize("calibration", [IDENTITY, AFFINE, ISOTONIC], ids=lambda map: map.kind)
def test_the_artefact_says_what_the_model_says_of_real_flights(tmp_path, flights, fitted, calibration):
    scorer = scorer_of(tmp_path, fitted, calibration)
    trees = None if isinstance(fitted, Pipeline) else forest_of(fitted)
    rows = hard_rows(flights[0], CODE_COUNTS, 1, trees, infinities=trees is not None)

    parity = measure_parity(estimator_probability(fitted, calibration, rows), scorer.probability(rows))
    said = scorer.explain(rows)

    assert parity.value < 1e-12, parity.sentence
    assert np.abs(said.contributions.sum(axis=1) + said.bias - said.log_odds).max() < 1e-9
    assert np.abs(calibration.apply(said.log_odds) - scorer.probability(rows)).max() < 1e-12


def test_a_bundle_is_exact_for_its_own_model_and_not_for_another(tmp_path, flights, fitted):
    features, late = flights
    other = clone(fitted).fit(features[:2000], late[:2000])
    scorer = scorer_of(tmp_path, fitted, AFFINE)

    assert require_exact(fitted, AFFINE, scorer, features[:300], seed=1).passed
    with pytest.raises(WrongConversion, match="do not register it"):
        require_exact(other, AFFINE, scorer, features[:300], seed=1)


def test_the_same_fit_gives_the_same_bytes(flights, fitted):
    first, again = (build_bundle(model, AFFINE, 0.5, {"a": 1}) for model in (fitted, clone(fitted).fit(*flights)))

    assert first == again


def test_a_flight_alone_has_the_bits_it_has_in_a_batch(tmp_path, flights, fitted):
    features, scorer = flights[0], scorer_of(tmp_path, fitted, AFFINE)

    alone = [scorer.probability(features[row : row + 1])[0] for row in range(101)]

    assert np.array_equal(alone, scorer.probability(features[:101]))


@given(seed=st.integers(0, 10**6), leaves=st.integers(2, 9), missing=st.sampled_from([0.0, 0.2]))
@settings(max_examples=15)
@pytest.mark.parametrize("kind", ["scikit-learn", "LightGBM"])
def test_random_small_forests_are_said_exactly(tmp_path_factory, kind, seed, leaves, missing):
    random = np.random.default_rng(seed)
    features = np.column_stack([random.integers(0, 5, 300), random.integers(-1, 2, 300), random.normal(size=300)])
    features[random.random(features.shape) < missing] = np.nan
    model = MODELS[kind](seed).set_params(**{LEAVES[kind]: leaves})
    model.fit(features, np.nan_to_num(features[:, 0]) + random.normal(size=300) > 2)
    scorer = scorer_of(tmp_path_factory.mktemp("fit"), model, IDENTITY, ("a", "b", "c"))
    rows = hard_rows(features, [5], seed, forest_of(model))

    said = scorer.explain(rows)

    assert np.abs(estimator_probability(model, IDENTITY, rows) - scorer.probability(rows)).max() < 1e-9
    assert np.abs(said.contributions.sum(axis=1) + said.bias - said.log_odds).max() < 1e-9


def by_hand() -> Pipeline:
    """A regression whose numbers are known: codes 0, 2 and missing; a number around 3, filled with 3."""
    model = regression(1, 1).fit(
        np.array([[0.0, 2.0], [2.0, 4.0], [np.nan, np.nan], [0.0, 2.0], [2.0, 4.0]]), [0, 1, 0, 1, 0]
    )
    codes = model[0].named_transformers_["codes"].categories_[0]
    assert np.array_equal(codes, [0.0, 2.0, np.nan], equal_nan=True)
    model[1].coef_[:], model[1].intercept_[:] = [[0.5, -0.1, 0.3, 2.0]], [1.0]
    numbers = model[0].named_transformers_["numbers"]
    numbers[0].statistics_[:], numbers[1].mean_[:], numbers[1].scale_[:] = 3.0, 3.0, 1.0
    return model


@pytest.mark.parametrize(
    ("row", "log_odds", "contributions"),
    [
        ([0.0, 4.0], 1 + 0.5 + 2, [0.3, 2.0]),  # codes are measured from their mean, 0.2
        ([2.0, 3.0], 1 - 0.1, [-0.3, 0.0]),
        ([np.nan, np.nan], 1 + 0.3, [0.1, 0.0]),
        ([1.0, 2.0], 1 - 2, [-0.2, -2.0]),  # a code that was not seen
    ],
)
def test_a_regression_by_hand(tmp_path, row, log_odds, contributions):
    model = by_hand()
    said = scorer_of(tmp_path, model, IDENTITY, ("a", "b")).explain(np.array([row]))

    assert said.log_odds == pytest.approx([log_odds], abs=1e-12)
    assert said.log_odds == pytest.approx(model.decision_function(np.array([row])), abs=1e-12)
    assert (said.bias, said.contributions[0]) == (pytest.approx(1.2), pytest.approx(contributions))


def rearranged() -> Pipeline:
    model = regression(1, 2)
    model[0].transformers = [(name, step, columns[::-1]) for name, step, columns in model[0].transformers]
    return model


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (make_pipeline(StandardScaler(), LogisticRegression()), "expected a pipeline of ColumnTransformer"),
        (regression(1, 2, drop="first"), "does not ignore the unknown"),
        (regression(1, 2, max_categories=2), "encoded columns, the regression was fitted on"),
        (rearranged(), "columns are left out or out of order"),
    ],
    ids=["other", "drop", "grouped", "order"],
)
def test_a_regression_put_together_in_another_way_is_refused(model, words):
    random = np.random.default_rng(1)
    features = np.column_stack([random.integers(0, 4, 60), random.normal(size=(60, 2))])

    model.fit(features, features[:, 1] > 0)

    with pytest.raises(UnservableModelError, match=words):
        linear_of(model)


@pytest.mark.filterwarnings("ignore:Skipping features without any observed values")
def test_a_regression_on_a_column_that_is_always_missing_is_refused():
    features = np.column_stack([[0, 1] * 10, np.arange(20.0), np.full(20, np.nan)])

    with pytest.raises(UnservableModelError, match="keep_empty_features=True"):
        linear_of(regression(1, 2).fit(features, [0, 1] * 10))


def test_a_model_of_other_features_than_are_named_is_refused():
    random = np.random.default_rng(1)
    features = random.normal(size=(100, 3))

    with pytest.raises(UnservableModelError, match=f"fitted on 3 features, expected the {len(NAMES)} that are named"):
        build_bundle(boosting().fit(features, features[:, 0] > 0), IDENTITY, 0.5, {})
