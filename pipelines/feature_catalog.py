"""The name, unit and meaning of every feature, in the order in which the model sees them. No computation."""

from dataclasses import dataclass

from data_checks import schema as s


@dataclass(frozen=True)
class Feature:
    """One input of the model; `group` is the question it answers."""

    name: str
    group: str
    unit: str
    meaning: str


CATEGORIES: dict[str, tuple[str, ...]] = {s.CARRIER: s.CARRIERS, s.ORIGIN: s.ORIGINS}
"""The categorical features and the values the contract allows; the model sees any other value as missing."""

FEATURES = (
    Feature(s.CARRIER, "plan", "", "airline"),
    Feature(s.ORIGIN, "plan", "", "airport of departure"),
    Feature("departure_minute_of_day", "plan", "min", "scheduled departure on the clock in New York"),
    Feature("departure_weekday", "plan", "", "1 Monday to 7 Sunday"),
    Feature(s.DISTANCE, "plan", "miles", "distance to the destination"),
    Feature("scheduled_block_min", "plan", "min", "scheduled time from gate to gate"),
    Feature(
        "departures_same_hour", "plan", "flights", "other departures planned at the airport in the same clock hour"
    ),
    Feature(s.SEATS, "aircraft", "seats", "seats of the aircraft type"),
    Feature("plane_age_years", "aircraft", "years", "years since the aircraft was built"),
    Feature(
        "aircraft_last_arrival_delay_min", "aircraft", "min", "delay of the aircraft's last landing out of New York"
    ),
    Feature("aircraft_landed_hours_ago", "aircraft", "h", "time since that landing"),
    Feature("aircraft_last_departure_delay_min", "aircraft", "min", "delay of its last departure from New York"),
    Feature("aircraft_left_hours_ago", "aircraft", "h", "time since that departure"),
    Feature("aircraft_due_hours_ago", "aircraft", "h", "time since that flight was due; negative while still due"),
    Feature(s.TEMPERATURE, "weather", "°F", "temperature in the last report"),
    Feature(s.DEW_POINT, "weather", "°F", "dew point in the last report"),
    Feature(s.WIND_DIRECTION, "weather", "°", "wind direction in the last report"),
    Feature(s.WIND_SPEED, "weather", "mph", "wind speed in the last report"),
    Feature(s.PRESSURE, "weather", "mbar", "pressure in the last report"),
    Feature(s.VISIBILITY, "weather", "miles", "visibility in the last report"),
    Feature("pressure_change_3h_mbar", "weather", "mbar", "pressure now less three hours before"),
    Feature("precipitation_6h_in", "weather", "in", "precipitation reported in six hours"),
    Feature("origin_waiting_flights", "airport", "flights", "flights past their time that have not left"),
    Feature("origin_departure_delay_1h_min", "airport", "min", "mean delay of the departures of one hour"),
    Feature("origin_departure_delay_3h_min", "airport", "min", "mean delay of the departures of three hours"),
    Feature("origin_departure_delay_24h_min", "airport", "min", "mean delay of the departures of a day"),
    Feature("origin_cancelled_share_3h", "airport", "share", "cancelled among the departures due in three hours"),
    Feature("carrier_late_share_24h", "network", "share", "late among the carrier's landings of a day"),
    Feature("carrier_late_share_30d", "network", "share", "late among the carrier's landings of thirty days"),
    Feature("carrier_origin_departure_delay_6h_min", "network", "min", "mean delay of the carrier's departures here"),
    Feature("destination_arrival_delay_6h_min", "network", "min", "mean delay of landings at the destination"),
    Feature("destination_late_share_24h", "network", "share", "late among landings at the destination of a day"),
    Feature("flight_number_arrival_delay_14d_min", "network", "min", "mean delay of this flight number of two weeks"),
)

NAMES = tuple(feature.name for feature in FEATURES)
CATEGORICAL = tuple(CATEGORIES)
NUMERIC = tuple(name for name in NAMES if name not in CATEGORIES)
