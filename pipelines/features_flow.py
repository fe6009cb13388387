"""Builds the features of a week's flights and keeps them: the rows that are scored are the rows trained on later."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

import polars as pl
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from infra.engine import is_spread, open_engine
from infra.orchestrator import tag_run
from infra.settings import Settings
from infra.stopwatch import part
from pipelines.backfill import FEATURES, build_week, build_week_into
from pipelines.clock import Week
from pipelines.context import Context, open_context

logger = logging.getLogger(__name__)


@flow(name="features", flow_run_name="features-{period}", on_running=[tag_run("data")])
def features(period: str, settings: Settings | None = None, workers: int | None = None) -> dict[str, int]:
    """Build the features of a week or month, by several processes if asked; returns the number of flights by week."""
    context = open_context(settings)
    weeks = context.weeks(period)
    missing = [week for week in weeks if not context.store.has_table(FEATURES, week.id)]
    if missing and is_spread(context.settings, workers):
        build_side_by_side(context.settings, context.settings.home, missing, workers)
    return {week.id: week_features(context, week).height for week in weeks}


@flow(name="backfill", flow_run_name="backfill-{folder.name}", validate_parameters=False)
def backfill_into(settings: Settings, folder: Path, weeks: list[Week], tell: Callable[[Week], None]) -> None:
    """Build weeks of a home in another folder, on the engine of the settings; `tell` hears of each that is there."""
    build_side_by_side(settings, folder, weeks, None, tell)


def build_side_by_side(
    settings: Settings,
    folder: Path,
    weeks: list[Week],
    workers: int | None,
    tell: Callable[[Week], None] = lambda week: None,
) -> None:
    """Build the features of weeks in a folder on the engine of the settings; each process holds one look-back window.

    `workers` are as in `open_engine`.
    """
    with part("features"), open_engine(settings, workers) as spread:
        for week, flights in spread(partial(build_week_into, settings, folder), weeks):
            logger.info("the features of %d flights of week %s are there", flights, week.id)
            tell(week)


@task(name="build-features", task_run_name="features-{week.id}", cache_policy=NO_CACHE)
def week_features(context: Context, week: Week) -> pl.DataFrame:
    """The features of the flights that leave in a week, each as of two hours before; built once, then read."""
    with part("features"):
        return build_week(context, context.store, week)
