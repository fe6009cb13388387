"""A copy of our own code to break, as a bad commit would: commands are run from it, in a home of their own."""

import shutil
from pathlib import Path

from infra.errors import PreflightError
from infra.revision import LOCK, ROOT

Change = tuple[str, str, str]
"""A file of ours, what stands in it once, and what is to stand there."""
ROOMS = ("data_checks", "infra", "monitoring", "pipelines", "practice", "preflight", "services")


class OtherCode(PreflightError, LookupError):  # noqa: N818
    """A drill means to change a line that our code does not have any more."""


def copy_code(folder: Path, root: Path = ROOT) -> Path:
    """A copy of all rooms, and of the lock that they run with."""
    for room in ROOMS:
        shutil.copytree(root / room, folder / room)
    if (root / LOCK).exists():
        shutil.copy(root / LOCK, folder / LOCK)
    return folder


def change_code(folder: Path, file: str, before: str, after: str) -> None:
    """Put `after` in the place of `before` in one file. Raises OtherCode unless it stands there exactly once."""
    path = folder / file
    text = path.read_text()
    if text.count(before) != 1:
        raise OtherCode(f"{file} has {before!r} {text.count(before)} times, expected it once; mend the drill")
    path.write_text(text.replace(before, after))
