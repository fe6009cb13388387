"""Who is who among processes, after the command that started them has ended: numbers are given away again."""

import contextlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

CLOCK_SECONDS = 2
"""How far two readings of the same process's beginning may lie apart: the machine's clock is corrected now and then."""


@dataclass(frozen=True)
class Identity:
    """A process by its number and the moment it began, in seconds since 1970: no other was ever both."""

    pid: int
    created: float

    @property
    def process(self) -> psutil.Process | None:
        """The process, None when it has ended, also when its number is another's by now."""
        with contextlib.suppress(psutil.Error):
            found = psutil.Process(self.pid)
            same = abs(found.create_time() - self.created) <= CLOCK_SECONDS
            if same and found.status() != psutil.STATUS_ZOMBIE:
                return found
        return None


def identify(process: psutil.Process) -> Identity | None:
    """What a process is recognised by later, None when it has ended already."""
    with contextlib.suppress(psutil.Error):
        return Identity(process.pid, process.create_time())
    return None


def holders_of(file: Path) -> list[int]:
    """The numbers of processes that hold a file open, of those that we may look into."""
    return [process.pid for process in psutil.process_iter() if _holds(process, file.resolve())]


def _holds(process: psutil.Process, file: Path) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        return any(opened.path == str(file) for opened in process.open_files())
    return False


def descendants(pid: int) -> set[psutil.Process]:
    """The process of that number and everything it started that still runs."""
    with contextlib.suppress(psutil.Error):
        parent = psutil.Process(pid)
        return {parent, *parent.children(recursive=True)}
    return set()


def kill_family(pid: int) -> int:
    """End a process and all that it started with SIGKILL, as a machine that goes down; how many they were."""
    family = descendants(pid)
    for process in family:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(family, timeout=10)
    return len(family)


def end_all(identities: Iterable[Identity], grace_seconds: float) -> int:
    """Give processes so long to end by themselves, then kill those that are left, each only if it is the one meant.

    Returns how many were killed. What they started meanwhile goes with them.
    """
    meant = list(identities)
    deadline = time.monotonic() + grace_seconds
    while any(one.process for one in meant) and time.monotonic() < deadline:
        time.sleep(0.1)
    return sum(kill_family(one.pid) for one in meant if one.process)


def memory_bytes(identities: Iterable[Identity]) -> int:
    """Resident memory of processes together; pages that they share count in each."""
    total = 0
    for process in (one.process for one in identities):
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss if process else 0
    return total
