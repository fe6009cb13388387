"""Files of a registered version that are missing or lie in another folder: named by a sentence, found in their own."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import mlflow
import pytest

from infra.bundle import MODEL_NAME
from infra.registry import EXPERIMENT, Registry, RegistryError
from infra.registry_place import keep_own_files


def test_a_bundle_that_was_deleted_is_missing_by_name(tmp_path):
    registry = Registry(tmp_path)
    client = mlflow.MlflowClient()
    run = client.create_run(client.get_experiment_by_name(EXPERIMENT).experiment_id)
    client.create_registered_model(MODEL_NAME)
    client.create_model_version(MODEL_NAME, source=run.info.artifact_uri, run_id=run.info.run_id)

    with pytest.raises(RegistryError, match=f"{run.info.run_id}/artifacts/bundle is missing; restore it"):
        registry.bundle_folder(1)


def registry_with_a_run(folder: Path) -> str:
    """A registry that MLflow made, with one run and a file of it; the run."""
    Registry(folder)
    client = mlflow.MlflowClient()
    run = client.create_run(client.get_experiment_by_name(EXPERIMENT).experiment_id)
    client.log_text(run.info.run_id, "true", "word.txt")
    return run.info.run_id


def said_in(folder: Path) -> str:
    """Everything that the database of a registry says."""
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        return "\n".join(connection.iterdump())


@pytest.mark.parametrize("name", ["copy", "a copy of ours"])
def test_a_registry_that_was_copied_reads_and_writes_the_files_beside_it(tmp_path, name):
    run = registry_with_a_run(tmp_path / "home")
    shutil.copytree(tmp_path / "home", tmp_path / name)
    (tmp_path / "home" / "artifacts" / run / "artifacts" / "word.txt").write_text("of the original")

    registry_with_a_run(tmp_path / name)

    assert mlflow.artifacts.load_text(f"runs:/{run}/word.txt") == "true"
    assert [len(list((tmp_path / folder).rglob("word.txt"))) for folder in ("home", name)] == [1, 2]
    assert (tmp_path / "home").as_uri() not in said_in(tmp_path / name)
    assert (tmp_path / name).as_uri() not in said_in(tmp_path / "home")


def test_a_registry_that_stayed_where_it_was_is_left_as_it_is_also_when_opened_through_a_link(tmp_path):
    registry_with_a_run(tmp_path / "home")
    (tmp_path / "link").symlink_to(tmp_path / "home")
    before = said_in(tmp_path / "home")

    for folder in ("home", "link"):
        keep_own_files(tmp_path / folder)

    assert said_in(tmp_path / "home") == before


def test_a_registry_that_was_copied_and_cannot_be_told_so_is_refused_by_its_name(tmp_path, monkeypatch):
    registry_with_a_run(tmp_path / "home")
    shutil.copytree(tmp_path / "home", tmp_path / "copy")
    monkeypatch.setattr("infra.registry_place.WAIT_SECONDS", 0)

    with closing(sqlite3.connect(tmp_path / "copy" / "mlflow.db")) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(RegistryError, match=r"copy/mlflow\.db was copied or moved, and cannot be told"):
            keep_own_files(tmp_path / "copy")
