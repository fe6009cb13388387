"""SIGTERM that ends a command as Ctrl-C does: what it has opened is closed, and its scratch copies are removed."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

TERMINATED = 128 + signal.SIGTERM


@contextmanager
def cleaned_up_on_terminate() -> Iterator[None]:
    """Leave by SystemExit when SIGTERM comes within the block, exit code 143."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
