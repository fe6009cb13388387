"""Files that somebody brings: read, kept as they came, landed as one batch; and what became of every batch so far."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from data_checks import schema as s
from data_checks.deliveries import (
    BATCH,
    ROW_NUMBER,
    ignored_columns,
    landings,
    require_correctable,
    superseded_by,
    type_rows,
)
from data_checks.quarantine import IN_FORCE, STATUS
from data_checks.validation import BROKEN_RULES
from infra.errors import UsageError
from infra.source import read_delivery
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.erasing import stands_in
from pipelines.judging import blocked_weeks
from pipelines.landing import judged_rows, land_batch

KEPT_FILES = "deliveries"
ANSWERS = {True: "landed", False: "had landed already"}


@dataclass(frozen=True)
class Fate:
    """Where the rows of a batch are: waiting for their week to end, accepted, or quarantined, by rule."""

    batch: str
    waiting: int
    accepted: int
    quarantined: dict[str, int]
    blocked: dict[str, str]
    superseded_by: str | None

    def sentence(self) -> str:
        """The same in one line."""
        parts = [f"{self.waiting} wait for their week to end"] if self.waiting else []
        parts += [f"{self.accepted} accepted"] if self.accepted else []
        parts += [f"{count} quarantined, {rule}" for rule, count in self.quarantined.items()]
        parts += [f"week {week} blocked: {reason}" for week, reason in self.blocked.items()]
        parts += [f"superseded by {self.superseded_by}"] if self.superseded_by else []
        return "; ".join(parts) or "no rows"

    def as_dict(self) -> dict:
        """The same for JSON."""
        return asdict(self)


def feed_named(name: str) -> s.Feed:
    """The feed of this name. Raises UsageError naming those there are."""
    if name not in s.FEEDS:
        raise UsageError(f"expected a feed, {', '.join(s.FEEDS)}; got {name!r}")
    return s.FEEDS[name]


def read_rows(path: Path, feed: s.Feed) -> tuple[bytes, pl.DataFrame, list[str]]:
    """The bytes of a file, its rows with the types of the contract, and the columns that were left alone.

    Raises SourceError when it is no table, DeliveryRefused when it is none of this feed.
    """
    content, raw = read_delivery(path)
    return content, type_rows(raw, feed), ignored_columns(raw, feed)


def require_landable(context: Context, feed: s.Feed, path: Path, corrects: str | None) -> None:
    """Raise at once what `deliver_file` would raise later."""
    read_rows(path, feed)
    if corrects and corrects not in superseded_by(context.ledger.entries()):
        require_correctable(context.ledger.entries(), feed, corrects)


def deliver_file(context: Context, feed: s.Feed, path: Path, corrects: str | None = None) -> dict:
    """Keep a file as it came and land its rows as one batch; the same rows a second time land nothing."""
    content, rows, ignored = read_rows(path, feed)
    digest = hashlib.sha256(content).hexdigest()
    if not stands_in(read_delivery(path)[1], context.forgotten.holds):  # then its rows are kept, the file is not
        context.store.write_bytes(f"{KEPT_FILES}/{digest}{path.suffix.lower()}", content)
    entry, is_new = land_batch(context, feed, rows, {"file": path.name, "sha256": digest}, corrects)
    return {"entry": entry, "is_new": is_new, "ignored_columns": ignored, "fate": fate_of(context, entry).as_dict()}


def fate_of(context: Context, entry: dict) -> Fate:
    """What became of the rows of one batch."""
    feed = s.FEEDS[entry["feed"]]
    open_weeks = [week for week in entry["weeks"] if not context.is_closed(Week.from_id(week))]
    closed = [judged_rows(context, feed, week) for week in entry["weeks"] if week not in open_weeks]
    judged = [rows.filter(pl.col(BATCH) == entry["batch"]).select(STATUS, BROKEN_RULES, ROW_NUMBER) for rows in closed]
    rows = pl.concat(judged) if judged else pl.DataFrame(schema={STATUS: pl.String, BROKEN_RULES: pl.String})
    accepted = pl.col(STATUS).is_in(IN_FORCE)
    rules = rows.filter(~accepted).group_by(BROKEN_RULES).len().sort(BROKEN_RULES)
    newer = superseded_by(context.ledger.entries()).get(entry["batch"])
    blocked = {
        note["week"]: note["feeds"][feed.name]["reason"]
        for note in blocked_weeks(context)
        if entry["batch"] in note["feeds"].get(feed.name, {"batches": ()})["batches"] and newer is None
    }
    return Fate(
        batch=entry["batch"],
        waiting=0 if newer else sum(entry["weeks"][week] for week in open_weeks),
        accepted=rows.filter(accepted).height,
        quarantined=dict(rules.iter_rows()),
        blocked=blocked,
        superseded_by=newer,
    )


def deliveries(context: Context) -> list[tuple[dict, Fate]]:
    """Every batch that landed, in order of arrival, with what became of its rows."""
    return [(entry, fate_of(context, entry)) for entry in landings(context.ledger.entries()).values()]
