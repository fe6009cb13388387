"""Features of many weeks, in any order and by several processes: partition by week, one look-back window at a time.

A week's features depend on the feeds of that week and of those before it, never on another week's
features. So weeks may be built in any order, beside each other, and again after a kill: a week is
written whole or not at all, and one that was written is left alone.
"""

import hashlib
import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from data_checks import schema as s
from data_checks.feeds import rows_of_week
from infra.journal import Journal
from infra.processes import SPAWNED, processes
from infra.settings import Settings
from infra.storage import Store, content_hash
from pipelines.clock import Week
from pipelines.context import Context, open_context
from pipelines.features import build_features
from pipelines.mismatch import Mismatch, find_mismatches
from pipelines.snapshot import write_snapshot
from pipelines.state import World, prepare_state

logger = logging.getLogger(__name__)

FEATURES = "features"
WAYS = FORWARD, SHUFFLED, PARALLEL, KILLED = "forward", "shuffled", "parallel", "killed"

BuildWeek = Callable[[Settings, Path, Week], object]


def build_week(context: Context, store: Store, week: Week) -> pl.DataFrame:
    """The features of the flights that leave in a week: built from the context's feeds, kept in `store`, then read."""
    if store.has_table(FEATURES, week.id):
        return store.read_table(FEATURES, week.id)
    flights = context.require(f"accepted/{s.SCHEDULE.name}", week, f"preflight validate {week.id}")
    state = prepare_state(context.world(week))
    built = build_features(flights, state).with_columns(flights[s.SCHEDULED_DEPARTURE])
    store.write_table(FEATURES, week.id, built)
    write_snapshot(store, week, state)
    logger.info("built the features of %d flights of week %s", built.height, week.id)
    return built


def build_week_into(settings: Settings, folder: Path, week: Week) -> int:
    """As `build_week`, from a home folder into another folder, in whatever process this is called; counts flights."""
    return build_week(open_context(settings), Store(folder), week).height


def backfill(
    settings: Settings, folder: Path, weeks: list[Week], workers: int, build: BuildWeek = build_week_into
) -> Iterator[Week]:
    """Build weeks by so many processes, begun in this order; yields each when it is there.

    Every process holds one look-back window at most, and ends when its parent does.
    """
    with processes(workers) as spread:
        for week, _ in spread(partial(build, settings, folder), weeks):
            yield week


def try_ways(
    settings: Settings, folder: Path, weeks: list[Week], workers: int, seed: int, build: BuildWeek = build_week_into
) -> Iterator[tuple[str, Week]]:
    """Build the weeks in four ways, each in processes and a subfolder of its own; yields way and week as they come."""
    shuffled = [weeks[place] for place in np.random.default_rng(seed).permutation(len(weeks))]
    for name, order, number in ((FORWARD, weeks, 1), (SHUFFLED, shuffled, 1), (PARALLEL, weeks, workers)):
        yield from ((name, week) for week in backfill(settings, folder / name, order, number, build))
    build_half_and_kill(settings, folder / KILLED, shuffled, build)
    yield from ((KILLED, week) for week in backfill(settings, folder / KILLED, weeks, 1, build))


def build_half_and_kill(settings: Settings, folder: Path, weeks: list[Week], build: BuildWeek) -> None:
    """Build weeks in a process that is killed with SIGKILL when half of them are there."""
    child = SPAWNED.Process(target=_build_in_order, args=(settings, folder, weeks, build), daemon=True)
    child.start()
    while child.is_alive() and len(Store(folder).files(FEATURES, "*.parquet")) < len(weeks) / 2:
        child.join(0.005)
    child.kill()
    child.join()


def table_hash(store: Store, weeks: list[Week]) -> str:
    """One SHA-256 over the feature tables of these weeks, in the order of time."""
    digest = hashlib.sha256()
    for week in sorted(weeks):
        digest.update(content_hash(store.read_table(FEATURES, week.id)).encode())
    return digest.hexdigest()


def first_difference(expected: Store, found: Store, weeks: list[Week]) -> Mismatch | None:
    """The first value in which two folders' feature tables differ, None when they do not."""
    for week in sorted(weeks):
        tables = (store.read_table(FEATURES, week.id) for store in (expected, found))
        if mismatches := find_mismatches(*tables):
            return mismatches[0]
    return None


def accepted_home(context: Context, folder: Path) -> Settings:
    """The settings of a home whose weeks are all accepted: the context's, or one of the source's rows in `folder`."""
    if context.has_accepted_year():
        return context.settings
    keep_as_accepted(context.year(), context.all_weeks(), Store(folder))
    return context.settings.model_copy(update={"home": folder})


def keep_as_accepted(year: World, weeks: list[Week], store: Store) -> None:
    """Write the feeds of a year week by week, where `build_week` reads them."""
    for week in weeks:
        for feed in s.FEEDS.values():
            rows = rows_of_week(getattr(year, feed.name).lazy(), feed, week.start, week.end).collect()
            store.write_table(f"accepted/{feed.name}", week.id, rows)
        Journal(store).record(week.id, "validate", {"feeds": {}})
    store.write_table("reference", "planes", year.planes)


def _build_in_order(settings: Settings, folder: Path, weeks: list[Week], build: BuildWeek) -> None:
    for week in weeks:
        build(settings, folder, week)
