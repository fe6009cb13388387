"""The name, unit, meaning and moment of every feature, in the order in which the model sees them. No computation."""

from dataclasses import dataclass

from data_checks import schema as s

_PLAN = "with the plan, seven days before departure"
_REGISTER = "from the first day: the register of aircraft"
_INBOUND = "when the aircraft leaves or lands"
_REPORT = "one hour after the observation"
_DEPARTURES = "when each flight leaves; cancelled: at its scheduled departure"
_ARRIVALS = "when each flight lands"

ROOM = "pipelines"


@dataclass(frozen=True)
class Feature:
    """One input of the model. `group` is the question it answers: a function of `pipelines/features.py`.

    `known_at` says from when the values behind it may be used; the room that owns it answers for its definition.
    """

    name: str
    group: str
    unit: str
    meaning: str
    known_at: str
    owner: str = ROOM


CATEGORIES: dict[str, tuple[str, ...]] = {s.CARRIER: s.CARRIERS, s.ORIGIN: s.ORIGINS}
"""The categorical features and the values the contract allows; the model sees any other value as missing."""

FEATURES = (
    Feature(s.CARRIER, "plan", "", "airline", _PLAN),
    Feature(s.ORIGIN, "plan", "", "airport of departure", _PLAN),
    Feature("departure_minute_of_day", "plan", "min", "scheduled departure on the clock in New York", _PLAN),
    Feature("departure_weekday", "plan", "", "1 Monday to 7 Sunday", _PLAN),
    Feature(
        "days_from_holiday", "plan", "days", "from the nearest federal holiday, negative before; 8: over a week", _PLAN
    ),
    Feature(s.DISTANCE, "plan", "miles", "distance to the destination", _PLAN),
    Feature("scheduled_block_min", "plan", "min", "scheduled time from gate to gate", _PLAN),
    Feature(
        "departures_same_hour", "plan", "flights", "other departures planned at the airport in the clock hour", _PLAN
    ),
    Feature(s.SEATS, "plane", "seats", "seats of the aircraft type", _REGISTER),
    Feature(s.ENGINES, "plane", "engines", "engines of the aircraft", _REGISTER),
    Feature("plane_age_years", "plane", "years", "years since the aircraft was built", _REGISTER),
    Feature(
        "aircraft_last_arrival_delay_min", "inbound", "min", "delay of the aircraft's last landing out there", _INBOUND
    ),
    Feature("aircraft_landed_hours_ago", "inbound", "h", "time since that landing", _INBOUND),
    Feature(
        "aircraft_last_departure_delay_min", "inbound", "min", "delay of its last departure from New York", _INBOUND
    ),
    Feature("aircraft_left_hours_ago", "inbound", "h", "time since that departure", _INBOUND),
    Feature(
        "aircraft_due_hours_ago", "inbound", "h", "time since that flight was due; negative while still due", _INBOUND
    ),
    Feature(
        "aircraft_turn_slack_min",
        "inbound",
        "min",
        "from its landing out there to this departure, less the way back",
        _INBOUND,
    ),
    Feature(s.TEMPERATURE, "weather", "°F", "temperature in the last report", _REPORT),
    Feature(s.DEW_POINT, "weather", "°F", "dew point in the last report", _REPORT),
    Feature(s.WIND_DIRECTION, "weather", "°", "wind direction in the last report", _REPORT),
    Feature(s.WIND_SPEED, "weather", "mph", "wind speed in the last report", _REPORT),
    Feature(s.PRESSURE, "weather", "mbar", "pressure in the last report", _REPORT),
    Feature(s.VISIBILITY, "weather", "miles", "visibility in the last report", _REPORT),
    Feature("pressure_change_3h_mbar", "weather", "mbar", "pressure now less three hours before", _REPORT),
    Feature("precipitation_6h_in", "weather", "in", "precipitation reported in six hours", _REPORT),
    Feature("origin_waiting_flights", "airport", "flights", "flights past their time that have not left", _DEPARTURES),
    Feature("origin_departure_delay_1h_min", "airport", "min", "mean delay of the departures of one hour", _DEPARTURES),
    Feature(
        "origin_departure_delay_3h_min", "airport", "min", "mean delay of the departures of three hours", _DEPARTURES
    ),
    Feature("origin_departure_delay_24h_min", "airport", "min", "mean delay of the departures of a day", _DEPARTURES),
    Feature(
        "origin_cancelled_share_3h",
        "airport",
        "share",
        "cancelled among the departures due in three hours",
        _DEPARTURES,
    ),
    Feature(
        "origin_cancelled_share_24h", "airport", "share", "cancelled among the departures due in a day", _DEPARTURES
    ),
    Feature("carrier_late_share_24h", "network", "share", "late among the carrier's landings of a day", _ARRIVALS),
    Feature(
        "carrier_late_share_30d", "network", "share", "late among the carrier's landings of thirty days", _ARRIVALS
    ),
    Feature(
        "carrier_origin_departure_delay_6h_min",
        "network",
        "min",
        "mean delay of the carrier's departures here",
        _DEPARTURES,
    ),
    Feature(
        "destination_arrival_delay_6h_min", "network", "min", "mean delay of landings at the destination", _ARRIVALS
    ),
    Feature(
        "destination_late_share_24h", "network", "share", "late among landings at the destination of a day", _ARRIVALS
    ),
    Feature("route_arrival_delay_24h_min", "network", "min", "mean delay of the route's landings of a day", _ARRIVALS),
    Feature(
        "flight_number_arrival_delay_14d_min",
        "network",
        "min",
        "mean delay of this flight number of two weeks",
        _ARRIVALS,
    ),
)

NAMES = tuple(feature.name for feature in FEATURES)
CATEGORICAL = tuple(CATEGORIES)
NUMERIC = tuple(name for name in NAMES if name not in CATEGORIES)
