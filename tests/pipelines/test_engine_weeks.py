"""Weeks built and scored on Dask are those built here; a worker killed in the middle costs time and nothing else."""

from collections.abc import Iterator
from datetime import date
from functools import partial

import polars as pl
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from data_checks import schema as s
from infra.dask_cluster import DaskCluster, dask_cluster
from infra.errors import PreflightError
from infra.processes import processes
from infra.settings import Settings, load_settings
from infra.storage import Store
from pipelines.backfill import FEATURES, build_week_into, keep_as_accepted, table_hash
from pipelines.clock import Week, weeks_between
from pipelines.features_flow import backfill_into
from pipelines.score_flow import score
from pipelines.state import World
from pipelines.version_before import go_back
from pipelines.week_scoring import PREDICTIONS, YARDSTICKS

FIRST, LAST = date(2013, 1, 1), date(2013, 2, 10)
WEEKS = weeks_between(FIRST, LAST)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """A scheduler and two workers, one of which is killed by the last test."""
    with dask_cluster(tmp_path_factory.mktemp("dask"), 2) as found:
        yield found


@pytest.fixture(autouse=True)
def _on_a_server(prefect_url: str) -> Iterator[None]:
    with temporary_settings({PREFECT_API_URL: prefect_url}):
        yield


@pytest.fixture(scope="module")
def home(feeds: dict[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Six accepted weeks, and no features yet."""
    folder = tmp_path_factory.mktemp("accepted")
    year = World(**{name: feeds[name] for name in s.FEEDS}, planes=feeds["planes"])
    keep_as_accepted(year, WEEKS, Store(folder))
    return load_settings(home=folder, first_day=FIRST, first_scored_week=date(2013, 2, 4), last_day=LAST)


@pytest.fixture(scope="module")
def expected(home: Settings, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The hash of the table that one process of this machine makes."""
    folder = tmp_path_factory.mktemp("here")
    with processes(1) as spread:
        assert len(dict(spread(partial(build_week_into, home, folder), WEEKS))) == len(WEEKS)
    return table_hash(Store(folder), WEEKS)


def on(cluster: DaskCluster, settings: Settings) -> Settings:
    return settings.model_copy(update={"engine": cluster.address})


def test_predictions_of_several_weeks_are_those_of_a_life(cluster, lived_copy):
    context, weeks = lived_copy.context, ("2013-02-04", "2013-02-11")
    go_back(context, Week.from_id("2013-03-04"), "the first champion scored these weeks")
    tables = {name: context.store.read_weeks(name, weeks) for name in (PREDICTIONS, YARDSTICKS)}
    for week in weeks:
        for name in tables:
            context.store.path(name, f"{week}.parquet").unlink()

    events = score("2013-02", on(cluster, lived_copy.settings))

    assert [event["week"] for event in events][:2] == list(weeks)
    for name, before in tables.items():
        assert context.store.read_weeks(name, weeks).equals(before)


def test_a_week_that_cannot_be_built_is_told_as_it_is_here(cluster, home, tmp_path):
    missing = Week.from_id("2013-03-04")

    with pytest.raises(PreflightError, match="accepted/schedule of week 2013-03-04 is not there yet; run: preflight"):
        backfill_into(on(cluster, home), tmp_path, [missing], print)


def test_a_worker_killed_at_half_costs_time_and_nothing_else(cluster, home, expected, tmp_path):
    there = []

    def kill_at_half(week: Week) -> None:
        there.append(week)
        if len(there) == len(WEEKS) // 2:
            cluster.kill(0)

    backfill_into(on(cluster, home), tmp_path, WEEKS, kill_at_half)

    assert sorted(there) == WEEKS
    assert table_hash(Store(tmp_path), WEEKS) == expected
    assert len(Store(tmp_path).files(FEATURES, "*.parquet")) == len(WEEKS)
