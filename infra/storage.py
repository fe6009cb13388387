"""The only module that reads and writes files under `var/`: whole files or nothing, and one writer at a time."""

import hashlib
import io
import json
import os
import platform
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
from filelock import FileLock, Timeout

from infra.errors import PreflightError, UsageError

WRITERS: dict[str, Callable[[pl.DataFrame, io.BytesIO], object]] = {
    ".parquet": pl.DataFrame.write_parquet,
    ".csv": pl.DataFrame.write_csv,
}

LOCK = ".lock"
"""The file in a folder that whoever holds the folder holds."""


class StorageError(PreflightError, OSError):
    """A file under the home folder cannot be written or read."""


class MissingTable(PreflightError, LookupError):  # noqa: N818 - a condition the caller answers, as KeyError is
    """A week that a step needs has not been made yet."""


class BusyError(PreflightError, RuntimeError):
    """Another process is writing to the same home folder."""


class Store:
    """Tables by week, JSON documents and files under one home folder.

    A table lies at `<home>/<dataset>/<week>.parquet`; `week` is the ISO date of its Monday.
    """

    def __init__(self, home: Path) -> None:
        self.home = home

    def path(self, *parts: str) -> Path:
        """Where a file of the home folder lies."""
        return self.home.joinpath(*parts)

    def write_table(self, dataset: str, week: str, frame: pl.DataFrame) -> str:
        """Write one week of a dataset whole; returns its content hash."""
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        write_atomically(self._table(dataset, week), buffer.getvalue())
        return content_hash(frame)

    def has_table(self, dataset: str, week: str) -> bool:
        """Whether this week of the dataset was written."""
        return self._table(dataset, week).exists()

    def read_table(self, dataset: str, week: str) -> pl.DataFrame:
        """One week of a dataset. Raises MissingTable when it was never written."""
        path = self._table(dataset, week)
        if not path.exists():
            raise MissingTable(f"{dataset} of week {week} does not exist under {self.home}")
        try:
            return pl.read_parquet(path)
        except pl.exceptions.PolarsError as error:
            raise _unreadable(path, error) from error

    def scan_table(self, dataset: str, week: str) -> pl.LazyFrame:
        """As `read_table`, to be filtered before it is read."""
        return pl.scan_parquet(self._table(dataset, week))

    def read_weeks(self, dataset: str, weeks: Iterable[str]) -> pl.DataFrame:
        """The given weeks in their order, under each other. Raises MissingTable when one was never written."""
        return pl.concat([self.read_table(dataset, week) for week in weeks])

    def write_json(self, name: str, document: dict) -> Path:
        """Write one JSON document whole, keys sorted."""
        return self.write_text(name, json.dumps(document, sort_keys=True, indent=1, allow_nan=False) + "\n")

    def read_json(self, name: str) -> dict | None:
        """One JSON document, or None when it was never written."""
        path = self.path(name)
        try:
            return json.loads(path.read_text()) if path.exists() else None
        except ValueError as error:
            raise _unreadable(path, error) from error

    def write_text(self, name: str, text: str) -> Path:
        """Write one text file whole."""
        return self.write_bytes(name, text.encode())

    def remove(self, name: str) -> None:
        """Remove a file; one that is not there is removed already."""
        self.path(name).unlink(missing_ok=True)

    def write_bytes(self, name: str, content: bytes) -> Path:
        """Write one file whole."""
        return write_atomically(self.path(name), content)

    def read_bytes(self, name: str) -> bytes | None:
        """One file, or None when it was never written."""
        path = self.path(name)
        return path.read_bytes() if path.exists() else None

    def mark(self, name: str) -> tuple[int, int, int] | None:
        """What changes whenever a file is replaced or written to, None when it is not there."""
        try:
            found = os.stat(self.path(name))
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def keep_newest(self, folder: str, pattern: str, number: int, besides: str) -> None:
        """Remove the files of a folder that match, except so many of those whose names come last, and `besides`."""
        for old in self.files(folder, pattern)[:-number]:
            if old != self.path(besides):
                old.unlink(missing_ok=True)

    def make_folder(self, *parts: str) -> Path:
        """A folder of the home folder, made if need be, for a tool that writes its own files."""
        folder = self.path(*parts)
        make_folder(folder)
        return folder

    def files(self, folder: str, pattern: str) -> list[Path]:
        """The files of a folder whose names match, sorted by name."""
        return sorted(self.path(folder).glob(pattern))

    def require_room(self, needed_bytes: int) -> None:
        """Raise StorageError when the home folder cannot be written, or its disk has less room than that."""
        self.write_text(".writable", "")
        free = shutil.disk_usage(self.home).free
        if free < needed_bytes:
            raise StorageError(
                f"{self.home} has room for {free // 10**6} MB, this needs about {needed_bytes // 10**6} MB; "
                "free some space, or set PREFLIGHT_HOME to another disk"
            )

    @contextmanager
    def exclusively(self, folder: str = "", wait_seconds: float = 0) -> Iterator[None]:
        """Hold the home folder, or one folder in it, for writing. Raises BusyError when another process holds it."""
        held = self.path(folder)
        make_folder(held)
        lock = FileLock(held / LOCK)
        try:
            lock.acquire(timeout=wait_seconds)
        except Timeout as error:
            raise BusyError(
                f"another preflight process is writing to {held}; wait for it, or set PREFLIGHT_HOME elsewhere"
            ) from error
        except OSError as error:
            raise _unwritable(held / LOCK, error) from error
        try:
            yield
        finally:
            lock.release()

    def _table(self, dataset: str, week: str) -> Path:
        return self.path(dataset, f"{week}.parquet")


MIGRATED = "migrated"


def forget_unfinished_database(folder: Path, name: str) -> None:
    """Make the folder, and drop a database in it whose first migration was killed: it holds nothing, and is stuck."""
    make_folder(folder)
    if not (folder / MIGRATED).exists():
        for leftover in folder.glob(f"{name}*"):
            leftover.unlink()


def mark_migrated(folder: Path) -> None:
    """Say that the database of a folder is whole from here on."""
    (folder / MIGRATED).touch()


def content_hash(frame: pl.DataFrame) -> str:
    """SHA-256 of names, types and values in order: equal for equal rows, whatever file they were read from."""
    digest = hashlib.sha256()
    for column in frame.get_columns():
        digest.update(f"{column.name} {column.dtype} {len(column)}\n".encode())
        digest.update(column.is_null().to_numpy().tobytes())
        digest.update(_content(column))
    return digest.hexdigest()


def _content(column: pl.Series) -> bytes:
    """The values as bytes, nulls as zero or empty; texts with their lengths, so that no two lists look alike."""
    if column.dtype != pl.String:
        return column.to_physical().fill_null(0).to_numpy().tobytes()
    texts = column.fill_null("")
    return texts.str.len_bytes().to_numpy().tobytes() + texts.str.join().item().encode()


def write_atomically(path: Path, content: bytes) -> Path:
    """Make `path` hold exactly `content`, or leave it as it was: written aside, flushed to disk, renamed.

    Raises StorageError naming the file, the reason and what to do.
    """
    make_folder(path.parent)
    aside = path.with_name(f".{path.name}.{platform.node()}.{os.getpid()}.part")  # workers elsewhere count alike
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
        _flush_folder(path.parent)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise _unwritable(path, error) from error
    return path


def export_table(path: Path, frame: pl.DataFrame) -> Path:
    """Write a table for people to a file of theirs, by its name's end as Parquet or CSV. Raises UsageError."""
    if path.suffix not in WRITERS:
        raise UsageError(f"expected a file whose name ends with {' or '.join(WRITERS)}, got {path}")
    buffer = io.BytesIO()
    WRITERS[path.suffix](frame, buffer)
    return write_atomically(path, buffer.getvalue())


def make_folder(folder: Path) -> None:
    """Create a folder and its parents. Raises StorageError when that is not possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows cannot open a folder; the rename is still whole
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unreadable(path: Path, error: Exception) -> StorageError:
    return StorageError(
        f"{path} was damaged ({str(error).splitlines()[0][:80]}); restore it from a copy, "
        "or set PREFLIGHT_HOME to a fresh folder"
    )


def _unwritable(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"cannot write {path}: {error.strerror or error}; "
        "free some space, change its permissions, or set PREFLIGHT_HOME to another folder"
    )
