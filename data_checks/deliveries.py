"""Rows as they really come: typed one by one, named by their content, put into their weeks, superseded by others.

Everything that lands is a batch. A ledger holds one entry per batch, in order of arrival.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from data_checks import schema as s
from data_checks.times import UTC
from data_checks.validation import DataRefused

BATCH, ROW_NUMBER, OBJECTION = "batch", "row_number", "objection"
LAND, SUPERSEDE, ERASE = "land", "supersede", "erase"
"""A batch landed, with what it corrects; one that had landed before takes the place of another; a tail was erased."""

OBJECTIONS = {OBJECTION: pl.String}
MARKS = {BATCH: pl.String, ROW_NUMBER: pl.Int64}
"""What names a landed row: its batch, and its place in it."""

FILLED_IN = {s.REVISION: 0}
"""Columns that a file may leave out, and what their values are then."""


class DeliveryRefused(DataRefused):
    """A file cannot land as what it is said to be."""


@dataclass(frozen=True)
class Period:
    """A week as deliveries see it: its name, first moment and end."""

    name: str
    start: datetime
    end: datetime


def landed_schema(feed: s.Feed) -> pl.Schema:
    """The columns of a landed table: those of the feed, what names the row, and what spoke against it at the door."""
    return pl.Schema({**feed.polars_schema, **OBJECTIONS, **MARKS})


def type_rows(raw: pl.DataFrame, feed: s.Feed) -> pl.DataFrame:
    """The rows of a file with the types of the contract, and an `objection` where a value could not be read.

    Raises DeliveryRefused when the file lacks columns or has no rows.
    """
    required = [column.name for column in feed.columns if column.name not in FILLED_IN]
    missing = [name for name in required if name not in raw.columns]
    if missing:
        found = ", ".join(name[:30] for name in raw.columns[:25])
        raise DeliveryRefused(
            f"this is no {feed.name}: it lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)} "
            f"(it has: {found}); name them as data_checks/schema.py does"
        )
    nested = [name for name in feed.polars_schema if name in raw.columns and raw[name].dtype.is_nested()]
    doubled = [name for name in raw.columns if name.rpartition("_duplicated_")[0] in raw.columns]
    if nested or doubled:
        what = f"lists or records in {', '.join(nested)}" if nested else f"a column twice: {', '.join(doubled)}"
        raise DeliveryRefused(f"this {feed.name} has {what}; expected one value per row and column, each named once")
    if raw.is_empty():
        raise DeliveryRefused(f"this {feed.name} has columns and no rows; expected at least one")
    rows = raw.select(
        raw[name] if name in raw.columns else pl.lit(FILLED_IN[name]).alias(name) for name in feed.polars_schema
    )
    typed = rows.select(_typed(rows[name], dtype) for name, dtype in feed.polars_schema.items())
    typed = typed.with_columns(pl.col(name).fill_null(value) for name, value in FILLED_IN.items() if name in typed)
    objections = [_objection(rows[name], typed[name]) for name in typed.columns]
    spoken = pl.concat_str(objections, separator="; ", ignore_nulls=True)
    return typed.with_columns(pl.when(spoken != "").then(spoken).alias(OBJECTION))


def readable(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows that have the types of the contract already, as `type_rows` would give them."""
    return rows.with_columns(pl.lit(None, dtype=pl.String).alias(OBJECTION))


def ignored_columns(raw: pl.DataFrame, feed: s.Feed) -> list[str]:
    """Columns of a file that the contract does not know; they are left alone."""
    return [name for name in raw.columns if name not in feed.polars_schema]


def in_natural_order(rows: pl.DataFrame, feed: s.Feed) -> pl.DataFrame:
    """The rows by the moment that places them, then by key, then by every other column: one order for one content."""
    first = (feed.week_of, *(name for name in feed.key if name != feed.week_of))
    return rows.sort(*first, *(name for name in rows.columns if name not in first), nulls_last=True)


def batch_name(feed: s.Feed, content: str) -> str:
    """The name of a batch by the hash of its content: the same rows are the same batch, in whatever order or file."""
    return f"{feed.name}-{content[:12]}"


def place_rows(rows: pl.DataFrame, feed: s.Feed, weeks: list[Period], desk: str) -> dict[str, pl.DataFrame]:
    """The rows by the week they belong to; those that belong to none go to the week `desk`, with an objection."""
    place = pl.lit(None, dtype=pl.String)
    oldest, newest = rows[feed.week_of].min(), rows[feed.week_of].max()
    for week in weeks if oldest is not None else ():
        if week.end <= oldest or week.start > newest:
            continue
        inside = (pl.col(feed.week_of) >= week.start) & (pl.col(feed.week_of) < week.end)
        place = pl.when(inside).then(pl.lit(week.name)).otherwise(place)
    placed = rows.with_columns(place.alias("week"))
    lost = pl.concat_str(
        OBJECTION, pl.lit(f"{feed.week_of} is in no week of the year"), separator="; ", ignore_nulls=True
    )
    placed = placed.with_columns(
        pl.when(pl.col("week").is_null()).then(lost).otherwise(OBJECTION).alias(OBJECTION),
        pl.col("week").fill_null(desk),
    )
    parts = placed.partition_by("week", as_dict=True, include_key=False, maintain_order=True)
    return {week: parts[(week,)] for (week,) in sorted(parts)}


def row_hashes(rows: pl.DataFrame, feed: s.Feed) -> pl.Series:
    """SHA-256 of each row's values and of what could not be read of them: the same in any process and batch."""
    values = rows.select(*feed.polars_schema, OBJECTION).iter_rows()
    hashes = [hashlib.sha256(json.dumps([feed.name, *row], default=str).encode()).hexdigest() for row in values]
    return pl.Series("row_hash", hashes, dtype=pl.String)


def rule_of(objection: pl.Expr) -> pl.Expr:
    """The rule that an objection names, without the value that it quotes."""
    return objection.str.replace_all(r", got [^;]*", "")


def landings(entries: list[dict]) -> dict[str, dict]:
    """The entry of each batch in the ledger, by its name, in order of arrival."""
    return {entry["batch"]: entry for entry in entries if entry["action"] == LAND}


def superseded_by(entries: list[dict]) -> dict[str, str]:
    """Which batch took the place of which: superseded to superseding. One that was may take its place back."""
    found = {}
    for entry in entries:
        if entry["action"] in (LAND, SUPERSEDE) and entry["corrects"]:
            found.pop(entry["batch"], None)
            found[entry["corrects"]] = entry["batch"]
    return found


def require_correctable(entries: list[dict], feed: s.Feed, corrected: str) -> None:
    """Raise DeliveryRefused when this batch is unknown, is of another feed, or was superseded already."""
    landed = landings(entries)
    if corrected not in landed:
        raise DeliveryRefused(f"no batch {corrected} has landed; `preflight deliveries` lists those that have")
    if landed[corrected]["feed"] != feed.name:
        raise DeliveryRefused(f"{corrected} is a batch of {landed[corrected]['feed']}, not of {feed.name}")
    newer = superseded_by(entries).get(corrected)
    if newer:
        raise DeliveryRefused(f"{corrected} was superseded by {newer} already; correct {newer} instead")


def _typed(column: pl.Series, dtype: pl.DataType) -> pl.Series:
    if dtype == s.MOMENT:
        return _moments(column)
    if dtype == pl.String:
        return column.cast(pl.String)
    numbers = column.cast(pl.Float64, strict=False)
    numbers = pl.select(pl.when(numbers.is_finite()).then(numbers).alias(column.name)).to_series()
    if dtype == pl.Float64:
        return numbers
    return pl.select(pl.when(numbers == numbers.round()).then(numbers).cast(dtype, strict=False)).to_series()


def _moments(column: pl.Series) -> pl.Series:
    """ISO 8601 with an offset, or without one, which the names of our columns say is UTC."""
    if column.dtype == pl.String:
        text = column.str.replace(" ", "T").str.replace("Z$", "+00:00")
        full = pl.when(text.str.contains(r"[+-]\d\d:?\d\d$")).then(text).otherwise(text + "+00:00")
        return pl.select(
            full.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%z", strict=False, time_unit="us").alias(column.name)
        ).to_series()
    if isinstance(column.dtype, pl.Datetime):
        zoned = column.dt.convert_time_zone(UTC) if column.dtype.time_zone else column.dt.replace_time_zone(UTC)
        return zoned.dt.cast_time_unit("us")
    return pl.Series(column.name, [None] * len(column), dtype=s.MOMENT)


def _objection(raw: pl.Series, typed: pl.Series) -> pl.Expr:
    unread = typed.is_null() & raw.is_not_null()
    said = pl.format(
        "{} cannot be read, got {}", pl.lit(typed.name), pl.lit(raw.cast(pl.String, strict=False).str.head(40))
    )
    return pl.when(unread).then(said)
