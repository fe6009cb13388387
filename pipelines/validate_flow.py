"""Checks landed rows against the contract: each is accepted or quarantined with the rules it broke."""

import logging
from collections import Counter

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from data_checks import schema as s
from data_checks.validation import BROKEN_RULES, BatchBlocked, Verdict, as_record, judge_batch
from infra.orchestrator import tag_run
from infra.settings import Settings
from infra.stopwatch import part
from infra.storage import content_hash
from pipelines.clock import Week
from pipelines.context import Context, open_context

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
    before = context.journal.read(week.id, "validate")
    if before:
        return before
    judged, failures = {}, []
    for feed in s.FEEDS.values():
        try:
            judged[feed.name] = _judge(context, week, feed)
        except BatchBlocked as error:
            failures.append(str(error))
    if failures:
        raise BatchBlocked(f"week {week.id}: {'; '.join(failures)}")
    feeds = {name: _keep(context, week, name, verdict, warnings) for name, (verdict, warnings) in judged.items()}
    quarantined = sum(counts["quarantined"] for counts in feeds.values())
    logger.info("accepted week %s, %d rows quarantined", week.id, quarantined)
    return context.journal.record(week.id, "validate", {"feeds": feeds})


def _judge(context: Context, week: Week, feed: s.Feed) -> tuple[Verdict, list[str]]:
    batch = context.require(f"landed/{feed.name}", week, f"preflight ingest {week.id}")
    with part("Great Expectations"):
        history = context.history(feed, week)
        results = context.validator.check(feed, batch, context.data_days(week), week.id, week.end, history)
    context.store.write_json(f"validation/{feed.name}/{week.id}.json", as_record(week.id, feed, batch.height, results))
    warnings = [
        f"{result.rule}, got {result.observed}" for result in results if not result.passed and result.severity == s.WARN
    ]
    return judge_batch(batch, feed, results), warnings


def _keep(context: Context, week: Week, name: str, verdict: Verdict, warnings: list[str]) -> dict:
    with part("data"):
        context.store.write_table(f"accepted/{name}", week.id, verdict.accepted)
        context.store.write_table(f"quarantined/{name}", week.id, verdict.quarantined)
        return {
            "landed": verdict.accepted.height + verdict.quarantined.height,
            "accepted": verdict.accepted.height,
            "quarantined": verdict.quarantined.height,
            "rules_broken": dict(sorted(Counter(verdict.quarantined[BROKEN_RULES].to_list()).items())),
            "warnings": warnings,
            "accepted_hash": content_hash(verdict.accepted),
        }
