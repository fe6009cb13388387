"""From the five source tables, which mix plan and outcome, to feeds whose rows say from when they are known."""

from datetime import datetime

import polars as pl

from data_checks import schema as s
from data_checks.rules import broken, row_rules
from data_checks.times import NEW_YORK, UTC, local_to_utc, scheduled_arrival, scheduled_departure
from data_checks.validation import DataRefused

ZONES_MISSING_FROM_AIRPORTS = dict.fromkeys(("BQN", "PSE", "SJU", "STT"), "America/Puerto_Rico")
"""Destinations that `airports.csv` does not list; 2.3 % of the flights go there."""


def split_feeds(source: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The feeds and reference tables by name, from source tables with the columns of `schema.SOURCE_COLUMNS`.

    The split is what makes leakage impossible by construction: nothing that happened after a
    row's `known_at_utc` stands in that row. Raises ReferenceRefused when a reference table breaks its contract,
    RowsWithoutMoment when rows belong to no week.
    """
    tables = {
        "planes": _renamed(source["planes"], {"tailnum": s.TAIL_NUMBER, "year": s.YEAR_BUILT}, s.PLANES),
        "airports": _renamed(source["airports"], {"faa": s.AIRPORT, "tzone": s.TIME_ZONE}, s.AIRPORTS),
        "airlines": _renamed(source["airlines"], {}, s.AIRLINES),
    }
    _require_reference(tables)
    flights = _with_moments(source["flights"], _zone_of(source["airports"]))
    feeds = {
        s.SCHEDULE.name: _schedule(flights),
        s.OUTCOMES.name: _outcomes(flights),
        s.WEATHER.name: _weather(source["weather"]),
    }
    _require_moments(feeds)
    return feeds | tables


class ReferenceRefused(DataRefused):
    """A reference table breaks its contract; everything would be judged against it."""


class RowsWithoutMoment(DataRefused):
    """Rows cannot be placed in time, so they would get lost without anybody having judged them."""


def rows_of_week(rows: pl.LazyFrame, feed: s.Feed, start: datetime, end: datetime) -> pl.LazyFrame:
    """The rows a feed delivers in the week from `start` to before `end`: by departure, or by when they become known.

    A row without that moment comes, after the others, with its flight's day, so that the contract can refuse it.
    """
    moment = pl.col(feed.week_of)
    undated = rows.filter(moment.is_null())  # few, so their days are read of few
    return pl.concat([_between(rows, moment, start, end), _between(undated, day_of_flight(feed), start, end)])


def _between(rows: pl.LazyFrame, moment: pl.Expr, start: datetime, end: datetime) -> pl.LazyFrame:
    return rows.filter(moment >= start, moment < end)


def day_of_flight(feed: s.Feed) -> pl.Expr:
    """The first moment of the day that a flight is named after; null where a row names no flight."""
    if s.FLIGHT_ID not in feed.polars_schema:
        return pl.lit(None, dtype=s.MOMENT)
    day = pl.col(s.FLIGHT_ID).str.head(len("2013-07-01")).str.to_datetime("%Y-%m-%d", time_unit="us", strict=False)
    return local_to_utc(day, NEW_YORK)


def _require_reference(tables: dict[str, pl.DataFrame]) -> None:
    found = [
        f"{rows.height} rows of {name} break the rule '{rule.name}', the first is {rows.row(0)[0]}"
        for name, table in tables.items()
        for rule in row_rules(s.TABLES[name])
        if (rows := table.filter(broken(rule))).height
    ]
    if found:
        raise ReferenceRefused(f"{'; '.join(found)}; mend them in the source, or change data_checks/schema.py")


def _require_moments(feeds: dict[str, pl.DataFrame]) -> None:
    undated = {feed: feeds[feed.name].filter(pl.col(feed.week_of).is_null()) for feed in s.FEEDS.values()}
    lost = {feed: rows.filter(day_of_flight(feed).is_null()) for feed, rows in undated.items()}
    found = [
        f"{rows.height} rows of {feed.name} have no {feed.week_of} and no day, the first is {rows.row(0)[0]}"
        for feed, rows in lost.items()
        if rows.height
    ]
    if found:
        raise RowsWithoutMoment(
            f"{'; '.join(found)}; mend their dates and times in the source, "
            "or add the time zone of the destination to airports.csv"
        )


def flight_id(day: pl.Expr, carrier: pl.Expr, number: pl.Expr, origin: pl.Expr) -> pl.Expr:
    """The name of a flight: its local day, carrier, number and origin, as in 2013-07-01-UA1545-EWR."""
    flight = pl.concat_str(day.dt.strftime("%Y-%m-%d-"), carrier, number.cast(pl.String), ignore_nulls=True)
    return (flight + "-" + origin).alias(s.FLIGHT_ID)


def _zone_of(airports: pl.DataFrame) -> dict[str, str]:
    listed = airports.filter(pl.col("tzone").is_not_null())
    return dict(zip(listed["faa"], listed["tzone"], strict=True)) | ZONES_MISSING_FROM_AIRPORTS


def _with_moments(flights: pl.DataFrame, zone_of: dict[str, str]) -> pl.DataFrame:
    written = pl.format("{}-{}-{}", "year", "month", "day")
    day = written.str.to_datetime("%Y-%-m-%-d", time_unit="us", strict=False)
    zone = pl.col("dest").replace_strict(zone_of, default=None, return_dtype=pl.String)
    zones = sorted({zone_of[code] for code in flights["dest"].unique() if code in zone_of})
    departure = scheduled_departure(day, pl.col("sched_dep_time"))
    return (
        flights.with_columns(
            flight_id(day, pl.col("carrier"), pl.col("flight"), pl.col("origin")),
            departure.alias(s.SCHEDULED_DEPARTURE),
        )
        .with_columns(
            scheduled_arrival(day, pl.col("sched_arr_time"), pl.col(s.SCHEDULED_DEPARTURE), zone, zones).alias(
                s.SCHEDULED_ARRIVAL
            )
        )
        .sort(s.SCHEDULED_DEPARTURE, s.FLIGHT_ID)
    )


def _schedule(flights: pl.DataFrame) -> pl.DataFrame:
    known_at = pl.col(s.SCHEDULED_DEPARTURE) - pl.duration(days=7)
    names = {"flight": s.FLIGHT_NUMBER, "tailnum": s.TAIL_NUMBER, "dest": s.DESTINATION, "distance": s.DISTANCE}
    return _renamed(flights.with_columns(known_at.alias(s.KNOWN_AT)), names, s.SCHEDULE.polars_schema)


def _outcomes(flights: pl.DataFrame) -> pl.DataFrame:
    departure, arrival = pl.col(s.SCHEDULED_DEPARTURE), pl.col(s.SCHEDULED_ARRIVAL)
    left = pl.col("dep_time").is_not_null()
    landed = pl.col("arr_delay").is_not_null()
    events = [
        _events(flights.filter(left), s.DEPARTED, departure + _minutes("dep_delay"), pl.col("dep_delay")),
        _events(flights.filter(landed), s.ARRIVED, arrival + _minutes("arr_delay"), pl.col("arr_delay")),
        # nobody waits at the gate for a cancelled flight longer than until it should have left
        _events(flights.filter(~left), s.CANCELLED, departure, None),
        _events(flights.filter(left & ~landed), s.DIVERTED, arrival + pl.duration(days=1), None),
    ]
    return pl.concat(events).sort(s.KNOWN_AT, s.FLIGHT_ID, s.EVENT)


def _events(flights: pl.DataFrame, event: str, known_at: pl.Expr, delay: pl.Expr | None) -> pl.DataFrame:
    minutes = pl.lit(None, dtype=pl.Int64) if delay is None else delay
    first_word = pl.lit(0).alias(s.REVISION)
    columns = [s.FLIGHT_ID, pl.lit(event).alias(s.EVENT), minutes.alias(s.DELAY), known_at.alias(s.KNOWN_AT)]
    return flights.select(*columns, first_word).cast(dict(s.OUTCOMES.polars_schema))


def _minutes(column: str) -> pl.Expr:
    return pl.duration(minutes=pl.col(column))


def _weather(weather: pl.DataFrame) -> pl.DataFrame:
    names = {
        "temp": s.TEMPERATURE,
        "dewp": s.DEW_POINT,
        "humid": s.HUMIDITY,
        "wind_dir": s.WIND_DIRECTION,
        "wind_speed": s.WIND_SPEED,
        "wind_gust": s.WIND_GUST,
        "precip": s.PRECIPITATION,
        "pressure": s.PRESSURE,
        "visib": s.VISIBILITY,
    }
    observed = pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", strict=False)
    moments = weather.with_columns(observed.dt.replace_time_zone(UTC).alias(s.OBSERVED_AT)).with_columns(
        (pl.col(s.OBSERVED_AT) + pl.duration(hours=1)).alias(s.KNOWN_AT)
    )
    return _renamed(moments, names, s.WEATHER.polars_schema).sort(s.OBSERVED_AT, s.ORIGIN)


def _renamed(frame: pl.DataFrame, names: dict[str, str], target: pl.Schema) -> pl.DataFrame:
    """With the names and types of the contract; NaN is what some exports write for a missing number."""
    return frame.rename(names).select(target.names()).cast(dict(target)).fill_nan(None)
