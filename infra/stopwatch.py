"""Where the time of a command went, by part of the system. Exclusive: an inner part stops the outer one's clock."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter


class Stopwatch:
    """Seconds per part, measured on one thread.

    >>> watch = Stopwatch()
    >>> with watch.part("outer"), watch.part("inner"):
    ...     pass
    >>> sorted(watch.seconds())
    ['inner', 'outer']
    """

    def __init__(self) -> None:
        self._spent: dict[str, float] = defaultdict(float)
        self._running: list[str] = []
        self._since = perf_counter()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the time inside the block for `name`, less what blocks inside it count for themselves."""
        self._turn()
        self._running.append(name)
        try:
            yield
        finally:
            self._turn()
            self._running.pop()

    def seconds(self) -> dict[str, float]:
        """Seconds spent so far by part, the longest first."""
        self._turn()
        return dict(sorted(self._spent.items(), key=lambda item: -item[1]))

    def _turn(self) -> None:
        now = perf_counter()
        if self._running:
            self._spent[self._running[-1]] += now - self._since
        self._since = now


STOPWATCH = Stopwatch()  # one per process: the flows of a command share it
part = STOPWATCH.part
