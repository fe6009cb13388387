"""Builds the features of a week's flights and keeps them: the rows that are scored are the rows trained on later."""

import logging

import polars as pl
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from data_checks import schema as s
from infra.orchestrator import tag_run
from infra.settings import Settings
from infra.stopwatch import part
from pipelines.clock import Week
from pipelines.context import Context, open_context
from pipelines.features import build_features
from pipelines.snapshot import write_snapshot
from pipelines.state import prepare_state

logger = logging.getLogger(__name__)


@flow(name="features", flow_run_name="features-{period}", on_running=[tag_run("data")])
def features(period: str, settings: Settings | None = None) -> dict[str, int]:
    """Build the features of a week or month; returns the number of flights by week."""
    context = open_context(settings)
    return {week.id: week_features(context, week).height for week in context.weeks(period)}


@task(name="build-features", task_run_name="features-{week.id}", cache_policy=NO_CACHE)
def week_features(context: Context, week: Week) -> pl.DataFrame:
    """The features of the flights that leave in a week, each as of two hours before; built once, then read."""
    with part("features"):
        if context.store.has_table("features", week.id):
            return context.store.read_table("features", week.id)
        flights = context.require(f"accepted/{s.SCHEDULE.name}", week, f"preflight validate {week.id}")
        state = prepare_state(context.world(week))
        built = build_features(flights, state).with_columns(flights[s.SCHEDULED_DEPARTURE])
        context.store.write_table("features", week.id, built)
        write_snapshot(context.store, week, state)
    logger.info("built the features of %d flights of week %s", built.height, week.id)
    return built
