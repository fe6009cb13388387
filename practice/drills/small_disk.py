"""A disk of some megabytes that can be filled without hurting anybody: a file system in memory."""

import errno
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PIECE = bytes(4096)


def can_mount() -> bool:
    """Whether this user may mount a file system: root may, outside of some containers."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    with tempfile.TemporaryDirectory() as folder, suppress(subprocess.CalledProcessError), small_disk(Path(folder), 1):
        return True
    return False


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A folder that has room for so much, for the length of the block. Raises CalledProcessError without the right."""
    _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder)
    try:
        yield
    finally:
        _run("umount", "--lazy", folder)  # whoever has a file open there may be ending yet


def fill(ballast: Path) -> int:
    """Write a file until its disk is full; how many bytes went in."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(PIECE):
                pass
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
        return file.tell()


def _run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True, capture_output=True)
