"""A copy of everything in one file: whole or refused, and back again to the byte."""

import sqlite3
import tarfile
from contextlib import closing

import pytest

from infra import archive
from infra.archive import RESTORING, ArchiveError, restore_folder, restored_database, verify_archive, write_archive


@pytest.fixture
def folder(tmp_path):
    home = tmp_path / "home"
    for name, text in {
        "a.json": "{}",
        "deep/er/b.txt": "b" * 5000,
        "cache/c": "c",
        ".lock": "",
        "d.1.part": "x",
    }.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    return home


def contents(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def keep(folder, target, **databases):
    return write_archive(target, {"home": folder}, databases, skip=("cache",))


def test_what_was_kept_comes_back_to_the_byte_and_nothing_else_stays(folder, tmp_path):
    kept = keep(folder, tmp_path / "all.tar")
    before = contents(folder)
    (folder / "a.json").write_text("other")
    (folder / "deep" / "new.txt").write_text("came later")

    verified = verify_archive(tmp_path / "all.tar")
    count = restore_folder(tmp_path / "all.tar", "home", folder)

    assert verified == kept
    assert count == 2
    assert contents(folder) == {name: before[name] for name in ("a.json", "deep/er/b.txt", ".lock")}


def test_an_archive_is_for_its_owner_alone(folder, tmp_path):
    keep(folder, tmp_path / "all.tar")

    assert (tmp_path / "all.tar").stat().st_mode & 0o777 == 0o600


def test_who_may_read_a_file_is_the_same_afterwards(folder, tmp_path):
    for name, mode in {"a.json": 0o600, "deep/er/b.txt": 0o644}.items():
        (folder / name).chmod(mode)
    keep(folder, tmp_path / "all.tar")

    restore_folder(tmp_path / "all.tar", "home", tmp_path / "back")

    modes = {name: (tmp_path / "back" / name).stat().st_mode & 0o777 for name in ("a.json", "deep/er/b.txt")}
    assert modes == {"a.json": 0o600, "deep/er/b.txt": 0o644}


def test_an_archive_that_is_there_is_not_written_over(folder, tmp_path):
    (tmp_path / "all.tar").write_text("older")

    with pytest.raises(ArchiveError, match="is there already"):
        keep(folder, tmp_path / "all.tar")

    assert (tmp_path / "all.tar").read_text() == "older"


def test_a_database_in_the_midst_of_a_transaction_is_kept_without_it(folder, tmp_path):
    with closing(sqlite3.connect(folder / "runs.db")) as database:
        database.execute("pragma journal_mode=wal")
        database.execute("create table t (x)")
        database.execute("insert into t values (1)")
        database.commit()
        database.execute("insert into t values (2)")

        keep(folder, tmp_path / "all.tar")

    restore_folder(tmp_path / "all.tar", "home", tmp_path / "back")
    with closing(sqlite3.connect(tmp_path / "back" / "runs.db")) as back:
        assert back.execute("select x from t").fetchall() == [(1,)]


def test_a_dump_of_a_database_is_kept_and_taken_out(folder, tmp_path):
    kept = keep(folder, tmp_path / "all.tar", flights=lambda file: file.write_text("rows"))

    dumped = restored_database(tmp_path / "all.tar", "flights", tmp_path)

    assert kept.of("databases", "flights") == 1
    assert dumped.read_text() == "rows"
    with pytest.raises(ArchiveError, match="holds no database trains"):
        restored_database(tmp_path / "all.tar", "trains", tmp_path)


def test_when_a_dump_fails_no_archive_is_left(folder, tmp_path):
    def fail(file):
        raise OSError(28, "No space left on device")

    with pytest.raises(ArchiveError, match="No space left"):
        keep(folder, tmp_path / "all.tar", flights=fail)

    assert [path.name for path in tmp_path.iterdir()] == ["home"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6])
def test_an_archive_that_was_cut_off_is_refused(folder, tmp_path, share):
    keep(folder, tmp_path / "all.tar")
    whole = (tmp_path / "all.tar").read_bytes()
    (tmp_path / "cut.tar").write_bytes(whole[: int(share * len(whole))])

    with pytest.raises(ArchiveError, match=r"cut\.tar"):
        verify_archive(tmp_path / "cut.tar")


def test_a_byte_that_changed_is_found_and_its_file_named(folder, tmp_path):
    keep(folder, tmp_path / "all.tar")
    content = (tmp_path / "all.tar").read_bytes()
    (tmp_path / "all.tar").write_bytes(content.replace(b"b" * 100, b"b" * 99 + b"c", 1))

    with pytest.raises(ArchiveError, match=r"deep/er/b\.txt"):
        verify_archive(tmp_path / "all.tar")


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd"])
def test_a_file_that_would_lie_elsewhere_is_refused(tmp_path, name):
    with tarfile.open(tmp_path / "bad.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo(name))

    with pytest.raises(ArchiveError, match="no file of a backup"):
        verify_archive(tmp_path / "bad.tar")


def test_a_restore_that_was_killed_leaves_its_mark_and_is_done_again(folder, tmp_path, monkeypatch):
    keep(folder, tmp_path / "all.tar")
    before = contents(folder)

    def killed(path):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(archive, "_remove", killed)
        with pytest.raises(KeyboardInterrupt):
            restore_folder(tmp_path / "all.tar", "home", folder)
    assert (folder / RESTORING).exists()

    restore_folder(tmp_path / "all.tar", "home", folder)

    assert contents(folder) == {name: before[name] for name in ("a.json", "deep/er/b.txt", ".lock")}
