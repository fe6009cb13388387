"""The contract: every feed and column, its type, unit, range and key, and from when a value is known.

Suites, checks, messages, generated batches and the data dictionary are derived from here; column names are
written here and nowhere else. Bounds were measured on 2013: docs/decisions/0010-one-contract.md.
"""

import polars as pl

from data_checks.contract import (  # noqa: F401 - read as schema.QUARANTINE
    BLOCK,
    MOMENT,
    QUARANTINE,
    WARN,
    Column,
    Feed,
    Table,
    measure,
    number,
    truth,
)

FLIGHT_ID = "flight_id"
CARRIER = "carrier"
FLIGHT_NUMBER = "flight_number"
TAIL_NUMBER = "tail_number"
ORIGIN = "origin"
DESTINATION = "destination"
SCHEDULED_DEPARTURE = "scheduled_departure_utc"
SCHEDULED_ARRIVAL = "scheduled_arrival_utc"
DISTANCE = "distance_miles"
KNOWN_AT = "known_at_utc"
EVENT = "event"
DELAY = "delay_min"
REVISION = "revision"
OBSERVED_AT = "observed_at_utc"
TEMPERATURE = "temperature_f"
DEW_POINT = "dew_point_f"
HUMIDITY = "humidity_pct"
WIND_DIRECTION = "wind_direction_deg"
WIND_SPEED = "wind_speed_mph"
WIND_GUST = "wind_gust_mph"
PRECIPITATION = "precipitation_in"
PRESSURE = "pressure_mbar"
VISIBILITY = "visibility_miles"
YEAR_BUILT = "year_built"
SEATS = "seats"
ENGINES = "engines"
AIRPORT = "airport"
TIME_ZONE = "time_zone"
NAME = "name"

DEPARTED, ARRIVED, CANCELLED, DIVERTED = "departed", "arrived", "cancelled", "diverted"
LATE_MIN = 15  # the US DOT counts an arrival as late from 15 minutes on

CARRIERS = ("9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV")
ORIGINS = ("EWR", "JFK", "LGA")


BLOCK_SPEED = "block_speed_mph"
DISTANCE_CHANGE = "distance_change_miles"
KNOWN_AHEAD = "known_ahead_days"
FLIGHT_ID_AGREES = "flight_id_agrees"
CARRIER_IS_LISTED = "carrier_is_listed"
DESTINATION_IS_LISTED = "destination_is_listed"
FLIGHT_IS_PLANNED = "flight_is_planned"
KNOWN_AFTER_EVENT = "known_after_event_min"
ENDINGS = "endings_of_flight"
KNOWN_AFTER_HOURS = "known_after_observation_h"
HUMIDITY_GAP = "humidity_over_magnus_pct"
DEW_POINT_SPREAD = "dew_point_below_temperature_f"
GUST_OVER_WIND = "gust_over_wind_mph"
WIND_OFF_KNOTS = "wind_off_whole_knots_kt"
CALM_AGREES = "calm_agrees"

ROWS_PER_DAY = "rows_per_day"
ORIGINS_SEEN = "origins_seen"
FEWEST_ROWS = "fewest_rows_of_usual"
MOST_ROWS = "most_rows_of_usual"
OUTSIDE_SHARE = "share_outside_week"
SILENT_HOURS = "silent_hours"
QUARANTINED_SHARE = "share_quarantined"
NIGHT_SHARE = "share_leaving_at_night"
MEDIAN_DISTANCE = "median_distance_miles"
SHARED_AIRCRAFT = "share_of_aircraft_with_two_carriers"
LATE_SHARE = "share_late"
CANCELLED_SHARE = "share_cancelled"
KNOWN_LATE_SHARE = "share_known_late"
WARMEST_HOUR = "warmest_hour"
WET_HUMIDITY = "wet_humidity_gain_pct"
MURKY_HUMIDITY = "murky_humidity_gain_pct"
GUSTY_WIND = "gusty_wind_gain_mph"
HOURLY_CHANGE = "{}_hourly_change"


_ID = r"^\d{4}-\d{2}-\d{2}-[0-9A-Z]{2}\d{1,4}-[A-Z]{3}$"
_FLIGHT_ID = Column(FLIGHT_ID, pl.String, "day, carrier, flight number and origin: 2013-07-01-UA1545-EWR", pattern=_ID)
_KNOWN_AT = Column(KNOWN_AT, MOMENT, "the moment from which this row may be used", "UTC")
_ORIGIN = Column(ORIGIN, pl.String, "airport in New York", domain=ORIGINS)


def _common_measures(fewest: int, most: int, volume: str, silent_hours: float) -> tuple[Column, ...]:
    """What is measured of a batch of any feed; `volume` is what too few or too many rows cost."""
    usual = "rows of an airport and day against the usual of that weekday"
    return (
        measure(ROWS_PER_DAY, "different rows per day", "rows", fewest, most, severity=volume),
        measure(ORIGINS_SEEN, "airports in New York with rows", "airports", len(ORIGINS), len(ORIGINS)),
        measure(FEWEST_ROWS, f"the emptiest: {usual}", "share", 0.3, None, severity=volume),
        measure(MOST_ROWS, f"the fullest: {usual}", "share", None, 2.0, severity=volume),
        measure(OUTSIDE_SHARE, "rows that belong to another week", "share", None, 0.01),
        measure(SILENT_HOURS, "from the newest row to the end of the days", "h", None, silent_hours, severity=volume),
        measure(QUARANTINED_SHARE, "rows that broke a rule, exact copies aside", "share", None, 0.05),
    )


SCHEDULE = Feed(
    name="schedule",
    meaning="the plan: one row per flight leaving New York",
    known="seven days before the scheduled departure",
    columns=(
        _FLIGHT_ID,
        Column(CARRIER, pl.String, "airline, two characters", domain=CARRIERS),
        Column(FLIGHT_NUMBER, pl.Int64, "number the carrier gives the flight", minimum=1, maximum=9999),
        # the data holds the aircraft that flew; that it was planned so is an assumption: docs/decisions/0001
        Column(
            TAIL_NUMBER,
            pl.String,
            "registration of the aircraft; missing only when cancelled",
            nullable=True,
            pattern=r"^[A-Z0-9]{2,8}$",
            most_missing=0.2,
        ),
        _ORIGIN,
        Column(DESTINATION, pl.String, "airport of arrival", pattern=r"^[A-Z]{3}$"),
        Column(SCHEDULED_DEPARTURE, MOMENT, "when it should leave", "UTC"),
        Column(SCHEDULED_ARRIVAL, MOMENT, "when it should arrive", "UTC"),
        Column(DISTANCE, pl.Float64, "between the airports", "miles", minimum=50, maximum=5000),
        _KNOWN_AT,
    ),
    key=(FLIGHT_ID,),
    week_of=SCHEDULED_DEPARTURE,
    ascending=((SCHEDULED_DEPARTURE, SCHEDULED_ARRIVAL),),
    derived=(
        truth(FLIGHT_ID_AGREES, "flight_id is made of the row's day, carrier, number and origin"),
        truth(CARRIER_IS_LISTED, "the carrier stands in airlines"),
        truth(DESTINATION_IS_LISTED, "the destination stands in airports, or is one of the four islands left out"),
        number(BLOCK_SPEED, "distance over scheduled time from gate to gate", "mph", 40, 560),
        number(DISTANCE_CHANGE, "distance less that of the route: in weeks before, or of most rows", "miles", -2, 2),
        number(KNOWN_AHEAD, "from known_at_utc to the scheduled departure", "days", 7, 7),
    ),
    measures=(
        *_common_measures(500, 1200, BLOCK, 12),
        measure(NIGHT_SHARE, "departures between 01:00 and 04:59 on the clock in New York", "share", None, 0.01),
        measure(MEDIAN_DISTANCE, "median distance", "miles", 650, 1150),
        measure(SHARED_AIRCRAFT, "aircraft seen with two carriers, here and in weeks before", "share", None, 0.1),
    ),
)

OUTCOMES = Feed(
    name="outcomes",
    meaning="what happened: one row per event of a flight",
    known="departed, arrived: when it did; cancelled: at the scheduled departure; diverted: a day after it was due",
    columns=(
        _FLIGHT_ID,
        Column(EVENT, pl.String, "what happened", domain=(DEPARTED, ARRIVED, CANCELLED, DIVERTED)),
        Column(
            DELAY, pl.Int64, "after schedule, negative when early", "min", True, -180, 2880, most_missing=0.25
        ),  # the week of the blizzard of 8 February has 0.084
        _KNOWN_AT,
        Column(REVISION, pl.Int64, "words said before about the same; 0 is the first word", minimum=0, maximum=99),
    ),
    key=(FLIGHT_ID, EVENT, REVISION),
    week_of=KNOWN_AT,
    required_when=((DELAY, EVENT, (DEPARTED, ARRIVED)),),
    absent_when=((DELAY, EVENT, (CANCELLED, DIVERTED)),),
    derived=(
        truth(FLIGHT_IS_PLANNED, "flight_id stands in the schedule of this week or of weeks before"),
        number(KNOWN_AFTER_EVENT, "known_at_utc less the schedule and the delay", "min", 0, 20160),
        number(ENDINGS, "different ends of the flight: arrived, cancelled, diverted", "events", None, 1),
    ),
    measures=(
        *_common_measures(1000, 2400, BLOCK, 12),
        measure(KNOWN_LATE_SHARE, "rows known later than their event", "share", None, 0.2),
        measure(LATE_SHARE, "arrivals 15 minutes late or more", "share", 0.02, 0.7),
        measure(CANCELLED_SHARE, "cancellations among departures and cancellations", "share", None, 0.5),
    ),
)


def _changes(columns: tuple[str, ...]) -> tuple[Column, ...]:
    words = "{} from hour to hour, relative to hours far apart; 1 when nothing follows from the hour before"
    return tuple(measure(HOURLY_CHANGE.format(name), words.format(name), "", None, 0.8) for name in columns)


WEATHER = Feed(
    name="weather",
    meaning="hourly observations at the three airports",
    known="one hour after the observation",
    columns=(
        _ORIGIN,
        Column(OBSERVED_AT, MOMENT, "the hour observed", "UTC"),
        number(TEMPERATURE, "air temperature", "°F", -30, 120, most_missing=0.1),
        number(DEW_POINT, "dew point", "°F", -50, 90, most_missing=0.1),
        number(HUMIDITY, "relative humidity", "%", 0, 100, most_missing=0.1),
        number(WIND_DIRECTION, "where the wind comes from; 0 when calm", "°", 0, 360, most_missing=0.2),
        number(WIND_SPEED, "mean wind", "mph", 0, 150, most_missing=0.1),
        number(WIND_GUST, "strongest gust, if any", "mph", 16, 200),  # reported from 14 knots on; null four in five
        number(PRECIPITATION, "rain and melted snow of the hour", "in", 0, 10, most_missing=0.1),
        number(PRESSURE, "at sea level", "mbar", 900, 1100, most_missing=0.28),
        number(VISIBILITY, "horizontal, 10 is the most reported", "miles", 0, 10, most_missing=0.1),
        _KNOWN_AT,
    ),
    key=(ORIGIN, OBSERVED_AT),
    week_of=KNOWN_AT,
    derived=(
        number(KNOWN_AFTER_HOURS, "from observed_at_utc to known_at_utc", "h", 1, 24),
        number(HUMIDITY_GAP, "humidity less that of temperature and dew point", "%", -1, 30),
        number(DEW_POINT_SPREAD, "temperature less dew point", "°F", 0, 90),
        number(GUST_OVER_WIND, "gust less mean wind", "mph", 3, 60),
        number(WIND_OFF_KNOTS, "wind and gust from the nearest whole knot", "kt", 0, 0.01),
        truth(CALM_AGREES, "the direction is 0 when the wind is 0, and only then"),
    ),
    measures=(
        *_common_measures(60, 75, WARN, 12),
        measure(WARMEST_HOUR, "when the day is warmest on the clock in New York, by its first harmonic", "h", 12, 18),
        *_changes((TEMPERATURE, DEW_POINT, HUMIDITY, WIND_DIRECTION, WIND_SPEED, PRESSURE)),
        measure(WET_HUMIDITY, "mean humidity of hours with rain or snow less that of others", "%", 10, None),
        measure(MURKY_HUMIDITY, "mean humidity of hours with less than full sight less that of others", "%", 10, None),
        measure(GUSTY_WIND, "mean wind of hours with a gust less that of others", "mph", 2.5, None),
    ),
)

FEEDS = {feed.name: feed for feed in (SCHEDULE, OUTCOMES, WEATHER)}

_FROM_THE_FIRST_DAY = "from the first day"

TABLES = {
    table.name: table
    for table in (
        Table(
            name="planes",
            meaning="aircraft by registration",
            known=_FROM_THE_FIRST_DAY,
            columns=(
                Column(TAIL_NUMBER, pl.String, "registration of the aircraft", pattern=r"^[A-Z0-9]{2,8}$"),
                Column(YEAR_BUILT, pl.Int64, "when it was built", "year", True, 1930, 2030),
                Column(SEATS, pl.Int64, "seats of the aircraft type", "seats", True, 1, 900),
                Column(ENGINES, pl.Int64, "engines", "engines", True, 1, 8),
            ),
            key=(TAIL_NUMBER,),
        ),
        Table(
            name="airports",
            meaning="airports of the United States",
            known=_FROM_THE_FIRST_DAY,
            columns=(
                Column(AIRPORT, pl.String, "code of the airport", pattern=r"^[0-9A-Z]{3}$"),
                Column(NAME, pl.String, "its name"),
                Column(TIME_ZONE, pl.String, "name in the IANA database", nullable=True, pattern=r"^\w+/[\w/]+$"),
            ),
            key=(AIRPORT,),
        ),
        Table(
            name="airlines",
            meaning="carriers by code",
            known=_FROM_THE_FIRST_DAY,
            columns=(
                Column(CARRIER, pl.String, "airline, two characters", pattern=r"^[0-9A-Z]{2}$"),
                Column(NAME, pl.String, "its name"),
            ),
            key=(CARRIER,),
        ),
    )
}
"""Tables that change slowly."""

REFERENCE = {name: table.polars_schema for name, table in TABLES.items()}
PLANES, AIRPORTS, AIRLINES = REFERENCE["planes"], REFERENCE["airports"], REFERENCE["airlines"]

SOURCE_COLUMNS: dict[str, dict[str, type[pl.DataType]]] = {
    "flights": {
        **dict.fromkeys(("year", "month", "day", "dep_time", "sched_dep_time", "dep_delay"), pl.Int64),
        **dict.fromkeys(("sched_arr_time", "arr_delay", "flight"), pl.Int64),
        **dict.fromkeys(("carrier", "tailnum", "origin", "dest"), pl.String),
        "distance": pl.Float64,
    },
    "weather": {
        "origin": pl.String,
        **dict.fromkeys(("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust"), pl.Float64),
        **dict.fromkeys(("precip", "pressure", "visib"), pl.Float64),
        "time_hour": pl.String,
    },
    "planes": {"tailnum": pl.String, "year": pl.Int64, "seats": pl.Int64, "engines": pl.Int64},
    "airports": {"faa": pl.String, "name": pl.String, "tzone": pl.String},
    "airlines": {"carrier": pl.String, "name": pl.String},
}
"""The columns that are read of each of the five source files; others may be there and are left alone."""
