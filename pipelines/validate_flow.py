"""Checks landed rows against the contract: each is accepted or quarantined with the rules it broke."""

import logging
from collections import Counter

import polars as pl
from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from data_checks import schema as s
from data_checks.deliveries import BATCH
from data_checks.quarantine import Judgement
from data_checks.validation import BROKEN_RULES, BatchBlocked
from infra.orchestrator import tag_run
from infra.settings import Settings
from infra.stopwatch import part
from infra.storage import MissingTable, content_hash
from pipelines.clock import Week
from pipelines.context import Context, open_context
from pipelines.landing import judge_open_week, keep_verdicts, landed_rows, note_blocked, require_nothing_lost, settle

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
    settle(context)
    before = context.journal.read(week.id, "validate")
    if before:
        require_nothing_lost(context, week)
        return before
    if context.journal.read(week.id, "land") is None:
        raise MissingTable(f"week {week.id} has not landed yet; run: preflight ingest {week.id}")
    judgements, blocked = {}, {}
    for name, feed in s.FEEDS.items():
        try:
            judgements[name] = judge_open_week(context, week, feed)
        except BatchBlocked as error:
            blocked[name] = str(error)
    if blocked:
        note_blocked(context, week, blocked)
        raise BatchBlocked(
            f"week {week.id}: {'; '.join(blocked.values())}; `preflight deliveries` lists the batches of the week, "
            "then: preflight deliver FEED FILE --corrects BATCH"
        )
    feeds = {name: _keep(context, week, s.FEEDS[name], judgement) for name, judgement in judgements.items()}
    quarantined = sum(counts["quarantined"] for counts in feeds.values())
    logger.info("accepted week %s, %d rows quarantined", week.id, quarantined)
    return context.journal.record(week.id, "validate", {"feeds": feeds})


def _keep(context: Context, week: Week, feed: s.Feed, judgement: Judgement) -> dict:
    accepted, quarantined = keep_verdicts(context, feed, week.id, judgement.verdicts)
    warnings = [result for result in judgement.results if not result.passed and result.severity == s.WARN]
    return {
        "landed": accepted.height + quarantined.height,
        "accepted": accepted.height,
        "quarantined": quarantined.height,
        "rules_broken": dict(sorted(Counter(quarantined[BROKEN_RULES].to_list()).items())),
        "warnings": [f"{result.rule}, got {result.observed}" for result in warnings],
        "accepted_hash": content_hash(accepted),
        "batches": _batches(context, feed, week),
    }


def _batches(context: Context, feed: s.Feed, week: Week) -> dict[str, int]:
    with part("data"):
        counts = landed_rows(context, feed, week.id).group_by(BATCH).agg(pl.len())
        return dict(sorted(counts.iter_rows()))
