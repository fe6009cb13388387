"""Features of a flight as of two hours before its scheduled departure: one definition, offline and online.

Every value comes from a row whose `known_at_utc` is not after `as_of_utc`. `prepare_state` is
done once per set of feeds, `build_features` for any flights; neither changes its arguments.
"""

from dataclasses import dataclass

import polars as pl

from data_checks import schema as s
from data_checks.times import NEW_YORK
from data_checks.words import first_word
from monitoring.labels import LATE_MIN
from pipelines.as_of import AS_OF, Totals, latest

HOURS_AHEAD = 2

_AIRCRAFT_EVENT = "aircraft_event"
_DUE_AT = "due_at"


@dataclass(frozen=True)
class World:
    """The feeds that features look at: accepted rows of some weeks up to the one in question, and the planes."""

    schedule: pl.DataFrame
    outcomes: pl.DataFrame
    weather: pl.DataFrame
    planes: pl.DataFrame


@dataclass(frozen=True)
class State:
    """Feeds made ready for look-ups by moment."""

    origin_departures: Totals
    carrier_departures: Totals
    carrier_arrivals: Totals
    destination_arrivals: Totals
    flight_number_arrivals: Totals
    waiting: Totals
    precipitation: Totals
    weather: pl.DataFrame
    aircraft_departures: pl.DataFrame
    aircraft_arrivals: pl.DataFrame
    departures_by_hour: pl.DataFrame
    scheduled: pl.DataFrame
    planes: pl.DataFrame


def build_features(flights: pl.DataFrame, state: State) -> pl.DataFrame:
    """One row of features per flight, in the order of `flights`: `flight_id`, `as_of_utc`, then `FEATURES`.

    `flights` has the columns of the schedule feed; a missing value is null, never a default.
    """
    as_of = (pl.col(s.SCHEDULED_DEPARTURE) - pl.duration(hours=HOURS_AHEAD)).alias(AS_OF)
    rows = flights.with_columns(as_of, _departure_hour())
    return pl.concat(
        [
            rows.select(s.FLIGHT_ID, AS_OF, s.CARRIER, s.ORIGIN),
            _calendar_and_plan(rows),
            _congestion(rows, state),
            _plane(rows, state),
            _aircraft(rows, state),
            _weather(rows, state),
            _airport(rows, state),
            _delays_by(rows, state),
        ],
        how="horizontal",
    )


def prepare_state(world: World) -> State:
    """The look-up tables behind the features, from the feeds of the last weeks."""
    plan = world.schedule.drop(s.KNOWN_AT)
    outcomes = first_word(world.outcomes).join(plan, on=s.FLIGHT_ID, maintain_order="left")
    departures = outcomes.filter(pl.col(s.EVENT).is_in([s.DEPARTED, s.CANCELLED]))
    arrivals = outcomes.filter(pl.col(s.EVENT) == s.ARRIVED)
    flown = pl.col(s.EVENT) == s.DEPARTED
    departure_counts = {
        "flown": flown,
        "cancelled": ~flown,
        "delay": pl.col(s.DELAY).fill_null(0).clip(-15, 240),
    }
    arrival_counts = {
        "landed": pl.lit(1),
        "late": pl.col(s.DELAY) >= LATE_MIN,
        "delay": pl.col(s.DELAY).clip(-30, 240),
    }
    hundredths = (pl.col(s.PRECIPITATION).fill_null(0) * 100).round()
    by_hour = world.schedule.with_columns(_departure_hour()).group_by(s.ORIGIN, _HOUR).len("departures")
    return State(
        origin_departures=Totals.of(departures, (s.ORIGIN,), **departure_counts),
        carrier_departures=Totals.of(departures, (s.ORIGIN, s.CARRIER), **departure_counts),
        carrier_arrivals=Totals.of(arrivals, (s.CARRIER,), **arrival_counts),
        destination_arrivals=Totals.of(arrivals, (s.DESTINATION,), **arrival_counts),
        flight_number_arrivals=Totals.of(arrivals, (s.CARRIER, s.FLIGHT_NUMBER), **arrival_counts),
        waiting=_waiting(world.schedule, departures),
        precipitation=Totals.of(world.weather, (s.ORIGIN,), hundredths=hundredths),
        weather=world.weather.sort(s.KNOWN_AT),
        aircraft_departures=_aircraft_events(departures.filter(flown)),
        aircraft_arrivals=_aircraft_events(arrivals),
        departures_by_hour=by_hour,
        scheduled=world.schedule.select(s.FLIGHT_ID, pl.lit(1).alias("own")),
        planes=world.planes.select(s.TAIL_NUMBER, s.YEAR_BUILT, s.SEATS).unique(s.TAIL_NUMBER, keep="first"),
    )


_HOUR = "departure_hour"


def _departure_hour() -> pl.Expr:
    return pl.col(s.SCHEDULED_DEPARTURE).dt.truncate("1h").alias(_HOUR)


def _waiting(schedule: pl.DataFrame, departures: pl.DataFrame) -> Totals:
    """+1 when a flight should leave, -1 when it leaves later or is cancelled, or after a day at the latest."""
    should_leave = schedule.select(s.ORIGIN, s.FLIGHT_ID, pl.col(s.SCHEDULED_DEPARTURE).alias(s.KNOWN_AT))
    left = departures.select(s.FLIGHT_ID, pl.col(s.KNOWN_AT).alias("left_at"))
    a_day_later = pl.col(s.KNOWN_AT) + pl.duration(days=1)
    left_at = pl.max_horizontal(pl.col("left_at").fill_null(a_day_later), s.KNOWN_AT)
    closed = should_leave.join(left, on=s.FLIGHT_ID, how="left", maintain_order="left")
    events = pl.concat(
        [
            closed.select(s.ORIGIN, s.KNOWN_AT, pl.lit(1).alias("step")),
            closed.select(
                s.ORIGIN, pl.min_horizontal(left_at, a_day_later).alias(s.KNOWN_AT), pl.lit(-1).alias("step")
            ),
        ]
    )
    return Totals.of(events, (s.ORIGIN,), flights=pl.col("step"))


def _aircraft_events(events: pl.DataFrame) -> pl.DataFrame:
    return (
        events.filter(pl.col(s.TAIL_NUMBER).is_not_null())
        .select(
            s.TAIL_NUMBER,
            s.KNOWN_AT,
            s.DELAY,
            pl.col(s.KNOWN_AT).alias(_AIRCRAFT_EVENT),
            pl.col(s.SCHEDULED_ARRIVAL).alias(_DUE_AT),
        )
        .sort(s.KNOWN_AT, _DUE_AT)
    )


def _calendar_and_plan(rows: pl.DataFrame) -> pl.DataFrame:
    local = pl.col(s.SCHEDULED_DEPARTURE).dt.convert_time_zone(NEW_YORK)
    block = (pl.col(s.SCHEDULED_ARRIVAL) - pl.col(s.SCHEDULED_DEPARTURE)).dt.total_minutes()
    return rows.select(
        (local.dt.hour().cast(pl.Float64) * 60 + local.dt.minute()).alias("departure_minute_of_day"),
        local.dt.weekday().cast(pl.Float64).alias("departure_weekday"),
        pl.col(s.DISTANCE),
        block.cast(pl.Float64).alias("scheduled_block_min"),
    )


def _congestion(rows: pl.DataFrame, state: State) -> pl.DataFrame:
    """Other flights of the plan that leave the same airport in the same clock hour."""
    counted = rows.join(state.departures_by_hour, on=[s.ORIGIN, _HOUR], how="left", maintain_order="left").join(
        state.scheduled, on=s.FLIGHT_ID, how="left", maintain_order="left"
    )
    others = pl.col("departures").cast(pl.Int64).fill_null(0) - pl.col("own").fill_null(0)
    return counted.select(others.cast(pl.Float64).alias("departures_same_hour"))


def _plane(rows: pl.DataFrame, state: State) -> pl.DataFrame:
    found = rows.join(state.planes, on=s.TAIL_NUMBER, how="left", maintain_order="left")
    return found.select(
        pl.col(s.SEATS).cast(pl.Float64),
        (pl.col(AS_OF).dt.year() - pl.col(s.YEAR_BUILT)).cast(pl.Float64).alias("plane_age_years"),
    )


def _aircraft(rows: pl.DataFrame, state: State) -> pl.DataFrame:
    """Where the aircraft was last seen: its newest departure from New York, and its newest landing after one."""
    columns = (s.DELAY, _AIRCRAFT_EVENT, _DUE_AT)
    landed = latest(rows, state.aircraft_arrivals, AS_OF, (s.TAIL_NUMBER,), columns, within="7d")
    left = latest(rows, state.aircraft_departures, AS_OF, (s.TAIL_NUMBER,), columns, within="7d")
    as_of = rows[AS_OF]
    return pl.DataFrame(
        {
            "aircraft_last_arrival_delay_min": landed[s.DELAY].cast(pl.Float64),
            "aircraft_landed_hours_ago": _hours(as_of - landed[_AIRCRAFT_EVENT]),
            "aircraft_last_departure_delay_min": left[s.DELAY].cast(pl.Float64),
            "aircraft_left_hours_ago": _hours(as_of - left[_AIRCRAFT_EVENT]),
            "aircraft_due_hours_ago": _hours(as_of - left[_DUE_AT]),
        }
    )


def _hours(durations: pl.Series) -> pl.Series:
    return durations.dt.total_minutes() / 60


def _weather(rows: pl.DataFrame, state: State) -> pl.DataFrame:
    columns = (s.TEMPERATURE, s.DEW_POINT, s.WIND_DIRECTION, s.WIND_SPEED, s.PRESSURE, s.VISIBILITY)
    now = latest(rows, state.weather, AS_OF, (s.ORIGIN,), columns, within="12h")
    earlier = rows.select(s.ORIGIN, (pl.col(AS_OF) - pl.duration(hours=3)).alias("at"))
    before = latest(earlier, state.weather, "at", (s.ORIGIN,), (s.PRESSURE,), within="12h")
    rain = state.precipitation.within(rows, hours=6)["hundredths"] / 100
    return now.with_columns(
        (now[s.PRESSURE] - before[s.PRESSURE]).alias("pressure_change_3h_mbar"),
        rain.alias("precipitation_6h_in"),
    )


def _airport(rows: pl.DataFrame, state: State) -> pl.DataFrame:
    windows = {hours: state.origin_departures.within(rows, hours) for hours in (1, 3, 24)}
    means = {f"origin_departure_delay_{hours}h_min": _mean(window, "flown") for hours, window in windows.items()}
    last = windows[3]
    return pl.DataFrame(
        {
            "origin_waiting_flights": state.waiting.at(rows)["flights"].cast(pl.Float64),
            **means,
            "origin_cancelled_share_3h": _ratio(last["cancelled"], last["cancelled"] + last["flown"]),
        }
    )


def _delays_by(rows: pl.DataFrame, state: State) -> pl.DataFrame:
    """How late the carrier, the destination and this very flight number ran lately."""
    day, month = state.carrier_arrivals.within(rows, 24), state.carrier_arrivals.within(rows, 24 * 30)
    destination = state.destination_arrivals.within(rows, 24)
    return pl.DataFrame(
        {
            "carrier_late_share_24h": _ratio(day["late"], day["landed"]),
            "carrier_late_share_30d": _ratio(month["late"], month["landed"]),
            "carrier_origin_departure_delay_6h_min": _mean(state.carrier_departures.within(rows, 6), "flown"),
            "destination_arrival_delay_6h_min": _mean(state.destination_arrivals.within(rows, 6), "landed"),
            "destination_late_share_24h": _ratio(destination["late"], destination["landed"]),
            "flight_number_arrival_delay_14d_min": _mean(state.flight_number_arrivals.within(rows, 24 * 14), "landed"),
        }
    )


def _mean(window: pl.DataFrame, count: str) -> pl.Series:
    return _ratio(window["delay"], window[count])


def _ratio(part: pl.Series, whole: pl.Series) -> pl.Series:
    """`part / whole`, null where nothing was counted."""
    return pl.select(pl.when(whole > 0).then(part / whole)).to_series()
