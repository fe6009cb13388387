"""What a batch is judged against: the week it belongs to, and what was known before it came."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from data_checks import schema as s
from data_checks.feeds import ZONES_MISSING_FROM_AIRPORTS
from data_checks.times import NEW_YORK

DAY, WEEKDAY, USUAL_ROWS = "day", "weekday", "usual_rows"
PLANNED = (s.FLIGHT_ID, s.SCHEDULED_DEPARTURE, s.SCHEDULED_ARRIVAL)
"""What of the schedule outcomes are judged by."""


@dataclass(frozen=True)
class Span:
    """The week of a batch, `end` not in it, and the moment up to which its rows are due: the end of the data days."""

    start: datetime
    end: datetime
    due: datetime


@dataclass(frozen=True)
class History:
    """Small frames and sets; what is None is not known, and a rule that would need it has nothing to say."""

    span: Span | None = None
    carriers: frozenset[str] | None = None
    destinations: frozenset[str] | None = None
    distances: pl.DataFrame | None = None
    aircraft: pl.DataFrame | None = None
    usual: pl.DataFrame | None = None
    planned: pl.DataFrame | None = None


def build_history(
    feed: s.Feed,
    span: Span,
    past: pl.DataFrame | None,
    planned: list[pl.DataFrame],
    reference: dict[str, pl.DataFrame],
) -> History:
    """What a batch of a feed is judged against.

    `past` are its accepted rows of weeks just before, `planned` the schedule of its week and of weeks just before.
    """
    is_plan = feed is s.SCHEDULE and past is not None
    return History(
        span=span,
        carriers=frozenset(reference["airlines"][s.CARRIER]),
        destinations=frozenset(reference["airports"][s.AIRPORT]) | frozenset(ZONES_MISSING_FROM_AIRPORTS),
        distances=_distances(past) if is_plan else None,
        aircraft=past.select(s.TAIL_NUMBER, s.CARRIER).drop_nulls().unique() if is_plan else None,
        usual=None if past is None else _usual_rows(feed, past),
        planned=_planned(planned) if planned else None,
    )


def rows_by_day(feed: s.Feed, rows: pl.DataFrame) -> pl.DataFrame:
    """How many rows of a feed each airport and local day has: origin, day, len."""
    day = pl.col(feed.week_of).dt.convert_time_zone(NEW_YORK).dt.date().alias(DAY)
    return rows.select(origin_of(feed), day).drop_nulls().group_by(s.ORIGIN, DAY).len()


def origin_of(feed: s.Feed) -> pl.Expr:
    """The airport in New York that a row is about; outcomes have it at the end of their flight's name."""
    return pl.col(s.ORIGIN) if s.ORIGIN in feed.polars_schema else pl.col(s.FLIGHT_ID).str.slice(-3).alias(s.ORIGIN)


def _usual_rows(feed: s.Feed, past: pl.DataFrame) -> pl.DataFrame:
    days = rows_by_day(feed, past).with_columns(pl.col(DAY).dt.weekday().alias(WEEKDAY))
    return days.group_by(s.ORIGIN, WEEKDAY).agg(pl.col("len").median().alias(USUAL_ROWS))


def _distances(past: pl.DataFrame) -> pl.DataFrame:
    return past.group_by(s.ORIGIN, s.DESTINATION).agg(pl.col(s.DISTANCE).median())


def _planned(schedules: list[pl.DataFrame]) -> pl.DataFrame:
    flights = pl.concat([schedule.select(PLANNED) for schedule in schedules])
    return flights.unique(s.FLIGHT_ID, keep="first", maintain_order=True)
