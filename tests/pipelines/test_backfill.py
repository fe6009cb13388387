"""Weeks may be built in any order, beside each other, and again after a kill; builders that may not are found out."""

import os
import time
from datetime import date
from pathlib import Path

import polars as pl
import psutil
import pytest

from data_checks import schema as s
from infra.settings import Settings, load_settings
from infra.storage import Store
from pipelines.backfill import (
    FEATURES,
    FORWARD,
    KILLED,
    SHUFFLED,
    SPAWNED,
    WAYS,
    backfill,
    build_half_and_kill,
    build_week_into,
    first_difference,
    keep_as_accepted,
    table_hash,
    try_ways,
)
from pipelines.clock import Week, weeks_between
from pipelines.context import open_context
from pipelines.features import build_features
from pipelines.state import World, prepare_state

FIRST, LAST = date(2013, 1, 1), date(2013, 2, 10)
WEEKS = weeks_between(FIRST, LAST)


@pytest.fixture(scope="module")
def home(feeds: dict[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Six accepted weeks, and no features yet."""
    folder = tmp_path_factory.mktemp("accepted")
    year = World(**{name: feeds[name] for name in s.FEEDS}, planes=feeds["planes"])
    keep_as_accepted(year, WEEKS, Store(folder))
    return load_settings(home=folder, first_day=FIRST, first_scored_week=date(2013, 2, 4), last_day=LAST)


def hashes(settings: Settings, folder: Path, build: object, workers: int = 2) -> dict[str, str]:
    """The table hash of every way."""
    assert len(list(try_ways(settings, folder, WEEKS, workers, 3, build))) >= 4 * len(WEEKS)
    return {way: table_hash(Store(folder / way), WEEKS) for way in WAYS}


def table(week: Week, rows: int, value: int) -> pl.DataFrame:
    return pl.DataFrame({s.FLIGHT_ID: [f"{week.id}-{row}" for row in range(rows)], "value": [value] * rows})


built_here: list[Week] = []


def remember_other_weeks(settings: Settings, folder: Path, week: Week) -> None:
    built_here.append(week)
    Store(folder).write_table(FEATURES, week.id, table(week, 1, len(built_here)))


def look_at_what_others_built(settings: Settings, folder: Path, week: Week) -> None:
    earlier = Store(folder).has_table(FEATURES, week.plus(-1).id)
    Store(folder).write_table(FEATURES, week.id, table(week, 1, int(earlier)))


def take_half_a_week_as_done(settings: Settings, folder: Path, week: Week) -> None:
    store = Store(folder)
    if not store.has_table(FEATURES, week.id):
        store.write_table(FEATURES, week.id, table(week, 5, 0))
        time.sleep(0.3)
        store.write_table(FEATURES, week.id, table(week, 10, 0))


def say_who_works_and_never_end(settings: Settings, folder: Path, week: Week) -> None:
    Store(folder).write_text(f"workers/{os.getpid()}", "")
    time.sleep(120)


def build_by_two(settings: Settings, folder: Path) -> None:
    list(backfill(settings, folder, WEEKS, 2, say_who_works_and_never_end))


def fail_in_february(settings: Settings, folder: Path, week: Week) -> None:
    if week.monday >= date(2013, 2, 1):
        raise ValueError(f"no features of week {week.id}")


def test_every_way_through_the_weeks_leaves_the_same_table(home, tmp_path):
    found = hashes(home, tmp_path, build_week_into)

    assert len(set(found.values())) == 1


def test_the_tables_are_those_of_the_features_as_built_at_once(home, tmp_path):
    week = WEEKS[3]
    list(backfill(home, tmp_path, [week], workers=1))

    world = open_context(home).world(week)
    flights = world.schedule.filter(pl.col(s.SCHEDULED_DEPARTURE) >= week.start)
    at_once = build_features(flights, prepare_state(world)).with_columns(flights[s.SCHEDULED_DEPARTURE])
    assert Store(tmp_path).read_table(FEATURES, week.id).equals(at_once)


@pytest.mark.parametrize(
    ("fault", "way"),
    [
        (remember_other_weeks, SHUFFLED),
        (look_at_what_others_built, SHUFFLED),
        (take_half_a_week_as_done, KILLED),
    ],
)
def test_a_planted_fault_changes_the_hash_and_is_named(home, tmp_path, fault, way):
    found = hashes(home, tmp_path, fault)

    assert found[way] != found[FORWARD]
    assert first_difference(Store(tmp_path / FORWARD), Store(tmp_path / way), WEEKS).flight_id.startswith("201")


def test_the_kill_leaves_half_of_the_weeks_and_no_more_than_one_over(home, tmp_path):
    build_half_and_kill(home, tmp_path, WEEKS, build_week_into)

    assert len(WEEKS) / 2 <= len(Store(tmp_path).files(FEATURES, "*.parquet")) <= len(WEEKS) / 2 + 1


def test_a_week_that_is_there_is_left_alone(home, tmp_path):
    Store(tmp_path).write_table(FEATURES, WEEKS[0].id, table(WEEKS[0], 1, 7))

    list(backfill(home, tmp_path, WEEKS[:1], workers=1))

    assert Store(tmp_path).read_table(FEATURES, WEEKS[0].id).equals(table(WEEKS[0], 1, 7))


def test_what_goes_wrong_in_a_process_is_told_here(home, tmp_path):
    with pytest.raises(ValueError, match="no features of week 2013-02-04"):
        list(backfill(home, tmp_path, WEEKS, workers=2, build=fail_in_february))


def test_workers_end_when_their_parent_is_killed(home, tmp_path):
    parent = SPAWNED.Process(target=build_by_two, args=(home, tmp_path))
    parent.start()
    while len(Store(tmp_path).files("workers", "[0-9]*")) < 2:
        parent.join(0.05)
    workers = [psutil.Process(int(path.name)) for path in Store(tmp_path).files("workers", "[0-9]*")]

    parent.kill()

    _, alive = psutil.wait_procs(workers, timeout=30)
    assert alive == []
