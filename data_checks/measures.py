"""Numbers about a whole batch, taken of its different rows: volume, freshness, shares, how smoothly weather moves."""

from collections.abc import Iterable
from datetime import timedelta

import numpy as np
import polars as pl

from data_checks import schema as s
from data_checks.history import DAY, USUAL_ROWS, WEEKDAY, History, rows_by_day
from data_checks.times import NEW_YORK

FEWEST_REPORTS = 20
"""Reports of either kind that a mean needs before two means are compared."""
FEWEST_HOURS = 10
"""Hours that lie between what is far apart."""
FEWEST_DAYS = 5
"""Days that the course of a mean day is taken from."""


def measure_batch(
    feed: s.Feed, batch: pl.DataFrame, days: int, history: History, failed_rows: Iterable[int]
) -> dict[str, float | None]:
    """Every measure of the feed's contract by name, None where the batch or its history is too small to say.

    `batch` carries its derived columns and covers so many `days`; `failed_rows` are the positions that broke a rule.
    """
    rows = batch.unique(feed.polars_schema.names(), maintain_order=True)
    measured = _volume(feed, rows, days, history) | _timing(feed, rows, history)
    measured |= {s.QUARANTINED_SHARE: _share_quarantined(feed, batch, failed_rows)}
    measured |= {s.SCHEDULE.name: _of_plan, s.OUTCOMES.name: _of_events, s.WEATHER.name: _of_air}[feed.name](
        rows, history
    )
    return {column.name: _plain(measured[column.name]) for column in feed.measures}


def _plain(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)


def _volume(feed: s.Feed, rows: pl.DataFrame, days: int, history: History) -> dict[str, float | None]:
    by_day = rows_by_day(feed, rows)
    measured = {
        s.ROWS_PER_DAY: rows.height / days,
        s.ORIGINS_SEEN: by_day.filter(pl.col(s.ORIGIN).is_in(list(s.ORIGINS)))[s.ORIGIN].n_unique(),
        s.FEWEST_ROWS: None,
        s.MOST_ROWS: None,
    }
    if history.usual is None or history.span is None:
        return measured
    expected = _days_of(history).join(history.usual, on=WEEKDAY).filter(pl.col(s.ORIGIN).is_in(list(s.ORIGINS)))
    found = expected.join(by_day, on=(s.ORIGIN, DAY), how="left")
    share = found["len"].fill_null(0) / found[USUAL_ROWS]
    return measured | {s.FEWEST_ROWS: share.min(), s.MOST_ROWS: share.max()}


def _days_of(history: History) -> pl.DataFrame:
    first, last = (history.span.start, history.span.due - timedelta(microseconds=1))
    span = pl.DataFrame({"first": [first], "last": [last]}, schema=dict.fromkeys(("first", "last"), s.MOMENT))
    days = span.select(pl.all().dt.convert_time_zone(NEW_YORK).dt.date())
    dates = pl.date_range(days["first"].item(), days["last"].item(), eager=True)
    return pl.DataFrame({DAY: dates, WEEKDAY: dates.dt.weekday()})


def _timing(feed: s.Feed, rows: pl.DataFrame, history: History) -> dict[str, float | None]:
    moments = rows[feed.week_of].drop_nulls()
    if history.span is None or moments.is_empty():
        return {s.OUTSIDE_SHARE: None, s.SILENT_HOURS: None}
    span = history.span
    return {
        s.OUTSIDE_SHARE: (~moments.is_between(span.start, span.end, closed="left")).mean(),
        s.SILENT_HOURS: (span.due - moments.max()).total_seconds() / 3600,
    }


def _share_quarantined(feed: s.Feed, batch: pl.DataFrame, failed_rows: Iterable[int]) -> float | None:
    """Exact copies of an earlier row are left out of both counts: that a feed repeats itself harms nobody."""
    copies = batch.select(~pl.struct(feed.polars_schema.names()).is_first_distinct()).to_series()
    copied = set(copies.arg_true().to_list())
    different = batch.height - len(copied)
    return len(set(failed_rows) - copied) / different if different else None


def _of_plan(rows: pl.DataFrame, history: History) -> dict[str, float | None]:
    hour = rows[s.SCHEDULED_DEPARTURE].dt.convert_time_zone(NEW_YORK).dt.hour()
    aircraft = rows.select(s.TAIL_NUMBER, s.CARRIER).drop_nulls().unique()
    if history.aircraft is not None:
        earlier = history.aircraft.filter(pl.col(s.TAIL_NUMBER).is_in(aircraft[s.TAIL_NUMBER].implode()))
        aircraft = pl.concat([aircraft, earlier]).unique()
    return {
        s.NIGHT_SHARE: hour.is_between(1, 4).mean(),
        s.MEDIAN_DISTANCE: rows[s.DISTANCE].median(),
        s.SHARED_AIRCRAFT: (aircraft.group_by(s.TAIL_NUMBER).len()["len"] > 1).mean(),
    }


def _of_events(rows: pl.DataFrame, history: History) -> dict[str, float | None]:
    count = {event: (rows[s.EVENT] == event).sum() for event in (s.DEPARTED, s.ARRIVED, s.CANCELLED)}
    late = rows.filter(pl.col(s.EVENT) == s.ARRIVED, pl.col(s.DELAY) >= s.LATE_MIN).height
    return {
        s.KNOWN_LATE_SHARE: (rows[s.KNOWN_AFTER_EVENT] > 0).mean(),
        s.LATE_SHARE: _ratio(late, count[s.ARRIVED]),
        s.CANCELLED_SHARE: _ratio(count[s.CANCELLED], count[s.CANCELLED] + count[s.DEPARTED]),
    }


def _of_air(rows: pl.DataFrame, history: History) -> dict[str, float | None]:
    smooth = (s.TEMPERATURE, s.DEW_POINT, s.HUMIDITY, s.WIND_DIRECTION, s.WIND_SPEED, s.PRESSURE)
    ordered = rows.sort(s.ORIGIN, s.OBSERVED_AT)
    return {
        s.WARMEST_HOUR: _warmest_hour(rows),
        **{s.HOURLY_CHANGE.format(name): _hourly_change(ordered, name) for name in smooth},
        s.WET_HUMIDITY: _gain(rows, pl.col(s.PRECIPITATION) > 0, s.HUMIDITY),
        s.MURKY_HUMIDITY: _gain(rows, pl.col(s.VISIBILITY) < 10, s.HUMIDITY),
        s.GUSTY_WIND: _gain(rows, pl.col(s.WIND_GUST).is_not_null(), s.WIND_SPEED),
    }


def _warmest_hour(rows: pl.DataFrame) -> float | None:
    """The hour at which the first harmonic of the mean day is highest; 14 to 16 in any season."""
    if rows.height < FEWEST_DAYS * 24 * len(s.ORIGINS):
        return None
    local = pl.col(s.OBSERVED_AT).dt.convert_time_zone(NEW_YORK).dt.hour().alias("hour")
    course = rows.group_by(local).agg(pl.col(s.TEMPERATURE).mean()).drop_nulls()
    angle = 2 * np.pi * course["hour"].to_numpy() / 24
    wave = (course[s.TEMPERATURE].to_numpy() * np.exp(1j * angle)).sum()
    return float(np.angle(wave) * 24 / (2 * np.pi) % 24)


def _hourly_change(ordered: pl.DataFrame, column: str) -> float | None:
    """Mean change to the next hour over mean change to an hour days later: near 0 for air, near 1 for shuffled rows."""

    def change(hours: int) -> pl.Expr:
        steps = (pl.col(column) - pl.col(column).shift(hours).over(s.ORIGIN)).abs()
        return (pl.min_horizontal(steps, 360 - steps) if column == s.WIND_DIRECTION else steps).mean()

    apart = ordered.height // (2 * len(s.ORIGINS))
    if apart < FEWEST_HOURS:
        return None
    near, far = ordered.select(change(1).alias("near"), change(apart).alias("far")).row(0)
    return near / far if near is not None and far else None


def _gain(rows: pl.DataFrame, kind: pl.Expr, column: str) -> float | None:
    """Mean of a column where `kind` holds less its mean elsewhere."""
    here, there = (rows.filter(chosen)[column].drop_nulls() for chosen in (kind, ~kind))
    return here.mean() - there.mean() if min(len(here), len(there)) >= FEWEST_REPORTS else None


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
