"""What drills of stores and histories rely on: small disks, headers, archives, and a command that dies at a commit."""

import io
import os
import shutil
import signal
import tarfile

import pytest

from infra.archive import ArchiveError, verify_archive, write_archive
from practice.drills import runner, storage
from practice.drills.artefacts import flip_bit_at
from practice.drills.histories import SPOILT, place_in
from practice.drills.killing import NEVER, commits_of, dying_at
from practice.drills.scene import Drill
from practice.drills.small_disk import can_mount, fill, small_disk

needs_mount = pytest.mark.skipif(not can_mount(), reason="this user may not mount a file system")


def drill(*needs: str) -> Drill:
    return Drill("bell", "A bell", "pulled", "the bell", "leave", "look", "So.", lambda scene: None, (), needs)


@needs_mount
def test_a_small_disk_is_full_at_its_size_and_gone_afterwards(tmp_path):
    with small_disk(tmp_path, 1):
        written = fill(tmp_path / "ballast")
        (tmp_path / "ballast").unlink()
        (tmp_path / "more").write_bytes(b"there is room again")

    assert 900_000 < written <= 2**20
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there", [True, False])
def test_what_is_no_program_is_looked_for_in_its_own_way(monkeypatch, there):
    monkeypatch.setitem(runner.LOOKED_FOR, "tmpfs", lambda: there)

    assert runner.missing_tools(drill("tmpfs", "python-that-nobody-has")) == (
        ["python-that-nobody-has"] if there else ["tmpfs", "python-that-nobody-has"]
    )


def test_the_header_of_a_database_is_taken_away_and_put_back_in_place(tmp_path):
    database = tmp_path / "mlflow.db"
    whole = bytes(range(256)) * 2
    database.write_bytes(whole)
    was, inode = storage.read_header(database), database.stat().st_ino

    storage.write_header(database, bytes(storage.HEADER_BYTES))
    spoilt = database.read_bytes()
    storage.write_header(database, was)

    assert spoilt == bytes(100) + whole[100:]
    assert (database.read_bytes(), database.stat().st_ino) == (whole, inode)


def test_the_bit_that_flips_in_a_backup_is_one_of_a_model_and_its_name_is_said(tmp_path):
    home, archive = tmp_path / "home", tmp_path / "all.tar"
    for name, size in (("a", 10), ("b", 5000)):
        (home / name).mkdir(parents=True)
        (home / name / "model.onnx").write_bytes(os.urandom(size))
    write_archive(archive, {"home": home}, {})

    name, place = place_in(archive, SPOILT)
    flip_bit_at(archive, place)

    assert name == "folders/home/b/model.onnx"
    with pytest.raises(ArchiveError, match=r"is not as it was written: folders/home/b/model\.onnx"):
        verify_archive(archive)


def test_a_place_is_that_of_the_bytes_in_the_archive(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        member = tarfile.TarInfo("folders/home/model.onnx")
        member.size = 3
        tar.addfile(member, io.BytesIO(b"abc"))

    place = place_in(tmp_path / "x.tar", SPOILT)[1]

    assert (tmp_path / "x.tar").read_bytes()[place : place + 1] == b"b"


def test_a_command_dies_on_the_way_into_a_commit_and_otherwise_names_its_commits(tmp_path):
    environment = {**os.environ, "PREFLIGHT_HOME": str(tmp_path / "home")}
    target = tmp_path / "settings.md"

    lived = dying_at(NEVER, environment, "settings", "--write", str(target))
    shutil.move(target, tmp_path / "kept.md")
    killed = dying_at("settings.md", environment, "settings", "--write", str(target))

    assert (lived.returncode, commits_of(lived)) == (0, [str(target)])
    assert (killed.returncode, target.exists(), commits_of(killed)) == (-signal.SIGKILL, False, [])
