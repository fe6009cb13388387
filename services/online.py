"""Features online: the rules and the arrays of offline, for flights that arrive as messages."""

from datetime import UTC

import polars as pl

from data_checks import schema as s
from data_checks.feeds import flight_id
from pipelines.clock import Week, local_day
from pipelines.features import build_features, fill_distances
from pipelines.state import State
from services.messages import FlightRequest

_PLAN = s.SCHEDULE.polars_schema
_ASKED = [name for name in _PLAN if name not in (s.FLIGHT_ID, s.KNOWN_AT)]


class OutsideOfState(ValueError):  # noqa: N818
    """A flight leaves at a time for which the service does not have the feeds."""


class OnlineFeatures:
    """The features of any flight that leaves in one week; those of its plan are made beforehand and looked up."""

    def __init__(self, state: State, schedule: pl.DataFrame, week: Week) -> None:
        self.start, self.end = week.start, week.end
        self._state = state
        self._planned = build_features(schedule, state)
        self._row_of = {plan: row for row, plan in enumerate(schedule.select(_ASKED).iter_rows())}

    def of(self, flights: list[FlightRequest]) -> pl.DataFrame:
        """One row of features per request, in order. Raises OutsideOfState naming those that cannot be answered."""
        self._require_inside(flights)
        plans = [_plan_of(flight) for flight in flights]
        rows = [self._row_of.get(plan) for plan in plans]
        if None not in rows:
            return self._planned[rows]
        return self.computed(flights)

    def computed(self, flights: list[FlightRequest]) -> pl.DataFrame:
        """As `of`, made now from the arrays: what a flight gets that is not in the plan as it is asked."""
        schedule = fill_distances(as_schedule(flights), self._state)
        return build_features(schedule, self._state)

    def _require_inside(self, flights: list[FlightRequest]) -> None:
        outside = [flight for flight in flights if not self.start <= flight.scheduled_departure < self.end]
        if outside:
            first = outside[0]
            raise OutsideOfState(
                f"{len(outside)} of {len(flights)} flights leave outside of {self.start:%Y-%m-%d %H:%M} to "
                f"{self.end:%Y-%m-%d %H:%M} UTC, the first is {first.carrier}{first.flight_number} at "
                f"{first.scheduled_departure.isoformat()}; the service knows the feeds of that week alone"
            )


def as_schedule(flights: list[FlightRequest]) -> pl.DataFrame:
    """The requests as rows of the schedule feed, known when they are asked; a distance left out is null."""
    rows = pl.DataFrame(
        [_plan_of(flight) for flight in flights], schema={name: _PLAN[name] for name in _ASKED}, orient="row"
    )
    name = flight_id(local_day(s.SCHEDULED_DEPARTURE), pl.col(s.CARRIER), pl.col(s.FLIGHT_NUMBER), pl.col(s.ORIGIN))
    return rows.with_columns(name)


def _plan_of(flight: FlightRequest) -> tuple:
    """What a request says of its flight, in the order of the schedule's columns."""
    return (
        flight.carrier,
        flight.flight_number,
        flight.tail_number,
        flight.origin,
        flight.destination,
        flight.scheduled_departure.astimezone(UTC),
        flight.scheduled_arrival.astimezone(UTC),
        flight.distance_miles,
    )
