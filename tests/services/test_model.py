"""The served model: whole, verified, or an error that says what to do."""

import shutil

import pytest

from infra.model_file import ModelFileError, sha256_of
from infra.storage import Store
from services.model import POINTER, NothingToServe, export_model, load_served


@pytest.fixture
def registered(lived):
    return next(lived.settings.home.glob("mlflow/artifacts/**/model.skops"))


def test_an_exported_model_is_served_with_its_version_and_week(tmp_path, registered):
    store = Store(tmp_path)

    exported = export_model(store, registered, sha256_of(registered), 3, "2013-03-04")

    served, model = load_served(store)
    assert (served, served.version, served.week) == (exported, 3, "2013-03-04")
    assert hasattr(model, "predict_proba")


def test_without_an_export_there_is_nothing_to_serve(tmp_path):
    with pytest.raises(NothingToServe, match="run: preflight replay"):
        load_served(Store(tmp_path))


def test_a_registered_file_with_another_hash_is_not_exported(tmp_path, registered):
    with pytest.raises(ModelFileError, match="is not what was registered"):
        export_model(Store(tmp_path), registered, "0" * 64, 3, "2013-03-04")

    assert not (tmp_path / POINTER).exists()


def test_a_served_file_that_was_changed_is_not_loaded(tmp_path, registered):
    store = Store(tmp_path)
    served = export_model(store, registered, sha256_of(registered), 3, "2013-03-04")
    shutil.copy(__file__, tmp_path / served.file)

    with pytest.raises(ModelFileError, match="is not what was registered"):
        load_served(store)
