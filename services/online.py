"""Features online: the rules and the arrays of offline, for flights that arrive as messages, and how fresh they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from data_checks import schema as s
from pipelines.as_of import AS_OF
from pipelines.asked import FRESH, PLAN_ONLY, STALE, plans_as_schedule
from pipelines.clock import Week
from pipelines.encoding import decode_rows, encode_features
from pipelines.feature_catalog import CATEGORICAL, FEATURES, NAMES
from pipelines.features import build_features, fill_distances
from pipelines.state import HOURS_AHEAD, State, World, prepare_state
from services.messages import FlightRequest
from services.plan_index import PlanIndex

PLAN_DAYS = 7
"""Days ahead for which the plan is published: of a departure later than that nothing is known anywhere."""

_COUNTS = ("departures_same_hour", "origin_waiting_flights", "precipitation_6h_in")
"""Sums that are 0 where nothing was heard: beyond the snapshot they are missing, not zero."""
_OF_THE_PLAN = [place for place, one in enumerate(FEATURES) if one.group == "plan" and one.name not in _COUNTS]
_COUNTED = [place for place, name in enumerate(NAMES) if name in _COUNTS]


class OutsideOfState(ValueError):  # noqa: N818
    """A flight leaves at a time for which the service does not have the feeds."""


@dataclass(frozen=True)
class FeatureRows:
    """The features of some flights, in order: names, moments, `encoded` (n, n_features); and how fresh all of it is."""

    flight_ids: Sequence[str]
    as_of: Sequence[str]
    encoded: np.ndarray
    mode: str
    known_until: str | None
    behind_minutes: float


class OnlineFeatures:
    """The features of flights that leave from one week on; those of its plan are made beforehand and looked up."""

    def __init__(self, state: State, schedule: pl.DataFrame, week: Week, known_until: datetime | None = None) -> None:
        self.start = week.start
        self.end = known_until or week.end
        self.last = self.end + timedelta(days=PLAN_DAYS)
        self.week = week.id
        self._known_until = self.end.isoformat()
        self._state = state
        planned = build_features(schedule, state)
        self._encoded = encode_features(planned)
        self._ids, self._moments = planned[s.FLIGHT_ID].to_list(), _iso(planned)
        self._index = PlanIndex(schedule)
        self._row_of = {plan: row for row, plan in enumerate(self._index.plans)}

    def in_plan(self, body: bytes, is_batch: bool) -> tuple[list[tuple], FeatureRows] | None:
        """What `plan_of` and `rows` say of the flights of a request, None unless all are in the plan word for word."""
        rows = self._index.find(body, is_batch)
        return None if rows is None else ([self._index.plans[row] for row in rows], self._planned(rows))

    def rows(self, flights: list[FlightRequest]) -> FeatureRows:
        """Encoded features per request, in order. Raises OutsideOfState naming those that cannot be answered."""
        rows = [self._row_of.get(plan_of(flight)) for flight in flights]
        return self._computed_rows(flights) if None in rows else self._planned(rows)

    def _planned(self, rows: list[int]) -> FeatureRows:
        ids, moments = [self._ids[row] for row in rows], [self._moments[row] for row in rows]
        encoded = self._encoded[rows[0] : rows[0] + 1] if len(rows) == 1 else self._encoded[rows]
        return FeatureRows(ids, moments, encoded, FRESH, self._known_until, 0.0)

    def computed(self, flights: list[FlightRequest]) -> pl.DataFrame:
        """Named features, made now from the arrays: what a flight gets that is not in the plan as it is asked."""
        schedule = fill_distances(as_schedule(flights), self._state)
        return build_features(schedule, self._state)

    def _computed_rows(self, flights: list[FlightRequest]) -> FeatureRows:
        self._require_inside(flights)
        table = self.computed(flights)
        encoded = encode_features(table)
        beyond = np.array([flight.scheduled_departure >= self.end for flight in flights])
        encoded[np.ix_(beyond, _COUNTED)] = np.nan
        latest = max(flight.scheduled_departure for flight in flights) - timedelta(hours=HOURS_AHEAD)
        behind = max(0.0, (latest - self.end).total_seconds() / 60)
        mode = STALE if beyond.any() else FRESH
        return FeatureRows(table[s.FLIGHT_ID].to_list(), _iso(table), encoded, mode, self._known_until, behind)

    def _require_inside(self, flights: list[FlightRequest]) -> None:
        outside = [flight for flight in flights if not self.start <= flight.scheduled_departure < self.last]
        if outside:
            first = outside[0]
            raise OutsideOfState(
                f"{len(outside)} of {len(flights)} flights leave outside of {self.start:%Y-%m-%d %H:%M} to "
                f"{self.last:%Y-%m-%d %H:%M} UTC, the first is {first.carrier}{first.flight_number} at "
                f"{first.scheduled_departure.isoformat()}; the service knows the feeds of the week of {self.week} alone"
            )


class PlanAlone:
    """Features without a snapshot: what the request itself says; all else is missing."""

    week = start = end = last = None

    def __init__(self) -> None:
        nothing = {name: pl.DataFrame(schema=feed.polars_schema) for name, feed in s.FEEDS.items()}
        self._state = prepare_state(World(**nothing, planes=pl.DataFrame(schema=s.PLANES)))

    def in_plan(self, body: bytes, is_batch: bool) -> None:
        """There is no plan."""

    def rows(self, flights: list[FlightRequest]) -> FeatureRows:
        """As `OnlineFeatures.rows`, for any moment."""
        table = build_features(as_schedule(flights), self._state)
        encoded = np.full((len(flights), len(NAMES)), np.nan)
        encoded[:, _OF_THE_PLAN] = encode_features(table)[:, _OF_THE_PLAN]
        return FeatureRows(table[s.FLIGHT_ID].to_list(), _iso(table), encoded, PLAN_ONLY, None, 0.0)


def as_features(found: Sequence[FeatureRows]) -> pl.DataFrame:
    """What `rows` gave, one after the other, as the named features of `build_features`."""
    types = {name: pl.String if name in CATEGORICAL else pl.Float64 for name in NAMES}
    table = pl.DataFrame(decode_rows(np.concatenate([rows.encoded for rows in found])), schema=types)
    moments = [datetime.fromisoformat(moment) for rows in found for moment in rows.as_of]
    return table.select(
        pl.Series(s.FLIGHT_ID, [name for rows in found for name in rows.flight_ids]),
        pl.Series(AS_OF, moments, dtype=s.MOMENT),
        *NAMES,
    )


def as_schedule(flights: list[FlightRequest]) -> pl.DataFrame:
    """The requests as rows of the schedule feed; a distance left out is null."""
    return plans_as_schedule([plan_of(flight) for flight in flights])


def plan_of(flight: FlightRequest) -> tuple:
    """What a request says of its flight, in the order of the schedule's columns; equal moments are equal everywhere."""
    return (
        flight.carrier,
        flight.flight_number,
        flight.tail_number,
        flight.origin,
        flight.destination,
        flight.scheduled_departure,
        flight.scheduled_arrival,
        flight.distance_miles,
    )


def _iso(table: pl.DataFrame) -> list[str]:
    return [moment.isoformat() for moment in table[AS_OF].to_list()]
