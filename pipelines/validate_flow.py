"""Checks landed rows against the contract: each is accepted or quarantined with the rules it broke."""

import logging

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from infra.orchestrator import tag_run
from infra.settings import Settings
from pipelines.clock import Week
from pipelines.context import Context, open_context
from pipelines.judging import close_week

logger = logging.getLogger(__name__)


@flow(name="validate", flow_run_name="validate-{period}", on_running=[tag_run("data")])
def validate(period: str, settings: Settings | None = None) -> list[dict]:
    """Accept or quarantine every landed row of a week or month. Raises BatchBlocked when a batch must stay out."""
    context = open_context(settings)
    events = [validate_week(context, week) for week in context.weeks(period)]
    rows = [
        {"week": event["week"], "feed": feed, **counts} for event in events for feed, counts in event["feeds"].items()
    ]
    create_table_artifact(key="validated", table=rows, description=f"Accepted and quarantined rows of {period}")
    return events


@task(name="validate-week", task_run_name="validate-{week.id}", cache_policy=NO_CACHE)
def validate_week(context: Context, week: Week) -> dict:
    """Judge the three feeds of a week; nothing of the week goes on when one of them is blocked."""
    event = close_week(context, week)
    quarantined = sum(counts["quarantined"] for counts in event["feeds"].values())
    logger.info("accepted week %s, %d rows quarantined", week.id, quarantined)
    return event
