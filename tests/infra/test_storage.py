"""Whole files or nothing, one writer at a time, and errors that say what to do. Tests run as root too."""

import errno
import hashlib
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from infra.storage import BusyError, MissingTable, StorageError, Store, content_hash, write_atomically


def rows(*numbers: int) -> pl.DataFrame:
    return pl.DataFrame({"number": numbers, "half": [number / 2 for number in numbers]})


def refuse_to_flush(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def unwritable(tmp_path: Path) -> Store:
    """A store whose home lies under a regular file: not even root can write there."""
    (tmp_path / "file").write_text("")
    return Store(tmp_path / "file" / "home")


def test_what_is_written_is_read(tmp_path):
    store = Store(tmp_path)

    store.write_table("features", "2013-07-01", rows(1, 2))

    assert_frame_equal(store.read_table("features", "2013-07-01"), rows(1, 2))


def test_a_table_lies_where_its_name_says(tmp_path):
    Store(tmp_path).write_table("accepted/weather", "2013-07-01", rows(1))

    assert (tmp_path / "accepted" / "weather" / "2013-07-01.parquet").is_file()


def test_writing_again_replaces_the_whole_table(tmp_path):
    store = Store(tmp_path)
    store.write_table("features", "2013-07-01", rows(1, 2))

    store.write_table("features", "2013-07-01", rows(3))

    assert_frame_equal(store.read_table("features", "2013-07-01"), rows(3))


def test_writing_returns_the_hash_of_what_was_written(tmp_path):
    assert Store(tmp_path).write_table("features", "2013-07-01", rows(1, 2)) == content_hash(rows(1, 2))


def test_a_table_that_was_never_written_is_missing_by_its_name(tmp_path):
    with pytest.raises(MissingTable, match=f"features of week 2013-07-01 does not exist under {tmp_path}"):
        Store(tmp_path).read_table("features", "2013-07-01")


@pytest.mark.parametrize("week", ["2013-07-01", "2013-07-08"])
def test_a_table_is_there_once_it_was_written(tmp_path, week):
    store = Store(tmp_path)
    store.write_table("features", "2013-07-01", rows(1))

    assert store.has_table("features", week) == (week == "2013-07-01")


def test_a_scan_reads_what_was_written(tmp_path):
    store = Store(tmp_path)
    store.write_table("features", "2013-07-01", rows(1, 2, 3))

    assert_frame_equal(store.scan_table("features", "2013-07-01").filter(pl.col("number") > 1).collect(), rows(2, 3))


def test_weeks_are_read_in_the_order_asked(tmp_path):
    store = Store(tmp_path)
    store.write_table("features", "2013-07-01", rows(1))
    store.write_table("features", "2013-07-15", rows(3))

    found = store.read_weeks("features", ["2013-07-15", "2013-07-01"])

    assert found["number"].to_list() == [3, 1]


def test_a_week_that_was_never_written_is_not_skipped(tmp_path):
    store = Store(tmp_path)
    store.write_table("features", "2013-07-01", rows(1))

    with pytest.raises(MissingTable, match="features of week 2013-07-08 does not exist"):
        store.read_weeks("features", ["2013-07-01", "2013-07-08"])


def test_a_damaged_table_or_document_is_named_with_what_to_do(tmp_path):
    store = Store(tmp_path)
    store.write_table("features", "2013-07-01", rows(1))
    for name in ("features/2013-07-01.parquet", "a.json"):
        (tmp_path / name).write_bytes(b'{"half": ')

    for read in (lambda: store.read_table("features", "2013-07-01"), lambda: store.read_json("a.json")):
        with pytest.raises(StorageError, match=r"was damaged .* restore it from a copy, or set PREFLIGHT_HOME"):
            read()


def test_a_document_is_read_as_it_was_written(tmp_path):
    store = Store(tmp_path)

    store.write_json("serving/champion.json", {"b": 1, "a": [None, 0.1]})

    assert store.read_json("serving/champion.json") == {"a": [None, 0.1], "b": 1}


def test_a_document_that_was_never_written_is_none(tmp_path):
    assert Store(tmp_path).read_json("serving/champion.json") is None


def test_equal_documents_are_equal_files(tmp_path):
    store = Store(tmp_path)

    one, two = store.write_json("one.json", {"a": 1, "b": 2}), store.write_json("two.json", {"b": 2, "a": 1})

    assert one.read_bytes() == two.read_bytes()


def test_a_document_cannot_hold_what_json_cannot_say(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        Store(tmp_path).write_json("one.json", {"a": float("nan")})


def test_files_are_listed_by_name(tmp_path):
    store = Store(tmp_path)
    for name in ("b.json", "a.json", "c.txt"):
        store.write_text(f"journal/{name}", "{}")

    assert [path.name for path in store.files("journal", "*.json")] == ["a.json", "b.json"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = write_atomically(tmp_path / "file", b"old")
    monkeypatch.setattr(os, "fsync", refuse_to_flush)

    with pytest.raises(StorageError):
        write_atomically(path, b"new")

    assert path.read_bytes() == b"old"


def test_a_write_that_fails_leaves_nothing_aside(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", refuse_to_flush)

    with pytest.raises(StorageError):
        write_atomically(tmp_path / "file", b"new")

    assert list(tmp_path.iterdir()) == []


def test_a_write_that_succeeds_leaves_nothing_aside(tmp_path):
    write_atomically(tmp_path / "file", b"new")

    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_told_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", refuse_to_flush)

    with pytest.raises(StorageError, match=r"cannot write .*: No space left on device; free some .*PREFLIGHT_HOME"):
        write_atomically(tmp_path / "file", b"new")


def test_a_file_cannot_take_the_place_of_a_folder(tmp_path):
    (tmp_path / "taken").mkdir()

    with pytest.raises(StorageError, match=r"cannot write .*taken: Is a directory"):
        write_atomically(tmp_path / "taken", b"new")

    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize(
    "write",
    [
        lambda store: store.write_table("features", "2013-07-01", rows(1)),
        lambda store: store.write_json("a.json", {}),
        lambda store: store.make_folder("logs"),
        lambda store: store.require_room(1),
        lambda store: store.exclusively().__enter__(),
    ],
    ids=["table", "document", "folder", "room", "lock"],
)
def test_a_home_that_cannot_be_written_is_told_with_what_to_do(tmp_path, write):
    with pytest.raises(StorageError, match=r"cannot write .*/file/home.*: Not a directory; .*set PREFLIGHT_HOME"):
        write(unwritable(tmp_path))


def test_a_disk_with_too_little_room_is_told_with_the_numbers(tmp_path):
    with pytest.raises(StorageError, match=r"has room for \d+ MB, this needs about 1000000000 MB; free some space"):
        Store(tmp_path).require_room(10**15)


def test_a_disk_with_room_is_enough(tmp_path):
    Store(tmp_path).require_room(1)


def test_two_cannot_write_to_one_home(tmp_path):
    with (
        Store(tmp_path).exclusively(),
        pytest.raises(BusyError, match=f"another .* writing to {tmp_path}; wait"),
    ):
        Store(tmp_path).exclusively().__enter__()


def test_another_process_cannot_write_to_a_home_that_is_held(tmp_path):
    hold = f"Store(Path({str(tmp_path)!r})).exclusively().__enter__()"
    code = f"from pathlib import Path; from infra.storage import Store; {hold}"

    with Store(tmp_path).exclusively():
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert "BusyError" in other.stderr


def test_a_home_is_free_again_after_a_failure(tmp_path):
    def fail() -> None:
        with Store(tmp_path).exclusively():
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    with Store(tmp_path).exclusively():
        pass


def test_two_homes_can_be_written_at_once(tmp_path):
    with Store(tmp_path / "a").exclusively(), Store(tmp_path / "b").exclusively():
        pass


def test_the_hash_of_rows_is_that_of_names_types_and_values():
    number = b"number Int64 2\n" + bytes(2) + struct.pack("<2q", 1, 2)
    half = b"half Float64 2\n" + bytes(2) + struct.pack("<2d", 0.5, 1.0)

    assert content_hash(rows(1, 2)) == hashlib.sha256(number + half).hexdigest()


def test_the_hash_of_rows_outlives_the_file(tmp_path):
    store = Store(tmp_path)
    store.write_table("features", "2013-07-01", rows(1, 2, 3))

    assert content_hash(store.read_table("features", "2013-07-01")) == content_hash(rows(1, 2, 3))


def test_the_hash_of_rows_does_not_follow_how_they_lie_in_memory():
    assert content_hash(pl.concat([rows(1), rows(2)], rechunk=False)) == content_hash(rows(1, 2))


@pytest.mark.parametrize(
    "other",
    [
        rows(2, 1),
        rows(1),
        rows(1, 3),
        rows(1, 2).rename({"half": "share"}),
        rows(1, 2).with_columns(pl.lit(None).alias("half")),
        rows(1, 2).with_columns(half=pl.col("half") + 1e-12),
    ],
    ids=["order", "fewer", "value", "name", "missing", "last digit"],
)
def test_other_rows_have_another_hash(other):
    assert content_hash(other) != content_hash(rows(1, 2))


def test_texts_that_read_alike_in_a_row_have_other_hashes():
    assert content_hash(pl.DataFrame({"tail": ["N1", "1"]})) != content_hash(pl.DataFrame({"tail": ["N", "11"]}))


def test_a_missing_number_and_a_zero_have_other_hashes():
    missing, zero = (pl.DataFrame({"delay": [delay, 1]}) for delay in (None, 0))

    assert content_hash(missing) != content_hash(zero)


def test_a_missing_text_and_an_empty_one_have_other_hashes():
    missing, empty = (pl.DataFrame({"tail": [tail, "N1"]}) for tail in (None, ""))

    assert content_hash(missing) != content_hash(empty)


def test_documents_are_readable_by_anybody(tmp_path):
    path = Store(tmp_path).write_json("a.json", {"share": 0.5})

    assert json.loads(path.read_text()) == {"share": 0.5}


def test_two_machines_with_one_folder_never_write_aside_under_one_name(tmp_path, monkeypatch):
    asides = []
    monkeypatch.setattr("os.replace", lambda aside, path: asides.append(aside.name))

    for machine in ("worker-1", "worker-2"):
        monkeypatch.setattr("platform.node", lambda machine=machine: machine)
        write_atomically(tmp_path / "week.parquet", b"rows")

    assert len(set(asides)) == 2
