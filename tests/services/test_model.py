"""The served model: whole and verified, the last one that was when it is not, or an error that says what to do."""

import json
import shutil

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from infra.bundle import MANIFEST, MODEL, REASONS, Bundle, ModelFileError
from infra.storage import Store
from pipelines.artefact import build_bundle
from pipelines.calibration_map import IDENTITY
from pipelines.definitions import features_sha256
from pipelines.feature_catalog import NAMES
from services.model import POINTER, PREVIOUS, VERIFIED, NothingToServe, export_model, load_served

WEEK, NEXT_WEEK = "2013-03-04", "2013-03-11"


def bundle_of(seed: int, **facts: str) -> Bundle:
    """A small model of all features; another seed gives another."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(400, len(NAMES)))
    trees = HistGradientBoostingClassifier(max_iter=3, early_stopping=False, random_state=seed)
    return build_bundle(trees.fit(features, features[:, 3] > 0), IDENTITY, 0.5, {"seed": seed, **facts})


OLD, NEW = bundle_of(1), bundle_of(2)


@pytest.fixture
def store(tmp_path) -> Store:
    """A home in which version 3 was served, and version 4 was exported after it."""
    store = Store(tmp_path)
    export_model(store, OLD, 3, WEEK)
    load_served(store)
    export_model(store, NEW, 4, NEXT_WEEK)
    return store


def truncate(store: Store, name: str) -> None:
    path = store.path(f"serving/{NEW.sha256[:16]}", name)
    path.write_bytes(path.read_bytes()[:-1])


def tamper(store: Store, name: str) -> None:
    path = store.path(f"serving/{NEW.sha256[:16]}", name)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def swap(store: Store, name: str) -> None:
    shutil.copy(
        store.path(f"serving/{OLD.sha256[:16]}", name),
        store.path(f"serving/{NEW.sha256[:16]}", name),
    )


def remove(store: Store, name: str) -> None:
    store.path(f"serving/{NEW.sha256[:16]}", name).unlink()


def test_the_exported_model_is_served_with_its_version_and_week(store):
    answering = load_served(store)

    assert (answering.served.version, answering.served.week, answering.refused) == (4, NEXT_WEEK, None)
    assert answering.scorer.manifest["facts"] == {"seed": 2}


def test_without_an_export_there_is_nothing_to_serve(tmp_path):
    with pytest.raises(NothingToServe, match="run: preflight replay"):
        load_served(Store(tmp_path))


@pytest.mark.parametrize("name", [MODEL, REASONS, MANIFEST])
@pytest.mark.parametrize("spoil", [truncate, tamper, swap, remove])
def test_when_a_file_is_not_as_registered_the_last_verified_model_answers_and_says_why(store, caplog, spoil, name):
    spoil(store, name)

    answering = load_served(store)

    assert (answering.served.version, answering.scorer.sha256) == (3, OLD.sha256)
    assert f"{NEW.sha256[:16]}/{name}" in answering.refused
    assert f"refused the exported model: {answering.refused}; version 3 goes on answering" in caplog.text


def test_a_model_that_was_refused_is_never_the_one_to_fall_back_on(store):
    tamper(store, MODEL)
    load_served(store)

    assert store.read_json(VERIFIED)["version"] == 3


def test_a_model_that_was_exported_but_never_verified_is_not_fallen_back_on(tmp_path):
    store = Store(tmp_path)
    export_model(store, NEW, 4, WEEK)
    tamper(store, MODEL)

    with pytest.raises(ModelFileError, match=r"model.onnx is not what was registered"):
        load_served(store)


def test_when_the_verified_model_itself_is_spoilt_the_champion_before_answers(tmp_path):
    store = Store(tmp_path)
    export_model(store, OLD, 3, WEEK, PREVIOUS)
    export_model(store, NEW, 4, WEEK)
    assert load_served(store).served.version == 4
    tamper(store, MODEL)

    answering = load_served(store)

    assert (answering.served.version, answering.scorer.sha256) == (3, OLD.sha256)
    assert f"{NEW.sha256[:16]}/{MODEL}" in answering.refused


def test_when_the_model_to_fall_back_on_is_spoilt_too_the_exported_one_is_what_is_told(store):
    tamper(store, REASONS)
    shutil.rmtree(store.path(f"serving/{OLD.sha256[:16]}"))

    with pytest.raises(ModelFileError, match=f"{NEW.sha256[:16]}/reasons.npy is not what was registered"):
        load_served(store)


@pytest.mark.parametrize(
    "pointer", ["{", json.dumps({"version": 4, "file": "serving/0123.skops", "sha256": "0" * 64, "week": WEEK})]
)
def test_a_pointer_that_cannot_be_read_leaves_the_last_verified_model_answering(store, pointer):
    store.write_text(POINTER, pointer)

    answering = load_served(store)

    assert answering.served.version == 3
    assert "champion.json" in answering.refused


@pytest.mark.parametrize("features", [tuple("abcd"), NAMES[::-1]], ids=["others", "order"])
def test_a_valid_model_of_other_features_does_not_answer(store, features):
    random = np.random.default_rng(1)
    rows = random.normal(size=(200, len(features)))
    trees = HistGradientBoostingClassifier(max_iter=2, early_stopping=False).fit(rows, rows[:, 0] > 0)
    export_model(store, build_bundle(trees, IDENTITY, 0.5, {}, features), 5, NEXT_WEEK)

    answering = load_served(store)

    assert answering.served.version == 3
    assert f"manifest.json asks for {len(features)} features that are not the {len(NAMES)}" in answering.refused


def test_a_model_of_other_definitions_under_the_same_names_does_not_answer(store):
    export_model(store, bundle_of(5, features_sha256="0" * 64), 5, NEXT_WEEK)

    answering = load_served(store)

    assert answering.served.version == 3
    assert f"made by feature definitions {'0' * 12}, expected {features_sha256()[:12]}" in answering.refused


def test_a_model_of_these_definitions_answers(store):
    export_model(store, bundle_of(5, features_sha256=features_sha256()), 5, NEXT_WEEK)

    assert load_served(store).served.version == 5


def test_exporting_again_mends_what_was_spoilt(store):
    tamper(store, MODEL)
    export_model(store, NEW, 4, NEXT_WEEK)

    assert load_served(store).refused is None
