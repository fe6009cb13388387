"""A log that several processes write line by line, each key once: durable against the death of a process.

Lines lie in numbered segments of one folder. A writer holds the folder's lock for a few microseconds: it reads what
the others have written since, so that it knows every key, appends its line in one `write`, and lets go. What a
writer that was killed left torn is cut off by the next one; it was never acknowledged. Bytes that were written outlive
the process, not the power: for that a disk has to be flushed, which costs a hundred times more.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.errors import PreflightError
from infra.storage import make_folder

LOCK = ".lock"
PATTERN = "[0-9]" * 6 + ".jsonl"


class LogUnwritable(PreflightError, OSError):  # noqa: N818
    """A line could not be written: the disk is full or gone. Nothing of it was kept."""


class LogBehind(PreflightError, RuntimeError):  # noqa: N818
    """More lines wait to be loaded than there may be."""


@dataclass(frozen=True)
class Limits:
    """Bytes after which a segment is full, bytes of all segments after which nothing is taken, keys remembered."""

    segment_bytes: int = 64_000_000
    backlog_bytes: int = 2_000_000_000
    keys: int = 200_000


class SharedLog:
    """One process's hand on the log; `key_of` reads the key of a line. Not for several threads at once."""

    def __init__(self, folder: Path, key_of: Callable[[bytes], bytes], limits: Limits | None = None) -> None:
        make_folder(folder)
        self._folder, self._key_of, self._limits = folder, key_of, limits or Limits()
        self._lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._places: dict[bytes, tuple[int, int, int]] = {}
        self._segment, self._handle, self._read = 0, -1, 0
        self._is_behind = False
        with self._held():
            for number in _numbers(folder) or [1]:
                self._open(number)

    def find(self, key: bytes) -> bytes | None:
        """The line of a key that is remembered, None when there is none."""
        with self._held():
            return self._line_of(key)

    def append(self, key: bytes, line: bytes) -> bytes | None:
        """Write a line, which ends with a line feed and begins with what `key_of` reads; None when that is done.

        When the key is there already nothing is written, and its line is returned. Raises LogUnwritable, LogBehind.
        """
        with self._held():
            known = self._line_of(key)
            if known is not None:
                return known
            self._require_room()
            try:
                written = os.write(self._handle, line)
            except OSError as error:
                raise self._unwritable(error.strerror) from error
            if written != len(line):
                os.ftruncate(self._handle, self._read)
                raise self._unwritable("only a part of a line was written")
            self._remember(key, self._read, len(line))
            self._read += written
        return None

    def close(self) -> None:
        """Let go of the files."""
        os.close(self._handle)
        os.close(self._lock)

    @contextmanager
    def _held(self) -> Iterator[None]:
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            if self._segment:
                self._catch_up()
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _line_of(self, key: bytes) -> bytes | None:
        place = self._places.get(key)
        if place is None:
            return None
        number, start, length = place
        if number == self._segment:
            return os.pread(self._handle, length, start)
        try:
            with _path(self._folder, number).open("rb") as file:
                file.seek(start)
                return file.read(length)
        except FileNotFoundError:  # loaded and removed meanwhile
            return None

    def _catch_up(self) -> None:
        """Learn the keys of what others have written; go on to the next segment when this one is full."""
        while True:
            found = os.fstat(self._handle)
            if not found.st_nlink:  # written anew, to forget something, or removed: nothing is where it was
                self._places.clear()
                for number in _numbers(self._folder) or [self._segment]:
                    self._open(number)
                continue
            size = found.st_size
            if size > self._read:
                self._learn(os.pread(self._handle, size - self._read, self._read))
            if self._read < self._limits.segment_bytes:
                return
            self._open(self._segment + 1)
            self._is_behind = self._backlog() > self._limits.backlog_bytes

    def _learn(self, content: bytes) -> None:
        whole = content.rfind(b"\n") + 1
        if whole < len(content):  # we hold the lock, so whoever wrote this is dead
            os.ftruncate(self._handle, self._read + whole)
        for line in content[:whole].splitlines(keepends=True):
            self._remember(self._key_of(line), self._read, len(line))
            self._read += len(line)

    def _remember(self, key: bytes, start: int, length: int) -> None:
        self._places[key] = (self._segment, start, length)
        if len(self._places) > self._limits.keys:
            del self._places[next(iter(self._places))]

    def _open(self, number: int) -> None:
        try:
            handle = os.open(_path(self._folder, number), os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise self._unwritable(error.strerror) from error
        if self._handle >= 0:
            os.close(self._handle)
        self._segment, self._handle, self._read = number, handle, 0
        self._learn(os.pread(handle, os.fstat(handle).st_size, 0))

    def _require_room(self) -> None:
        if self._is_behind:
            self._is_behind = self._backlog() > self._limits.backlog_bytes
        if self._is_behind:
            raise LogBehind(
                f"{self._folder} holds more than {self._limits.backlog_bytes // 10**6} MB that were not loaded yet; "
                "run: preflight log load"
            )

    def _backlog(self) -> int:
        return sum(_path(self._folder, number).stat().st_size for number in _numbers(self._folder))

    def _unwritable(self, why: str | None) -> LogUnwritable:
        return LogUnwritable(f"cannot write {_path(self._folder, self._segment)}: {why}; free some space on its disk")


@contextmanager
def holding(folder: Path) -> Iterator[None]:
    """Hold the log of a folder, so that no process writes meanwhile."""
    make_folder(folder)
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def segments(folder: Path) -> list[Path]:
    """The segments of a folder, oldest first; the last is the one that is written to."""
    return [_path(folder, number) for number in _numbers(folder)]


def whole_lines(path: Path, start: int = 0) -> Iterator[bytes]:
    """The lines of a segment from a byte on that are whole; the one that is being written is left out."""
    with path.open("rb") as file:
        file.seek(start)
        yield from (line for line in file if line.endswith(b"\n"))


def _numbers(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in folder.glob(PATTERN))


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}.jsonl"
