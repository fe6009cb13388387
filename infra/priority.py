"""How much of the processor this process claims beside others."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MOST_NICE = 19
AUTOGROUP = Path("/proc/self/autogroup")
"""Linux shares the processor out between sessions before it looks at the processes in each: `nice` alone means little
to those of other sessions. Source: sched(7), "The autogroup feature"."""


@contextmanager
def coming_last() -> Iterator[None]:
    """Leave the processor to others, but for a little; our session is as it was after the block, our process is not."""
    os.nice(MOST_NICE)
    before = _session_nice(MOST_NICE)
    try:
        yield
    finally:
        if before is not None:
            _session_nice(before)


def _session_nice(value: int) -> int | None:
    """Set how nice our session is, returns how nice it was; None where sessions are not weighed."""
    with suppress(OSError, ValueError, IndexError):
        before = int(AUTOGROUP.read_text().rsplit(maxsplit=1)[-1])
        AUTOGROUP.write_text(str(value))
        return before
    return None
