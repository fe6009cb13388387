"""A word is found in whatever holds it, as a whole word alone, and taken out of texts."""

import sqlite3
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from infra.storage import Store
from infra.sweep import erase_word, files_with


def text(home: Path) -> None:
    Store(home).write_text("a/page.html", "<td>N14228</td>")


def lower_case(home: Path) -> None:
    Store(home).write_text("a/page.html", "<td>n14228</td>")


def table(home: Path) -> None:
    Store(home).write_table("a/b", "2013-07-01", pl.DataFrame({"said": ["of N14228;"] * 1000, "n": range(1000)}))


def database(home: Path) -> None:
    (home / "a").mkdir()
    with sqlite3.connect(home / "a" / "some.db") as connection:
        connection.execute("create table rows (tail text)")
        connection.execute("insert into rows values ('N14228')")


def arrays(home: Path) -> None:
    (home / "a").mkdir()
    np.savez(home / "a" / "state.npz", tails=np.array(["N1", "N14228", "N99999"]))


@pytest.mark.parametrize("write", [text, lower_case, table, database, arrays])
def test_a_word_is_found_in(tmp_path, write):
    write(tmp_path)

    assert len(list(files_with(tmp_path, "N14228"))) == 1
    assert list(files_with(tmp_path, "N1422")) == []
    assert list(files_with(tmp_path, "14228")) == []


def test_a_word_is_erased_from_texts_where_it_stands_alone(tmp_path):
    Store(tmp_path).write_text("page.html", "N14228, n14228 and N142289, XN14228")
    Store(tmp_path).write_text("other.json", "{}")
    before = (tmp_path / "other.json").stat().st_mtime_ns

    changed = erase_word(tmp_path, "N14228")

    assert changed == 1
    assert (tmp_path / "page.html").read_text() == "(erased), (erased) and N142289, XN14228"
    assert (tmp_path / "other.json").stat().st_mtime_ns == before


def test_what_is_no_text_is_found_and_left_alone(tmp_path):
    database(tmp_path)

    assert erase_word(tmp_path, "N14228") == 0
    assert [path.name for path in files_with(tmp_path, "N14228")] == ["some.db"]
