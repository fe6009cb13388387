"""The source: the digits of scikit-learn, given a clock, so that they arrive week by week; and what may spoil a batch.

The rows are taken in the order in which they stand. They were written by a few people one after the other, so the
hand changes every hundred rows or so, and what the model sees drifts by itself. The clock alone is made up.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import polars as pl
from sklearn.datasets import load_digits

from examples.second_data_set import contract as c

ROWS_A_DAY, WEEKS = 20, 12
FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
KEYED_AFTER = timedelta(days=2)


@dataclass(frozen=True)
class Week:
    """Seven days from a Monday, the first week is number 1."""

    number: int

    @property
    def start(self) -> datetime:
        """Its first moment."""
        return FIRST_DAY + timedelta(weeks=self.number - 1)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return self.start + timedelta(weeks=1)

    @property
    def labelled(self) -> datetime:
        """The Wednesday after it, when the digits of its last scans have been keyed in."""
        return self.end + KEYED_AFTER


class Source:
    """Both feeds, whole, and what each of them delivers for a week."""

    @cached_property
    def scans(self) -> pl.DataFrame:
        """All scans of the twelve weeks; the last 117 of the 1,797 rows would be a part of a week and are left out."""
        images = load_digits().images[: ROWS_A_DAY * 7 * WEEKS]
        cells = images.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(len(images), -1)
        moments = [FIRST_DAY + timedelta(days=n // ROWS_A_DAY, hours=8, minutes=n % ROWS_A_DAY * 30) for n in
                   range(len(images))]  # fmt: skip
        names = [f"scan-{number:04d}" for number in range(len(images))]
        table = pl.DataFrame({c.SCAN_ID: names, c.SCANNED_AT: moments}).hstack(
            pl.DataFrame(cells, schema=list(c.CELLS))
        )
        return table.with_columns(pl.col(c.SCANNED_AT).alias(c.KNOWN_AT)).cast(c.SCANS.polars_schema)

    @cached_property
    def keyed(self) -> pl.DataFrame:
        """The truth of every scan, two days later."""
        digits = pl.Series(c.DIGIT, load_digits().target[: self.scans.height])
        known = (pl.col(c.SCANNED_AT) + KEYED_AFTER).alias(c.KNOWN_AT)
        return self.scans.select(c.SCAN_ID, digits, known).cast(c.KEYED.polars_schema)

    def deliver(self, feed: c.Feed, week: Week) -> pl.DataFrame:
        """What a feed delivers for a week: scans on the Monday after it, keyed digits on the Wednesday."""
        rows = self.scans if feed is c.SCANS else self.keyed
        start, end = span_of(feed, week)
        return rows.filter(pl.col(feed.week_of) >= start, pl.col(feed.week_of) < end)


def span_of(feed: c.Feed, week: Week) -> tuple[datetime, datetime]:
    """The moments between which the rows of a week's batch lie."""
    late = KEYED_AFTER if feed is c.KEYED else timedelta()
    return week.start + late, week.end + late


def with_bad_rows(scans: pl.DataFrame) -> pl.DataFrame:
    """The scans with a row that comes twice and one whose ink is out of range."""
    too_dark = scans.with_row_index("n").with_columns(
        pl.when(pl.col("n") == 7).then(99.0).otherwise(pl.col(c.CELLS[5])).alias(c.CELLS[5])
    )
    return pl.concat([too_dark.drop("n"), scans[3:4]])


def in_other_units(scans: pl.DataFrame) -> pl.DataFrame:
    """The scans of a scanner that was set to 256 shades instead of 16."""
    return scans.with_columns(pl.col(c.CELLS) * 16)
