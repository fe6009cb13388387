"""`backup` and `restore`: the commands around an archive."""

import json
import shutil
import subprocess
import sys

import pytest

from infra.archive import RESTORING
from infra.errors import UsageError
from infra.postgres_dump import DumpError, dump, name_in
from infra.settings import load_settings
from pipelines.context import Context, RestoreUnfinished
from preflight.backup import backup, restore_all


@pytest.fixture
def home(tmp_path):
    home = tmp_path / "home"
    (home / "journal").mkdir(parents=True)
    (home / "journal" / "2013-04-01.json").write_text("{}")
    (home / "cache").mkdir()
    (home / "cache" / "fonts").write_text("made again")
    return home


def run(home, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "preflight", "--home", str(home), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_home_that_was_lost_is_back_as_it_was(home, tmp_path):
    kept = run(home, "backup", str(tmp_path / "all.tar"), "--json")
    shutil.rmtree(home)

    restored = run(home, "restore", str(tmp_path / "all.tar"), "--json")

    assert json.loads(kept.stdout)["files"] == json.loads(restored.stdout)["files"] == {"home": 1}
    assert (home / "journal" / "2013-04-01.json").read_text() == "{}"


def test_a_folder_is_given_a_file_named_by_its_moment(home, tmp_path):
    (tmp_path / "backups").mkdir()

    assert run(home, "backup", str(tmp_path / "backups")).returncode == 0

    (made,) = (tmp_path / "backups").glob("preflight-*Z.tar")
    assert made.stat().st_size > 0


def test_what_is_there_is_replaced_only_when_that_is_said(home, tmp_path):
    settings = load_settings(home=home)
    backup(settings, tmp_path / "all.tar", as_json=True)
    (home / "journal" / "2013-04-08.json").write_text("{}")

    with pytest.raises(UsageError, match="add --replace"):
        restore_all(settings, tmp_path / "all.tar", replace=False, as_json=True)
    assert (home / "journal" / "2013-04-08.json").exists()

    restore_all(settings, tmp_path / "all.tar", replace=True, as_json=True)
    assert not (home / "journal" / "2013-04-08.json").exists()


def test_a_backup_within_what_it_copies_is_refused(home):
    with pytest.raises(UsageError, match="expected a file outside"):
        backup(load_settings(home=home), home / "all.tar", as_json=True)


def test_a_home_that_holds_nothing_is_no_backup(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".lock").touch()

    done = run(tmp_path / "home", "backup", str(tmp_path / "all.tar"))

    assert done.returncode == 2
    assert "holds nothing to keep" in done.stderr
    assert not (tmp_path / "all.tar").exists()


def test_other_folders_are_kept_beside_the_home(home, tmp_path):
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts" / "model.onnx").write_bytes(b"model")
    settings = load_settings(home=home, backup_folders=(tmp_path / "artifacts",))
    backup(settings, tmp_path / "all.tar", as_json=True)
    (tmp_path / "artifacts" / "model.onnx").write_bytes(b"other")

    restore_all(settings, tmp_path / "all.tar", replace=True, as_json=True)

    assert (tmp_path / "artifacts" / "model.onnx").read_bytes() == b"model"


def test_no_command_writes_into_a_home_that_is_half_restored(home):
    (home / RESTORING).mkdir()

    with pytest.raises(RestoreUnfinished, match="run it again first"):
        Context(load_settings(home=home)).claim_history()


def test_a_database_that_does_not_answer_is_said_without_its_password(tmp_path):
    url = "postgresql+psycopg://user:hush@127.0.0.1:1/flights"

    with pytest.raises(DumpError, match=r"flights|pg_dump") as refused:
        dump(url, tmp_path / "dump")

    assert name_in(url) == "flights"
    assert "hush" not in str(refused.value)
