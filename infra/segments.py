"""The folder that a log lies in: numbered segments, whole lines in them, and one lock over all. Writes no line."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from infra.errors import PreflightError
from infra.storage import make_folder

LOCK = ".lock"
PATTERN = "[0-9]" * 6 + ".jsonl"
KEPT_SEGMENTS = 4
"""Newest segments, which stay when they were loaded: what they hold may be asked again."""


class LogUnwritable(PreflightError, OSError):  # noqa: N818
    """A line could not be written: the disk is full or gone. Nothing of it was kept."""

    @classmethod
    def of(cls, path: Path, why: str | None) -> "LogUnwritable":
        """What to raise when a file of the log cannot be written."""
        return cls(f"cannot write {path}: {why}; free some space on its disk, or change the permissions of its folder")


@contextmanager
def holding(folder: Path) -> Iterator[None]:
    """Hold the log of a folder, so that no process writes meanwhile."""
    make_folder(folder)
    handle = open_lock(folder)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)  # closing alone would leave it with a process forked meanwhile
        os.close(handle)


def segments(folder: Path) -> list[Path]:
    """The segments of a folder, oldest first; the last is the one that is written to."""
    return [path_of(folder, number) for number in numbers(folder)]


def older_segments(folder: Path) -> list[Path]:
    """Those that may go once they were loaded."""
    return segments(folder)[:-KEPT_SEGMENTS]


def whole_lines(path: Path, start: int = 0) -> Iterator[bytes]:
    """The lines of a segment, from a byte on to where it ends now, that are whole: none is being written.

    A segment that was removed has none.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        file.seek(start)
        left = os.fstat(file.fileno()).st_size - start
        while left > 0 and (line := file.readline()).endswith(b"\n"):
            yield line
            left -= len(line)


def open_lock(folder: Path) -> int:
    """A handle on the lock of a folder, to be locked with `flock`. Raises LogUnwritable."""
    try:
        return os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise LogUnwritable.of(folder / LOCK, error.strerror) from error


def numbers(folder: Path) -> list[int]:
    """Which segments there are, oldest first."""
    return sorted(int(path.stem) for path in folder.glob(PATTERN))


def path_of(folder: Path, number: int) -> Path:
    """Where a segment lies."""
    return folder / f"{number:06d}.jsonl"


def bytes_of(paths: list[Path]) -> int:
    """How large some segments are together; one that was removed meanwhile is not there."""
    total = 0
    for path in paths:
        with suppress(FileNotFoundError):
            total += path.stat().st_size
    return total
