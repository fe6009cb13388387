"""Tells whoever listens where a long run is. Flows announce; the command line shows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str, str], None]
_listeners: list[Listener] = []


def announce(where: str, stage: str) -> None:
    """Say that `stage` of `where` (a week, say) begins now."""
    for listener in _listeners:
        listener(where, stage)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call `listener` with every announcement made during the block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
