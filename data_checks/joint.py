"""Columns derived at the door: what a row's columns say together, and beside what was known before."""

import polars as pl

from data_checks import schema as s
from data_checks.feeds import flight_id
from data_checks.history import History
from data_checks.times import NEW_YORK

MILES_PER_HOUR_OF_A_KNOT = 1.150779448
MAGNUS_A, MAGNUS_B_CELSIUS = 17.625, 243.04
"""Alduchov and Eskridge 1996, Improved Magnus form approximation of saturation vapor pressure, J. Appl. Meteor. 35."""


def with_derived(feed: s.Feed, batch: pl.DataFrame, history: History) -> pl.DataFrame:
    """The batch with the derived columns of its feed beside it, rows in their order."""
    derive = {s.SCHEDULE.name: _of_schedule, s.OUTCOMES.name: _of_outcomes, s.WEATHER.name: _of_weather}[feed.name]
    types = {column.name: column.dtype for column in feed.derived}
    derived = derive(batch, history).select(pl.col(name).cast(dtype) for name, dtype in types.items())
    return pl.concat([batch, derived.fill_nan(None)], how="horizontal")  # an endless number less another is none


def _of_schedule(batch: pl.DataFrame, history: History) -> pl.DataFrame:
    block_h = (pl.col(s.SCHEDULED_ARRIVAL) - pl.col(s.SCHEDULED_DEPARTURE)).dt.total_minutes() / 60
    ahead = (pl.col(s.SCHEDULED_DEPARTURE) - pl.col(s.KNOWN_AT)).dt.total_microseconds() / 86_400_000_000
    return _beside_route(batch, history).with_columns(
        _flight_id_agrees().alias(s.FLIGHT_ID_AGREES),
        _is_listed(s.CARRIER, history.carriers).alias(s.CARRIER_IS_LISTED),
        _is_listed(s.DESTINATION, history.destinations).alias(s.DESTINATION_IS_LISTED),
        pl.when(block_h > 0).then(pl.col(s.DISTANCE) / block_h).alias(s.BLOCK_SPEED),
        ahead.alias(s.KNOWN_AHEAD),
    )


def _of_outcomes(batch: pl.DataFrame, history: History) -> pl.DataFrame:
    other_than_event = [name for name in s.OUTCOMES.key if name != s.EVENT]
    is_ending = pl.col(s.EVENT).is_in([s.ARRIVED, s.CANCELLED, s.DIVERTED])
    endings = pl.when(is_ending).then(pl.col(s.EVENT)).drop_nulls().n_unique().over(other_than_event)
    numbered = batch.with_columns(pl.when(pl.col(s.FLIGHT_ID).is_not_null()).then(endings).alias(s.ENDINGS))
    if history.planned is None or history.planned.is_empty():
        return numbered.with_columns(pl.lit(None).alias(name) for name in (s.FLIGHT_IS_PLANNED, s.KNOWN_AFTER_EVENT))
    first_day = history.planned[s.FLIGHT_ID].min()[: len("2013-07-01")]
    beside = numbered.join(history.planned, on=s.FLIGHT_ID, how="left", maintain_order="left")
    is_planned = pl.col(s.FLIGHT_ID).is_in(history.planned[s.FLIGHT_ID].implode())
    at_departure = pl.col(s.EVENT).is_in([s.DEPARTED, s.CANCELLED])
    due = pl.when(at_departure).then(pl.col(s.SCHEDULED_DEPARTURE)).otherwise(pl.col(s.SCHEDULED_ARRIVAL))
    wait = pl.when(pl.col(s.EVENT) == s.DIVERTED).then(24 * 60).otherwise(pl.col(s.DELAY).fill_null(0))
    return beside.with_columns(
        # of flights that left before the schedule at hand begins nothing can be said
        pl.when(pl.col(s.FLIGHT_ID) >= first_day).then(is_planned).alias(s.FLIGHT_IS_PLANNED),
        ((pl.col(s.KNOWN_AT) - due).dt.total_microseconds() / 60_000_000 - wait).alias(s.KNOWN_AFTER_EVENT),
    )


def _of_weather(batch: pl.DataFrame, history: History) -> pl.DataFrame:
    after = (pl.col(s.KNOWN_AT) - pl.col(s.OBSERVED_AT)).dt.total_microseconds() / 3_600_000_000
    off_knots = pl.max_horizontal(_off_knots(s.WIND_SPEED), _off_knots(s.WIND_GUST))
    return batch.with_columns(
        after.alias(s.KNOWN_AFTER_HOURS),
        (pl.col(s.HUMIDITY) - relative_humidity_pct()).alias(s.HUMIDITY_GAP),
        (pl.col(s.TEMPERATURE) - pl.col(s.DEW_POINT)).alias(s.DEW_POINT_SPREAD),
        (pl.col(s.WIND_GUST) - pl.col(s.WIND_SPEED)).alias(s.GUST_OVER_WIND),
        off_knots.alias(s.WIND_OFF_KNOTS),
        ((pl.col(s.WIND_SPEED) == 0) == (pl.col(s.WIND_DIRECTION) == 0)).alias(s.CALM_AGREES),
    )


def relative_humidity_pct() -> pl.Expr:
    """Relative humidity from temperature and dew point, by the Magnus formula; 100 where they are equal."""
    temperature, dew_point = ((pl.col(name) - 32) / 1.8 for name in (s.TEMPERATURE, s.DEW_POINT))
    saturation = [MAGNUS_A * celsius / (MAGNUS_B_CELSIUS + celsius) for celsius in (dew_point, temperature)]
    return 100 * (saturation[0] - saturation[1]).exp()


def _flight_id_agrees() -> pl.Expr:
    """A flight at 24:00 is named after the day that ends, one at 00:00 after the day that begins."""
    local = pl.col(s.SCHEDULED_DEPARTURE).dt.convert_time_zone(NEW_YORK)
    parts = (pl.col(s.CARRIER), pl.col(s.FLIGHT_NUMBER), pl.col(s.ORIGIN))
    today, yesterday = (flight_id(day, *parts) for day in (local, local.dt.offset_by("-1d")))
    is_midnight = (local.dt.hour() == 0) & (local.dt.minute() == 0)
    agrees = (pl.col(s.FLIGHT_ID) == today) | (is_midnight & (pl.col(s.FLIGHT_ID) == yesterday))
    return pl.when(local.is_not_null()).then(agrees)


def _is_listed(column: str, listed: frozenset[str] | None) -> pl.Expr:
    return pl.lit(None, dtype=pl.Boolean) if listed is None else pl.col(column).is_in(sorted(listed))


def _beside_route(batch: pl.DataFrame, history: History) -> pl.DataFrame:
    """A route has one distance: that of weeks before, on a new route the one that most rows of the batch agree on."""
    route, known = (s.ORIGIN, s.DESTINATION), "known_distance"
    earlier = batch.select(*route, s.DISTANCE).clear() if history.distances is None else history.distances
    beside = batch.join(earlier.rename({s.DISTANCE: known}), on=route, how="left", maintain_order="left")
    usual = pl.coalesce(pl.col(known), pl.col(s.DISTANCE).median().over(route))
    return beside.with_columns((pl.col(s.DISTANCE) - usual).alias(s.DISTANCE_CHANGE))


def _off_knots(column: str) -> pl.Expr:
    knots = pl.col(column) / MILES_PER_HOUR_OF_A_KNOT
    return (knots - knots.round()).abs()
