"""Which weeks' arrays are kept for the service."""

import polars as pl
import pytest

from data_checks import schema as s
from infra.storage import Store
from pipelines.clock import Week
from pipelines.snapshot import KEPT_WEEKS, read_snapshot, write_snapshot
from pipelines.state import State, World, prepare_state

FIRST = Week.from_id("2013-07-01")


@pytest.fixture(scope="module")
def state() -> State:
    """The arrays of a world in which nothing was heard."""
    feeds = {name: pl.DataFrame(schema=feed.polars_schema) for name, feed in s.FEEDS.items()}
    return prepare_state(World(**feeds, planes=pl.DataFrame(schema=s.PLANES)))


def kept(store: Store, weeks: range) -> list[int]:
    """Which of the weeks, counted from the first, have a snapshot."""
    return [number for number in weeks if read_snapshot(store, FIRST.plus(number)) is not None]


def test_the_newest_weeks_are_kept(tmp_path, state):
    store = Store(tmp_path)

    for number in range(5):
        write_snapshot(store, FIRST.plus(number), state)

    assert kept(store, range(5)) == [3, 4]
    assert KEPT_WEEKS == 2


def test_an_older_week_is_there_after_it_was_written(tmp_path, state):
    store = Store(tmp_path)

    for number in (8, 9, 0):
        write_snapshot(store, FIRST.plus(number), state)

    assert kept(store, range(10)) == [0, 8, 9]
