"""The contract: scans of handwritten digits, known at once, and the digit that a person keys in two days later.

The words are those of `data_checks/contract.py`; rules and Great Expectations suites follow from them by the code that
does it for flights. What is derived of a row and measured of a batch is this data set's own, at the end of the file.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from data_checks.contract import MOMENT, Column, Feed, measure, number, truth

SCAN_ID, SCANNED_AT, KNOWN_AT, DIGIT = "scan_id", "scanned_at_utc", "known_at_utc", "digit"
CELLS = tuple(f"ink_{row}{column}" for row in range(4) for column in range(4))
MOST_INK = 16

CELLS_THERE, SCAN_KNOWN, KEYED_AFTER = "all_cells_there", "scan_is_known", "keyed_after_h"
ROWS_PER_DAY, OUTSIDE, MEAN_INK = "rows_per_day", "share_outside_week", "mean_ink"
EAST_SHARE, QUARANTINED = "share_east", "share_quarantined"
FIRST_DIGIT_EAST = 5

_SCAN_ID = Column(SCAN_ID, pl.String, "number of the scan, in the order of scanning", pattern=r"^scan-\d{4}$")
_KNOWN_AT = Column(KNOWN_AT, MOMENT, "the moment from which this row may be used", "UTC")
_VOLUME = (
    measure(ROWS_PER_DAY, "different rows per day", "rows", 12, 30),
    measure(OUTSIDE, "rows that belong to another week", "share", None, 0.01),
    measure(QUARANTINED, "rows that broke a rule", "share", None, 0.05),
)

SCANS = Feed(
    name="scans",
    meaning="one row per parcel: the handwritten digit, as the ink in four by four cells",
    known="when it is scanned",
    columns=(
        _SCAN_ID,
        Column(SCANNED_AT, MOMENT, "when it was scanned", "UTC"),
        *(number(cell, "ink in a cell, by row and column from the top left", "ink", 0, MOST_INK) for cell in CELLS),
        _KNOWN_AT,
    ),
    key=(SCAN_ID,),
    week_of=SCANNED_AT,
    derived=(truth(CELLS_THERE, "no cell is missing"),),
    measures=(*_VOLUME, measure(MEAN_INK, "mean ink of all cells", "ink", 3, 7)),
)

KEYED = Feed(
    name="keyed",
    meaning="one row per parcel: the digit, as a person has read it",
    known="when it is keyed in",
    columns=(_SCAN_ID, Column(DIGIT, pl.Int64, "the digit", minimum=0, maximum=9), _KNOWN_AT),
    key=(SCAN_ID,),
    week_of=KNOWN_AT,
    derived=(
        truth(SCAN_KNOWN, "the scan stands among the accepted scans"),
        number(KEYED_AFTER, "from the scan to the keyed digit", "h", 0, 14 * 24),
    ),
    measures=(*_VOLUME, measure(EAST_SHARE, "digits of 5 and more", "share", 0.25, 0.75)),
)

FEEDS = (SCANS, KEYED)


@dataclass(frozen=True)
class Before:
    """What a batch is judged against: the days it should lie in, and the scans that were accepted."""

    start: datetime
    end: datetime
    scans: pl.DataFrame


def derive(feed: Feed, batch: pl.DataFrame, before: Before) -> pl.DataFrame:
    """The batch with the derived columns of its feed beside it, rows in their order."""
    if feed is SCANS:
        return batch.with_columns(pl.all_horizontal(pl.col(CELLS).is_not_null()).alias(CELLS_THERE))
    known = before.scans.select(SCAN_ID, SCANNED_AT)
    beside = batch.join(known, on=SCAN_ID, how="left", maintain_order="left")
    after = (pl.col(KNOWN_AT) - pl.col(SCANNED_AT)).dt.total_minutes() / 60
    return beside.with_columns(pl.col(SCANNED_AT).is_not_null().alias(SCAN_KNOWN), after.alias(KEYED_AFTER)).drop(
        SCANNED_AT
    )


def measure_batch(
    feed: Feed, batch: pl.DataFrame, days: int, before: Before, failed_rows: Iterable[int]
) -> dict[str, float | None]:
    """Every measure of the feed's contract by name."""
    rows = batch.unique(feed.polars_schema.names(), maintain_order=True)
    if rows.is_empty():
        return dict.fromkeys((column.name for column in feed.measures), None) | {ROWS_PER_DAY: 0.0}
    inside = rows[feed.week_of].is_between(before.start, before.end, closed="left").fill_null(value=False)
    measured: dict[str, float | None] = {
        ROWS_PER_DAY: rows.height / days,
        OUTSIDE: 1 - float(inside.to_numpy().mean()),
        QUARANTINED: len(set(failed_rows)) / batch.height,
    }
    if feed is SCANS:
        return measured | {MEAN_INK: float(np.nanmean(rows.select(CELLS).to_numpy()))}
    return measured | {EAST_SHARE: float((rows[DIGIT].to_numpy() >= FIRST_DIGIT_EAST).mean())}
