"""What was known at a moment: the latest event before it, and sums over a window that ends at it.

Sums are of whole numbers, so they are exact: a row gets the same value alone as in a batch,
from a short history as from a long one, and in any order of the events.
"""

from dataclasses import dataclass

import polars as pl

from data_checks import schema as s

AS_OF = "as_of_utc"


@dataclass(frozen=True)
class Totals:
    """Running totals of events per key: `sums` says for each event what had been counted up to and with it."""

    keys: tuple[str, ...]
    values: tuple[str, ...]
    sums: pl.DataFrame

    @classmethod
    def of(cls, events: pl.DataFrame, keys: tuple[str, ...], **values: pl.Expr) -> "Totals":
        """Totals of whole-number `values` of events that become known at `known_at_utc`."""
        counted = events.select(*keys, s.KNOWN_AT, **{name: value.cast(pl.Int64) for name, value in values.items()})
        running = counted.sort(s.KNOWN_AT).with_columns(pl.col(list(values)).cum_sum().over(keys))
        return cls(keys, tuple(values), running)

    def at(self, rows: pl.DataFrame, hours_before: float = 0) -> pl.DataFrame:
        """The totals known so many hours before each row's `as_of_utc`, 0 where nothing was; rows keep their order."""
        asked = rows.select(*self.keys, (pl.col(AS_OF) - pl.duration(minutes=round(hours_before * 60))).alias("at"))
        return latest(asked, self.sums, "at", self.keys, self.values).fill_null(0)

    def within(self, rows: pl.DataFrame, hours: float) -> pl.DataFrame:
        """What was counted in the `hours` that end at each row's `as_of_utc`; rows keep their order."""
        now, before = self.at(rows), self.at(rows, hours)
        return now.select(pl.col(name) - before[name] for name in self.values)


def latest(
    rows: pl.DataFrame,
    events: pl.DataFrame,
    at: str,
    keys: tuple[str, ...],
    columns: tuple[str, ...],
    within: str | None = None,
) -> pl.DataFrame:
    """The `columns` of the last event known at the moment `at`, null where there is none; rows keep their order.

    `events` is sorted by `known_at_utc`; `within` such as "12h" makes an older event count as none.
    """
    found = (
        rows.select(*keys, at)
        .with_row_index("row")
        .sort(at)
        .join_asof(
            events.select(*keys, s.KNOWN_AT, *columns),
            left_on=at,
            right_on=s.KNOWN_AT,
            by=list(keys),
            strategy="backward",
            tolerance=within,
            check_sortedness=False,
        )
    )
    return found.sort("row").select(columns)
