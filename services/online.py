"""Features online: the same rules as offline, on the feeds of the newest weeks, for flights that arrive as messages."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from data_checks import schema as s
from data_checks.feeds import flight_id
from pipelines.clock import Week, local_day
from pipelines.features import State, World, build_features, prepare_state
from services.messages import FlightRequest


class OutsideOfState(ValueError):  # noqa: N818
    """A flight leaves at a time for which the service does not have the feeds."""


@dataclass(frozen=True)
class OnlineState:
    """Look-up tables as of one week, and the departures they can answer: from `start` to before `end`, UTC."""

    state: State
    distances: dict[tuple[str, str], float]
    start: datetime
    end: datetime


def online_state(world: World, week: Week) -> OnlineState:
    """Look-up tables from the feeds up to the end of `week`, for flights that leave in it."""
    routes = world.schedule.group_by(s.ORIGIN, s.DESTINATION).agg(pl.col(s.DISTANCE).max())
    return OnlineState(
        state=prepare_state(world),
        distances={(origin, destination): distance for origin, destination, distance in routes.iter_rows()},
        start=week.start,
        end=week.end,
    )


def online_features(flights: list[FlightRequest], online: OnlineState) -> pl.DataFrame:
    """One row of features per request, in order. Raises OutsideOfState naming the flights that cannot be answered."""
    outside = [flight for flight in flights if not online.start <= flight.scheduled_departure < online.end]
    if outside:
        first = outside[0]
        raise OutsideOfState(
            f"{len(outside)} of {len(flights)} flights leave outside of {online.start:%Y-%m-%d %H:%M} to "
            f"{online.end:%Y-%m-%d %H:%M} UTC, the first is {first.carrier}{first.flight_number} at "
            f"{first.scheduled_departure.isoformat()}; the service knows the feeds of that week alone"
        )
    return build_features(_as_schedule(flights, online), online.state)


def _as_schedule(flights: list[FlightRequest], online: OnlineState) -> pl.DataFrame:
    """The requests as rows of the schedule feed."""
    rows = pl.DataFrame(
        {
            s.CARRIER: [flight.carrier for flight in flights],
            s.FLIGHT_NUMBER: [flight.flight_number for flight in flights],
            s.TAIL_NUMBER: [flight.tail_number for flight in flights],
            s.ORIGIN: [flight.origin for flight in flights],
            s.DESTINATION: [flight.destination for flight in flights],
            s.SCHEDULED_DEPARTURE: [flight.scheduled_departure for flight in flights],
            s.SCHEDULED_ARRIVAL: [flight.scheduled_arrival for flight in flights],
            s.DISTANCE: [
                flight.distance_miles or online.distances.get((flight.origin, flight.destination)) for flight in flights
            ],
        },
        schema={
            name: dtype for name, dtype in s.SCHEDULE.polars_schema.items() if name not in (s.FLIGHT_ID, s.KNOWN_AT)
        },
    )
    day = local_day(s.SCHEDULED_DEPARTURE)
    return rows.with_columns(flight_id(day, pl.col(s.CARRIER), pl.col(s.FLIGHT_NUMBER), pl.col(s.ORIGIN)))
