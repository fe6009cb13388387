"""Append-only logs of JSON lines: whole lines from many processes, and a torn last one recognised when read."""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from infra.storage import make_folder


class LineLog:
    """One file that only grows. Each process has a file of its own, so that no two write into one line."""

    def __init__(self, folder: Path, name: str) -> None:
        make_folder(folder)
        self._handle = os.open(folder / f"{name}.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def append(self, documents: Iterable[dict]) -> None:
        """Write documents in one go: they outlive a `kill -9` of this process as soon as this returns."""
        lines = "".join(json.dumps(document, allow_nan=False) + "\n" for document in documents).encode()
        while lines:
            lines = lines[os.write(self._handle, lines) :]

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)


def read_lines(folder: Path) -> Iterator[dict]:
    """Every whole document of a folder's logs, file by file by name; a torn last line is left out."""
    for path in sorted(folder.glob("*.jsonl")):
        with path.open("rb") as file:
            yield from (json.loads(line) for line in file if line.endswith(b"\n"))
