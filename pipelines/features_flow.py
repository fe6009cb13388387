"""Builds the features of a week's flights and keeps them: the rows that are scored are the rows trained on later."""

import logging

import polars as pl
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from infra.orchestrator import tag_run
from infra.settings import Settings
from infra.stopwatch import part
from pipelines.backfill import backfill, build_week
from pipelines.clock import Week
from pipelines.context import Context, open_context

logger = logging.getLogger(__name__)


@flow(name="features", flow_run_name="features-{period}", on_running=[tag_run("data")])
def features(period: str, settings: Settings | None = None, workers: int = 1) -> dict[str, int]:
    """Build the features of a week or month, by several processes if asked; returns the number of flights by week."""
    context = open_context(settings)
    weeks = context.weeks(period)
    if workers > 1:
        weeks_side_by_side(context, weeks, workers)
    return {week.id: week_features(context, week).height for week in weeks}


@task(name="build-features-side-by-side", cache_policy=NO_CACHE)
def weeks_side_by_side(context: Context, weeks: list[Week], workers: int) -> None:
    """Build the features of weeks by so many processes, each with one look-back window in memory."""
    with part("features"):
        for week in backfill(context.settings, context.settings.home, weeks, workers):
            logger.info("the features of week %s are there", week.id)


@task(name="build-features", task_run_name="features-{week.id}", cache_policy=NO_CACHE)
def week_features(context: Context, week: Week) -> pl.DataFrame:
    """The features of the flights that leave in a week, each as of two hours before; built once, then read."""
    with part("features"):
        return build_week(context, context.store, week)
