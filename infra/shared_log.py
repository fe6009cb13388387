"""A log that several processes write line by line, each key once: durable against the death of a process.

Lines lie in numbered segments of one folder. A writer holds the folder's lock for a few microseconds: it reads what
the others have written since, so that it knows every key, appends its line in one `write`, and lets go. What a
writer that was killed left torn is cut off by the next one; it was never acknowledged. Bytes that were written outlive
the process, not the power: for that a disk has to be flushed, which costs a hundred times more.
"""

import fcntl
import io
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.errors import PreflightError
from infra.segments import LogUnwritable, bytes_of, numbers, older_segments, open_lock, path_of, whole_lines
from infra.storage import make_folder

BLOCK_BYTES = 2**22

logger = logging.getLogger(__name__)


class LogBehind(PreflightError, RuntimeError):  # noqa: N818
    """More lines wait to be loaded than there may be."""


@dataclass(frozen=True)
class Limits:
    """Bytes after which a segment is full, bytes of older segments after which nothing is taken, keys remembered."""

    segment_bytes: int = 64_000_000
    backlog_bytes: int = 2_000_000_000
    keys: int = 200_000


class SharedLog:
    """One process's hand on the log; `key_of` reads the key of a line. Not for several threads at once."""

    def __init__(self, folder: Path, key_of: Callable[[bytes], bytes], limits: Limits | None = None) -> None:
        make_folder(folder)
        self._folder, self._key_of, self._limits = folder, key_of, limits or Limits()
        self._places: dict[bytes, tuple[int, int, int]] = {}
        self._segment, self._handle, self._read = 0, -1, 0
        self._is_over, self._may_be_behind = False, True
        self._lock, self._process = open_lock(folder), os.getpid()
        for number in self._worth_remembering():
            if self._open(number):  # without the lock, which the others need: whole lines stay as they are
                self._learn(os.fstat(self._handle).st_size)
        with self._held():
            pass

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
            if self._is_over:
                self._open(self._segment + 1, os.O_CREAT)
            self._require_room()
            try:
                written = os.write(self._handle, line)
            except OSError as error:
                raise LogUnwritable.of(path_of(self._folder, self._segment), error.strerror) from error
            if written != len(line):
                os.ftruncate(self._handle, self._read)
                raise LogUnwritable.of(path_of(self._folder, self._segment), "only a part of a line was written")
            self._remember(key, self._read, len(line))
            self._read += written
        return None

    def close(self) -> None:
        """Let go of the files."""
        os.close(self._handle)
        os.close(self._lock)

    @contextmanager
    def _held(self) -> Iterator[None]:
        if self._process != os.getpid():  # a fork shares its parent's lock: it would keep neither of them out
            os.close(self._lock)
            self._lock, self._process = open_lock(self._folder), os.getpid()
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            if self._segment == 0:
                self._open(1, os.O_CREAT)
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
            line = os.pread(self._handle, length, start)
            if self._key_of(line) == key:
                return line
        path = path_of(self._folder, number)
        line = next(whole_lines(path, start), b"")
        if self._key_of(line) == key:
            return line
        return next((line for line in whole_lines(path) if self._key_of(line) == key), None)  # written anew, or removed

    def _catch_up(self) -> None:
        """Learn the keys of what others have written, and follow them to the segment they write to."""
        while True:
            found = os.fstat(self._handle)
            self._learn(found.st_size)
            if self._read < found.st_size:  # a torn line; we hold the lock, so whoever wrote it is dead
                os.ftruncate(self._handle, self._read)
                path, torn = path_of(self._folder, self._segment), found.st_size - self._read
                logger.warning("cut %d bytes of a torn line off %s: its writer died before it acknowledged", torn, path)
            is_gone = found.st_nlink == 0  # removed, or written anew under the same name
            self._is_over = is_gone or self._read >= self._limits.segment_bytes
            if not self._is_over:
                return
            others = [number for number in numbers(self._folder) if number > self._segment - is_gone]
            if not others or not self._open(others[0]):
                return

    def _learn(self, end: int) -> None:
        """Remember the keys of the whole lines up to a byte of the segment, a block at a time."""
        most = BLOCK_BYTES
        while self._read < end:
            wanted = min(end - self._read, most)
            content = os.pread(self._handle, wanted, self._read)
            whole = content.rfind(b"\n") + 1
            if not whole and wanted < most:
                return
            most = BLOCK_BYTES if whole else 2 * most  # for a line that is longer
            for line in io.BytesIO(content[:whole]):
                self._remember(self._key_of(line), self._read, len(line))
                self._read += len(line)

    def _remember(self, key: bytes, start: int, length: int) -> None:
        self._places[key] = (self._segment, start, length)
        if len(self._places) > self._limits.keys:
            del self._places[next(iter(self._places))]

    def _worth_remembering(self) -> list[int]:
        """The newest segments, no more than it takes for all keys that are remembered; oldest first."""
        chosen, lines = [], 0
        for number in reversed(numbers(self._folder)):
            if lines >= self._limits.keys:
                break
            chosen.append(number)
            lines += sum(1 for _ in whole_lines(path_of(self._folder, number)))
        return chosen[::-1]

    def _open(self, number: int, make: int = 0) -> bool:
        """Turn to a segment; False when it is not there, unless `make` is O_CREAT. Raises LogUnwritable."""
        path = path_of(self._folder, number)
        try:
            handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | make, 0o644)
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not make:
                return False
            raise LogUnwritable.of(path, error.strerror) from error
        if self._handle >= 0:
            os.close(self._handle)
        self._segment, self._handle, self._read = number, handle, 0
        self._is_over, self._may_be_behind = False, True
        return True

    def _require_room(self) -> None:
        if self._may_be_behind:
            self._may_be_behind = bytes_of(older_segments(self._folder)) > self._limits.backlog_bytes
        if self._may_be_behind:
            raise LogBehind(
                f"{self._folder} holds more than {self._limits.backlog_bytes // 10**6} MB that were not loaded yet; "
                "run: preflight log load"
            )
