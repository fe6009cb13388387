"""Features of a flight as of two hours before its scheduled departure: one definition, offline and online.

Every value comes from a row whose `known_at_utc` is not after `as_of_utc`. The same functions build
the rows of a year and the row of one request: arrays in, arrays out, NaN for what is missing.
"""

import numpy as np
import polars as pl

from data_checks import schema as s
from pipelines.as_of import AS_OF
from pipelines.clock import local_calendar
from pipelines.feature_catalog import CATEGORIES, NAMES, NUMERIC
from pipelines.holiday import days_from_holiday
from pipelines.state import HOURS_AHEAD, Flights, State

_MINUTE, _HOUR, _WEEK_HOURS, _PLANNED_HOURS = 60, 3600, 7 * 24, 31 * 24


def build_features(flights: pl.DataFrame, state: State) -> pl.DataFrame:
    """One row of features per flight, in the order of `flights`: `flight_id`, `as_of_utc`, then `FEATURES`.

    `flights` has the columns of the schedule feed; a missing value is null, never a default.
    """
    return as_table(flights, numeric_features(Flights.of(flights, state.keys), state))


def as_table(flights: pl.DataFrame, numbers: dict[str, np.ndarray]) -> pl.DataFrame:
    """The numeric features of flights beside their names, moments and categories; NaN becomes null."""
    as_of = (pl.col(s.SCHEDULED_DEPARTURE) - pl.duration(hours=HOURS_AHEAD)).alias(AS_OF)
    columns = pl.DataFrame({name: numbers[name] for name in NUMERIC}).fill_nan(None)
    rows = pl.concat([flights.select(s.FLIGHT_ID, as_of, *CATEGORIES), columns], how="horizontal")
    return rows.select(s.FLIGHT_ID, AS_OF, *NAMES)


def fill_distances(flights: pl.DataFrame, state: State) -> pl.DataFrame:
    """The flights, a distance left out replaced by the one last planned for the route, null when there was none.

    A plan older than the shortest history that settings allow does not count: not every world would know it.
    """
    if not flights[s.DISTANCE].null_count():
        return flights
    asked = Flights.of(flights, state.keys)
    known = state.distances.last(state.keys.route(asked.origin, asked.destination), asked.as_of, _PLANNED_HOURS)
    return flights.with_columns(pl.col(s.DISTANCE).fill_null(pl.Series(known["miles"]).fill_nan(None)))


def numeric_features(flights: Flights, state: State) -> dict[str, np.ndarray]:
    """Every feature that is a number by its name, (n_flights,) float64 each, NaN where nothing is known."""
    return {name: values for group in GROUPS.values() for name, values in group(flights, state).items()}


def plan(flights: Flights, state: State) -> dict[str, np.ndarray]:
    """What the schedule says, and how crowded its hour is: the other flights planned at the same airport."""
    minute, weekday, day = local_calendar(flights.departure)
    itself = state.keys.planned(flights.carrier, flights.number, flights.origin)
    own = state.planned.at(itself, flights.departure_hour)["flights"] > 0
    all_of_hour = state.planned_by_origin.at(flights.origin, flights.departure_hour)["flights"]
    return {
        "departure_minute_of_day": minute.astype(float),
        "departure_weekday": weekday.astype(float),
        "days_from_holiday": days_from_holiday(day),
        s.DISTANCE: flights.distance_miles,
        "scheduled_block_min": (flights.arrival - flights.departure) // _MINUTE * 1.0,
        "departures_same_hour": all_of_hour - own * 1.0,
    }


def plane(flights: Flights, state: State) -> dict[str, np.ndarray]:
    """What is known of the aircraft as a thing."""
    year = np.array(flights.as_of, dtype="datetime64[s]").astype("datetime64[Y]").astype(int) + 1970
    return {
        s.SEATS: state.planes[s.SEATS][flights.tail],
        s.ENGINES: state.planes[s.ENGINES][flights.tail],
        "plane_age_years": year - state.planes[s.YEAR_BUILT][flights.tail],
    }


def inbound(flights: Flights, state: State) -> dict[str, np.ndarray]:
    """Where the aircraft was last seen: its newest departure from New York, its newest landing after one.

    The slack of its turn is the time between the landing out there, known or expected, and this departure,
    less the time that the way back takes; below zero the aircraft cannot be here in time.
    """
    as_of = flights.as_of
    landed = state.aircraft_arrivals.last(flights.tail, as_of, _WEEK_HOURS)
    left = state.aircraft_departures.last(flights.tail, as_of, _WEEK_HOURS)
    has_landed = landed["left"] >= left["left"]
    expected = np.where(has_landed, landed["at"], np.maximum(left["due"] + left["delay"] * _MINUTE, as_of))
    way_back = left["due"] - left["left"]
    return {
        "aircraft_last_arrival_delay_min": landed["delay"],
        "aircraft_landed_hours_ago": _hours(as_of - landed["at"]),
        "aircraft_last_departure_delay_min": left["delay"],
        "aircraft_left_hours_ago": _hours(as_of - left["at"]),
        "aircraft_due_hours_ago": _hours(as_of - left["due"]),
        "aircraft_turn_slack_min": (flights.departure - expected - way_back) // _MINUTE,
    }


def weather(flights: Flights, state: State) -> dict[str, np.ndarray]:
    """The last report of the airport, what has changed in it, and the rain of the last hours."""
    observed = (s.TEMPERATURE, s.DEW_POINT, s.WIND_DIRECTION, s.WIND_SPEED, s.PRESSURE, s.VISIBILITY)
    now = state.weather.last(flights.origin, flights.as_of, 12)
    before = state.weather.last(flights.origin, flights.as_of - 3 * _HOUR, 12)
    (rain,) = state.precipitation.within(flights.origin, flights.as_of, 6)
    return {name: now[name] for name in observed} | {
        "pressure_change_3h_mbar": now[s.PRESSURE] - before[s.PRESSURE],
        "precipitation_6h_in": rain["hundredths"] / 100,
    }


def airport(flights: Flights, state: State) -> dict[str, np.ndarray]:
    """How departures run at the airport."""
    one, three, day = state.departures_by_origin.within(flights.origin, flights.as_of, 1, 3, 24)
    return {
        "origin_waiting_flights": state.waiting.until(flights.origin, flights.as_of)["flights"].astype(float),
        "origin_departure_delay_1h_min": _ratio(one["delay"], one["flown"]),
        "origin_departure_delay_3h_min": _ratio(three["delay"], three["flown"]),
        "origin_departure_delay_24h_min": _ratio(day["delay"], day["flown"]),
        "origin_cancelled_share_3h": _ratio(three["cancelled"], three["cancelled"] + three["flown"]),
        "origin_cancelled_share_24h": _ratio(day["cancelled"], day["cancelled"] + day["flown"]),
    }


def network(flights: Flights, state: State) -> dict[str, np.ndarray]:
    """How late the carrier, the destination, the route and this very flight number ran lately."""
    keys, as_of = state.keys, flights.as_of
    here = keys.carrier_at(flights.origin, flights.carrier)
    route = keys.route(flights.origin, flights.destination)
    number = keys.flight_number(flights.carrier, flights.number)
    day, month = state.arrivals_by_carrier.within(flights.carrier, as_of, 24, 24 * 30)
    (carrier,) = state.departures_by_carrier.within(here, as_of, 6)
    (lately,) = state.arrivals_by_route.within(route, as_of, 24)
    hours, there = state.arrivals_by_destination.within(flights.destination, as_of, 6, 24)
    (fortnight,) = state.arrivals_by_flight_number.within(number, as_of, 24 * 14)
    return {
        "carrier_late_share_24h": _ratio(day["late"], day["landed"]),
        "carrier_late_share_30d": _ratio(month["late"], month["landed"]),
        "carrier_origin_departure_delay_6h_min": _ratio(carrier["delay"], carrier["flown"]),
        "destination_arrival_delay_6h_min": _ratio(hours["delay"], hours["landed"]),
        "destination_late_share_24h": _ratio(there["late"], there["landed"]),
        "route_arrival_delay_24h_min": _ratio(lately["delay"], lately["landed"]),
        "flight_number_arrival_delay_14d_min": _ratio(fortnight["delay"], fortnight["landed"]),
    }


GROUPS = {
    "plan": plan,
    "plane": plane,
    "inbound": inbound,
    "weather": weather,
    "airport": airport,
    "network": network,
}
"""The functions that answer the questions of the catalog, by group."""


def _hours(seconds: np.ndarray) -> np.ndarray:
    """Hours, in whole minutes."""
    return np.trunc(seconds / _MINUTE) / 60


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """`part / whole`, NaN where nothing was counted."""
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
