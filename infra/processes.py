"""Maps a rule over partitions by processes of this machine, each of which ends when its parent does."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

P = TypeVar("P")
R = TypeVar("R")
Spread = Callable[[Callable[[P], R], Sequence[P]], Iterator[tuple[P, R]]]
"""Calls a rule with each partition somewhere, begun in their order; yields partition and result as they are done."""

SPAWNED = multiprocessing.get_context("spawn")  # a fork would copy the locks of polars' threads, and hang


@contextmanager
def processes(number: int) -> Iterator[Spread]:
    """A `Spread` over so many processes. Rules and partitions are sent to them, so they are importable and small."""
    with ProcessPoolExecutor(number, SPAWNED, initializer=end_with_parent) as pool:
        yield partial(_spread, pool)


def _spread(pool: ProcessPoolExecutor, rule: Callable[[P], R], partitions: Sequence[P]) -> Iterator[tuple[P, R]]:
    partition_of = {pool.submit(rule, partition): partition for partition in partitions}
    try:
        for done in as_completed(partition_of):
            yield partition_of[done], done.result()
    finally:  # whoever stops listening wants no more
        for future in partition_of:
            future.cancel()


def end_with_parent() -> None:
    """A worker whose parent was killed would wait for its next partition for ever."""

    def watch() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
