"""The ways in which a feed goes wrong unnoticed, as pure functions on a batch: what the contract must catch."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from data_checks import schema as s
from data_checks.history import origin_of
from data_checks.measures import FEWEST_REPORTS
from data_checks.times import NEW_YORK, local_to_utc, minutes_of_clock

KILOMETRES_PER_MILE = 1.609344
SHIFT = timedelta(hours=5)
COPIED_SHARE, NULLED_SHARE = 0.2, 0.3


@dataclass(frozen=True)
class Fault:
    """One way in which a feed goes wrong, and where; `spoil` takes a batch and a seed. `excuse` says why none can tell.

    An excused fault is still tried; what it comes to is shown.
    """

    name: str
    feed: s.Feed
    where: str
    spoil: Callable[[pl.DataFrame, int], pl.DataFrame]
    excuse: str = ""


EXCUSES = {
    ("30 % nulls", s.WIND_GUST): "most hours have no gust, and nothing says which should",
    **{
        ("shuffled", name): f"a week with fewer than {FEWEST_REPORTS} such reports has too few to compare with others"
        for name in (s.PRECIPITATION, s.VISIBILITY, s.WIND_GUST)
    },
}


def all_faults() -> tuple[Fault, ...]:
    """The eight faults, on every feed and column where they make sense."""
    feeds = tuple(s.FEEDS.values())
    return (
        *(Fault("miles to kilometres", feed, ", ".join(columns), _to_kilometres(columns)) for feed, columns in MILES),
        *(Fault(f"{hours:+d} hours", feed, "every moment", _shift(feed, hours)) for feed in feeds for hours in (5, -5)),
        *(Fault("HHMM as minutes", feed, "every clock", _clock_as_minutes(feed)) for feed in (s.SCHEDULE, s.OUTCOMES)),
        *(Fault("lower-cased carriers", feed, "carrier", _lower) for feed in (s.SCHEDULE, s.OUTCOMES)),
        *(Fault("airport missing", feed, origin, _without(feed, origin)) for feed in feeds for origin in s.ORIGINS),
        *(Fault("20 % duplicates", feed, "rows", _repeat) for feed in feeds),
        *(
            _excusable("30 % nulls", feed, column.name, _hide(column.name))
            for feed in feeds
            for column in feed.columns
            if column.nullable
        ),
        *(_excusable("shuffled", feed, name, _shuffle(name)) for feed in feeds for name in feed.polars_schema),
    )


MILES = (
    (s.SCHEDULE, (s.DISTANCE,)),
    (s.WEATHER, (s.VISIBILITY,)),
    (s.WEATHER, (s.WIND_SPEED, s.WIND_GUST)),
)


def _excusable(name: str, feed: s.Feed, column: str, spoil: Callable) -> Fault:
    return Fault(name, feed, column, spoil, EXCUSES.get((name, column), ""))


def _to_kilometres(columns: tuple[str, ...]) -> Callable:
    return lambda batch, seed: batch.with_columns(pl.col(columns) * KILOMETRES_PER_MILE)


def _shift(feed: s.Feed, hours: int) -> Callable:
    moments = [column.name for column in feed.columns if column.dtype == s.MOMENT]
    return lambda batch, seed: batch.with_columns(pl.col(moments) + pl.duration(hours=hours))


def _clock_as_minutes(feed: s.Feed) -> Callable:
    """5:17 arrives as 317, the minutes since midnight, and is read as 03:17; 11:00 arrives as 660 and is no time."""

    def spoil(batch: pl.DataFrame, seed: int) -> pl.DataFrame:
        if feed is s.OUTCOMES:
            return batch.with_columns(_misread(s.KNOWN_AT))
        departure = _misread(s.SCHEDULED_DEPARTURE)
        known_at = (departure - pl.duration(days=7)).alias(s.KNOWN_AT)
        return batch.with_columns(departure, _misread(s.SCHEDULED_ARRIVAL), known_at)

    return spoil


def _misread(moment: str) -> pl.Expr:
    local = pl.col(moment).dt.convert_time_zone(NEW_YORK).dt.replace_time_zone(None)
    minutes = local.dt.hour().cast(pl.Int32) * 60 + local.dt.minute()
    read = local.dt.truncate("1d") + pl.duration(minutes=minutes_of_clock(minutes))
    return local_to_utc(read, NEW_YORK).alias(moment)


def _lower(batch: pl.DataFrame, seed: int) -> pl.DataFrame:
    """In the flight's name too, which is made of the carrier."""
    day, rest = len("2013-07-01-"), len("2013-07-01-UA")
    name = pl.col(s.FLIGHT_ID)
    named = pl.concat_str(name.str.head(day), name.str.slice(day, 2).str.to_lowercase(), name.str.slice(rest))
    carrier = [pl.col(s.CARRIER).str.to_lowercase()] if s.CARRIER in batch.columns else []
    return batch.with_columns(*carrier, named)


def _without(feed: s.Feed, origin: str) -> Callable:
    return lambda batch, seed: batch.filter(origin_of(feed) != origin)


def _repeat(batch: pl.DataFrame, seed: int) -> pl.DataFrame:
    copies = batch.sample(fraction=COPIED_SHARE, seed=seed)
    return pl.concat([batch, copies]).sample(fraction=1, shuffle=True, seed=seed)


def _hide(column: str) -> Callable:
    def spoil(batch: pl.DataFrame, seed: int) -> pl.DataFrame:
        order = pl.int_range(pl.len()).shuffle(seed)
        return batch.with_columns(pl.when(order >= NULLED_SHARE * pl.len()).then(pl.col(column)).alias(column))

    return spoil


def _shuffle(column: str) -> Callable:
    return lambda batch, seed: batch.with_columns(pl.col(column).shuffle(seed))
