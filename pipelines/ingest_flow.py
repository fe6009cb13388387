"""Lands what each feed delivers in a week, exactly as it came."""

import logging

import polars as pl
from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from data_checks import schema as s
from data_checks.deliveries import landings, readable
from data_checks.feeds import rows_of_week
from infra.orchestrator import RETRIED, tag_run
from infra.settings import Settings
from infra.source import SourceError
from infra.stopwatch import part
from infra.storage import content_hash
from pipelines.clock import Week
from pipelines.context import Context, open_context
from pipelines.erasing import hash_due
from pipelines.landing import land_batch

logger = logging.getLogger(__name__)


@flow(name="ingest", flow_run_name="ingest-{period}", on_running=[tag_run("data")])
def ingest(period: str, settings: Settings | None = None) -> list[dict]:
    """Land schedule, outcomes and weather of a week or month; landing the same rows again changes nothing."""
    context = open_context(settings)
    stage_source(context)
    events = [land_week(context, week) for week in context.weeks(period)]
    rows = [{"week": event["week"], **event["rows"]} for event in events]
    create_table_artifact(key="landed", table=rows, description=f"Rows landed for {period}")
    return events


@task(name="stage-source", cache_policy=NO_CACHE, **RETRIED)
def stage_source(context: Context) -> None:
    """Split the five source files into feeds, once for the same content, and keep the reference tables."""
    with part("data"):
        staged = context.staged_source()
        if not context.is_staged():
            for name, frame in context.feeds_of_source().items():
                context.store.write_table(staged, name, frame)
        for name in s.REFERENCE:
            _keep_reference(context, name, staged)


def _keep_reference(context: Context, name: str, staged: str) -> None:
    frame = context.store.read_table(staged, name)
    if not context.store.has_table("reference", name):
        context.store.write_table("reference", name, frame)
    elif not context.store.read_table("reference", name).equals(frame):
        raise _other_content(context, f"reference table {name}")


@task(name="land-week", task_run_name="land-{week.id}", cache_policy=NO_CACHE, **RETRIED)
def land_week(context: Context, week: Week) -> dict:
    """Write the week's rows of each feed as they came, and record how many and their hash."""
    with part("data"):
        staged = context.staged_source()
        frames = {
            feed.name: rows_of_week(context.store.scan_table(staged, feed.name), feed, week.start, week.end).collect()
            for feed in s.FEEDS.values()
        }
        if frames[s.SCHEDULE.name].is_empty():
            raise SourceError(f"the source has no flights in week {week.id}; choose a week it covers")
        hashes = {name: content_hash(frame) for name, frame in frames.items()}
        before = context.journal.read(week.id, "land")
        if before and hashes != {name: _due(context, week, name, noted) for name, noted in before["hashes"].items()}:
            raise _other_content(context, f"week {week.id}")
        if before is None:
            for feed in s.FEEDS.values():
                _land_ordinary(context, week, feed, frames[feed.name], hashes[feed.name])
        rows = {name: frame.height for name, frame in frames.items()}
    said = ", ".join(f"{count} {name}" for name, count in rows.items())
    logger.info("%s week %s: %s", "had landed before:" if before else "landed", week.id, said)
    return before or context.journal.record(week.id, "land", {"rows": rows, "hashes": hashes})


def _land_ordinary(context: Context, week: Week, feed: s.Feed, rows: pl.DataFrame, content: str) -> None:
    """Land what the source has of a week, one batch, unless a landing that was killed did so already."""
    origins = [entry["origin"] for entry in landings(context.ledger.entries()).values() if entry["feed"] == feed.name]
    landed = [origin["sha256"] for origin in origins if origin.get("week") == week.id]
    before = [_due(context, week, feed.name, noted) for noted in landed]
    if before and before != [content]:
        raise _other_content(context, f"{feed.name} of week {week.id}")
    if not before and not rows.is_empty():
        land_batch(context, feed, readable(rows), {"week": week.id, "sha256": content})


def _due(context: Context, week: Week, feed: str, noted: str) -> str:
    """The hash that the source's rows of a week must have, since some tail numbers were erased from them."""
    return hash_due(context.ledger.entries(), f"source/{feed}/{week.id}", noted)


def _other_content(context: Context, what: str) -> SourceError:
    return SourceError(
        f"{what} was landed from other rows than this source has; what has landed stays: "
        f"set PREFLIGHT_HOME to a fresh folder (now {context.settings.home})"
    )
