"""Lands a file that somebody brings: early, late, out of order, twice, or to correct a batch that came before."""

import logging
from pathlib import Path

from prefect import flow

from infra.orchestrator import tag_run
from infra.settings import Settings
from infra.stopwatch import part
from pipelines.context import open_context
from pipelines.delivery import deliver_file, feed_named

logger = logging.getLogger(__name__)


@flow(name="deliver", flow_run_name="deliver-{feed}", on_running=[tag_run("data")])
def deliver(feed: str, file: str, corrects: str | None = None, settings: Settings | None = None) -> dict:
    """Land a CSV or Parquet file of a feed, or say that its rows had landed already; returns what became of them."""
    with part("data"):
        delivered = deliver_file(open_context(settings), feed_named(feed), Path(file), corrects)
    entry = delivered["entry"]
    logger.info("%s: %d rows of %s", entry["batch"], entry["rows"], "new" if delivered["is_new"] else "before")
    return delivered
