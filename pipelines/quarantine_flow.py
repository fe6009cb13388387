"""Lets quarantined rows try again, or gives them up."""

import logging

from prefect import flow

from data_checks.quarantine import SelectionError
from infra.orchestrator import tag_run
from infra.settings import Settings
from pipelines.context import open_context
from pipelines.quarantine import Selection, discard_rows, replay_rows

logger = logging.getLogger(__name__)


@flow(name="quarantine-replay", flow_run_name="quarantine-replay", on_running=[tag_run("data")])
def replay(selection: Selection, settings: Settings | None = None) -> list[dict]:
    """Judge open rows again; returns the ledger's entries of those that were released or broke other rules."""
    entries = replay_rows(open_context(settings), selection)
    logger.info("replayed: %d entries", len(entries))
    return entries


@flow(name="quarantine-discard", flow_run_name="quarantine-discard", on_running=[tag_run("data")])
def discard(selection: Selection, reason: str, settings: Settings | None = None) -> list[dict]:
    """Mark open rows as given up, with the reason; returns the ledger's entries.

    Raises SelectionError when nothing was selected: everything is never meant.
    """
    if selection.is_everything():
        raise SelectionError("say which rows to discard: a feed, weeks, a rule or a row")
    entries = discard_rows(open_context(settings), selection, reason)
    logger.info("discarded: %d entries", len(entries))
    return entries
