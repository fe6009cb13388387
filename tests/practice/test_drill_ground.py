"""What a copy of the ground is: a home of its own, whose registry names its own files."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from pipelines.clock import Week
from practice.drills.ground import LIFE, UNTIL, Ground, Played


def registry_of(folder) -> None:
    """A registry in that folder as MLflow makes one, with an artifact of its own and one elsewhere."""
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection, connection:
        connection.execute("CREATE TABLE experiments (name VARCHAR(256), artifact_location VARCHAR(256))")
        own = f"{folder.as_uri()}/artifacts"
        places = [("Default", "/work/mlruns/0"), ("flight-lateness", own)]
        connection.executemany("INSERT INTO experiments VALUES (?, ?)", places)
        connection.execute("CREATE TABLE runs (number INTEGER, artifact_uri VARCHAR(200))")
        connection.executemany("INSERT INTO runs VALUES (1, ?)", [(f"{own}/a",), ("s3://elsewhere/b",)])


def places_in(folder) -> list[str]:
    """The artifacts that it names."""
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        return [place for (place,) in connection.execute("SELECT artifact_uri FROM runs")]


def said_in(folder) -> str:
    """Everything that its database says."""
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        return "\n".join(connection.iterdump())


def test_the_registry_of_a_copy_names_the_files_of_the_copy(tmp_path):
    registry_of(tmp_path / "ground" / "mlflow")

    Ground(tmp_path / "ground").copy(tmp_path / "copy")

    assert places_in(tmp_path / "copy" / "mlflow") == [f"file://{tmp_path}/copy/mlflow/artifacts/a", "s3://elsewhere/b"]


def test_the_copy_of_a_ground_that_was_itself_copied_by_hand_names_no_other_folder(tmp_path):
    registry_of(tmp_path / "first" / "ground" / "mlflow")
    shutil.copytree(tmp_path / "first", tmp_path / "a second")
    shutil.copytree(tmp_path / "a second", tmp_path / "third")

    Ground(tmp_path / "third" / "ground").copy(tmp_path / "a copy")
    said = said_in(tmp_path / "a copy" / "mlflow")

    assert f"file://{tmp_path}/a%20copy/mlflow/artifacts/a" in said
    assert [name for name in ("first", "second", "third") if f"{name}/ground" in said] == []


def test_the_ground_itself_goes_on_naming_its_own(tmp_path):
    registry_of(tmp_path / "ground" / "mlflow")
    before = said_in(tmp_path / "ground" / "mlflow")

    Ground(tmp_path / "ground").copy(tmp_path / "copy")

    assert said_in(tmp_path / "ground" / "mlflow") == before


def test_a_ground_without_models_can_be_copied(tmp_path):
    (tmp_path / "ground").mkdir()

    assert Ground(tmp_path / "ground").copy(tmp_path / "copy").home == tmp_path / "copy"


def test_another_life_is_kept_beside_the_ground_and_copied_with_its_settings(tmp_path):
    other = Ground(tmp_path / "ground").other("spring", LIFE | {"trees": 3}, LIFE["last_day"])
    other.folder.mkdir()

    assert (other.folder.name, other.copy(tmp_path / "copy").settings.trees) == ("ground-spring", 3)


@pytest.mark.parametrize(
    ("recorded", "lived"),
    [
        ({}, False),
        ({"decide": {"action": "wait"}}, True),
        ({"decide": {"action": "retrain"}}, False),
        ({"decide": {"action": "retrain"}, "promote": {"promoted": False}}, True),
    ],
)
def test_a_ground_is_lived_again_unless_its_last_week_is_over(tmp_path, monkeypatch, recorded, lived):
    ground, commands = Ground(tmp_path), []
    for stage, facts in recorded.items():
        ground.played.context.journal.record(Week.holding(UNTIL).id, stage, facts)
    monkeypatch.setattr(Played, "must", lambda self, *arguments: commands.append(arguments))

    ground.prepare()

    assert (commands == []) == lived


def test_commands_find_other_variables_beside_the_settings(tmp_path):
    found = Played(tmp_path, variables={"PYTHONPATH": "newer"}).environment()

    assert (found["PYTHONPATH"], found["PREFLIGHT_HOME"]) == ("newer", str(tmp_path))


def test_a_command_that_somebody_waits_for_ends_when_that_one_is_killed(tmp_path):
    (tmp_path / "code" / "preflight").mkdir(parents=True)
    (tmp_path / "code" / "preflight" / "__init__.py").touch()
    mark = tmp_path / "id"
    (tmp_path / "code" / "preflight" / "__main__.py").write_text(
        f"import os, time\nopen({str(mark)!r}, 'w').write(f'{{os.getpid()}} ')\ntime.sleep(120)\n"
    )
    code = f"""
from pathlib import Path
from practice.drills.ground import Played
Played(Path({str(tmp_path)!r}), code=Path({str(tmp_path / "code")!r})).run("parity")
"""
    parent = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    assert eventually(lambda: mark.exists() and mark.read_text().endswith(" "))
    command = psutil.Process(int(mark.read_text()))

    parent.kill()
    parent.wait()

    assert eventually(lambda: not command.is_running())


def eventually(condition: Callable[[], object]) -> object:
    """What the condition says as soon as it says something, or its last word."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not condition():
        time.sleep(0.05)
    return condition()
