"""The contract: every feed and column, its type, unit, range and key, and from when a value is known.

Suites, checks and messages are derived from here; column names are written here and nowhere else.
"""

from dataclasses import dataclass

import polars as pl

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

CARRIERS = ("9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV")
ORIGINS = ("EWR", "JFK", "LGA")

BLOCK, QUARANTINE, WARN = "block", "quarantine", "warn"
"""What a broken rule costs: the batch stays out, the row stays out, or a line in the report."""

MOMENT = pl.Datetime("us", "UTC")


@dataclass(frozen=True)
class Column:
    """One column of a feed. Bounds are inclusive and in `unit`; `domain` and `pattern` are for text."""

    name: str
    dtype: pl.DataType | type[pl.DataType]
    meaning: str
    unit: str = ""
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    domain: tuple[str, ...] | None = None
    pattern: str | None = None


@dataclass(frozen=True)
class Feed:
    """One stream of rows. `known` says in words from when a row may be used; `rows_per_day` is the usual volume."""

    name: str
    meaning: str
    known: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    week_of: str
    rows_per_day: tuple[int, int]
    volume_severity: str = BLOCK
    ascending: tuple[tuple[str, str], ...] = ()
    required_when: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    @property
    def polars_schema(self) -> pl.Schema:
        """Column names and types in order."""
        return pl.Schema({column.name: column.dtype for column in self.columns})


_FLIGHT_ID = Column(FLIGHT_ID, pl.String, "day, carrier, flight number and origin: 2013-07-01-UA1545-EWR")
_KNOWN_AT = Column(KNOWN_AT, MOMENT, "the moment from which this row may be used", "UTC")
_ORIGIN = Column(ORIGIN, pl.String, "airport in New York", domain=ORIGINS)

SCHEDULE = Feed(
    name="schedule",
    meaning="the plan: one row per flight leaving New York",
    known="seven days before the scheduled departure",
    columns=(
        _FLIGHT_ID,
        Column(CARRIER, pl.String, "airline, two characters", domain=CARRIERS),
        Column(FLIGHT_NUMBER, pl.Int64, "number the carrier gives the flight", minimum=1, maximum=9999),
        # the data holds the aircraft that flew; that it was planned so is an assumption: docs/decisions/0001
        Column(TAIL_NUMBER, pl.String, "registration of the aircraft; missing only when cancelled", nullable=True),
        _ORIGIN,
        Column(DESTINATION, pl.String, "airport of arrival", pattern=r"^[A-Z]{3}$"),
        Column(SCHEDULED_DEPARTURE, MOMENT, "when it should leave", "UTC"),
        Column(SCHEDULED_ARRIVAL, MOMENT, "when it should arrive", "UTC"),
        Column(DISTANCE, pl.Float64, "between the airports", "miles", minimum=50, maximum=5000),
        _KNOWN_AT,
    ),
    key=(FLIGHT_ID,),
    week_of=SCHEDULED_DEPARTURE,
    rows_per_day=(500, 1200),
    ascending=((SCHEDULED_DEPARTURE, SCHEDULED_ARRIVAL),),
)

OUTCOMES = Feed(
    name="outcomes",
    meaning="what happened: one row per event of a flight",
    known="departed, arrived: when it did; cancelled: at the scheduled departure; diverted: a day after it was due",
    columns=(
        _FLIGHT_ID,
        Column(EVENT, pl.String, "what happened", domain=(DEPARTED, ARRIVED, CANCELLED, DIVERTED)),
        Column(DELAY, pl.Int64, "after schedule, negative when early", "min", True, minimum=-180, maximum=2880),
        _KNOWN_AT,
        Column(REVISION, pl.Int64, "words said before about the same; 0 is the first word", minimum=0, maximum=99),
    ),
    key=(FLIGHT_ID, EVENT, REVISION),
    week_of=KNOWN_AT,
    rows_per_day=(1000, 2400),
    required_when=((DELAY, EVENT, (DEPARTED, ARRIVED)),),
)

WEATHER = Feed(
    name="weather",
    meaning="hourly observations at the three airports",
    known="one hour after the observation",
    columns=(
        _ORIGIN,
        Column(OBSERVED_AT, MOMENT, "the hour observed", "UTC"),
        Column(TEMPERATURE, pl.Float64, "air temperature", "°F", True, minimum=-30, maximum=120),
        Column(DEW_POINT, pl.Float64, "dew point", "°F", True, minimum=-50, maximum=90),
        Column(HUMIDITY, pl.Float64, "relative humidity", "%", True, minimum=0, maximum=100),
        Column(WIND_DIRECTION, pl.Float64, "where the wind comes from; 0 when calm", "°", True, minimum=0, maximum=360),
        Column(WIND_SPEED, pl.Float64, "mean wind", "mph", True, minimum=0, maximum=150),
        Column(WIND_GUST, pl.Float64, "strongest gust, if any", "mph", True, minimum=0, maximum=200),
        Column(PRECIPITATION, pl.Float64, "rain and melted snow of the hour", "in", True, minimum=0, maximum=10),
        Column(PRESSURE, pl.Float64, "at sea level", "mbar", True, minimum=900, maximum=1100),
        Column(VISIBILITY, pl.Float64, "horizontal, 10 is the most reported", "miles", True, minimum=0, maximum=10),
        _KNOWN_AT,
    ),
    key=(ORIGIN, OBSERVED_AT),
    week_of=KNOWN_AT,
    rows_per_day=(60, 75),
    volume_severity=WARN,
)

FEEDS = {feed.name: feed for feed in (SCHEDULE, OUTCOMES, WEATHER)}

PLANES = pl.Schema({TAIL_NUMBER: pl.String, YEAR_BUILT: pl.Int64, SEATS: pl.Int64, ENGINES: pl.Int64})
AIRPORTS = pl.Schema({AIRPORT: pl.String, NAME: pl.String, TIME_ZONE: pl.String})
AIRLINES = pl.Schema({CARRIER: pl.String, NAME: pl.String})
REFERENCE = {"planes": PLANES, "airports": AIRPORTS, "airlines": AIRLINES}
"""Tables that change slowly; known from the first day."""

SOURCE_COLUMNS: dict[str, dict[str, type[pl.DataType]]] = {
    "flights": {
        "year": pl.Int64,
        "month": pl.Int64,
        "day": pl.Int64,
        "dep_time": pl.Int64,
        "sched_dep_time": pl.Int64,
        "dep_delay": pl.Int64,
        "sched_arr_time": pl.Int64,
        "arr_delay": pl.Int64,
        "carrier": pl.String,
        "flight": pl.Int64,
        "tailnum": pl.String,
        "origin": pl.String,
        "dest": pl.String,
        "distance": pl.Float64,
    },
    "weather": {
        "origin": pl.String,
        "temp": pl.Float64,
        "dewp": pl.Float64,
        "humid": pl.Float64,
        "wind_dir": pl.Float64,
        "wind_speed": pl.Float64,
        "wind_gust": pl.Float64,
        "precip": pl.Float64,
        "pressure": pl.Float64,
        "visib": pl.Float64,
        "time_hour": pl.String,
    },
    "planes": {"tailnum": pl.String, "year": pl.Int64, "seats": pl.Int64, "engines": pl.Int64},
    "airports": {"faa": pl.String, "name": pl.String, "tzone": pl.String},
    "airlines": {"carrier": pl.String, "name": pl.String},
}
"""The columns that are read of each of the five source files; others may be there and are left alone."""
