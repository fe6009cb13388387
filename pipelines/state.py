"""What features look things up in: the feeds of some weeks, made into sorted arrays."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np
import polars as pl

from data_checks import schema as s
from data_checks.words import LEAVING, first_word
from pipelines.as_of import UNKNOWN, Codes, Events, Totals, joint_key, seconds_asked, seconds_known

HOURS_AHEAD = 2
NEWS_HOURS = 24
"""What is heard of a departure or landing later than this after it counts for no window."""

_FLIGHT_NUMBERS = 10_000
_HOUR, _DAY = 3600, 24 * 3600


@dataclass(frozen=True)
class World:
    """The feeds that features look at: accepted rows of some weeks up to the one in question, and the planes."""

    schedule: pl.DataFrame
    outcomes: pl.DataFrame
    weather: pl.DataFrame
    planes: pl.DataFrame


@dataclass(frozen=True)
class Keys:
    """The codes of all texts of a world, and the keys that are made of two of them."""

    carriers: Codes
    origins: Codes
    destinations: Codes
    tails: Codes

    def flight_number(self, carrier: np.ndarray, number: np.ndarray) -> np.ndarray:
        """A carrier's flight number."""
        return joint_key(carrier, number, _FLIGHT_NUMBERS)

    def planned(self, carrier: np.ndarray, number: np.ndarray, origin: np.ndarray) -> np.ndarray:
        """A carrier's flight number at an airport."""
        return joint_key(self.flight_number(carrier, number), origin, len(self.origins))

    def carrier_at(self, origin: np.ndarray, carrier: np.ndarray) -> np.ndarray:
        """A carrier at an airport."""
        return joint_key(origin, carrier, len(self.carriers))

    def route(self, origin: np.ndarray, destination: np.ndarray) -> np.ndarray:
        """An origin with a destination."""
        return joint_key(origin, destination, len(self.destinations))


@dataclass(frozen=True)
class Flights:
    """Planned flights as arrays, (n,) each: codes, flight numbers, moments in seconds since 1970, distances."""

    carrier: np.ndarray
    origin: np.ndarray
    destination: np.ndarray
    tail: np.ndarray
    number: np.ndarray
    departure: np.ndarray
    arrival: np.ndarray
    distance_miles: np.ndarray

    @classmethod
    def of(cls, plan: pl.DataFrame, keys: Keys) -> "Flights":
        """The rows of a schedule, in their order."""
        return cls(
            carrier=keys.carriers.encode(plan[s.CARRIER].to_list()),
            origin=keys.origins.encode(plan[s.ORIGIN].to_list()),
            destination=keys.destinations.encode(plan[s.DESTINATION].to_list()),
            tail=keys.tails.encode(plan[s.TAIL_NUMBER].to_list()),
            number=plan[s.FLIGHT_NUMBER].fill_null(UNKNOWN).to_numpy(),
            departure=seconds_asked(plan[s.SCHEDULED_DEPARTURE]),
            arrival=seconds_asked(plan[s.SCHEDULED_ARRIVAL]),
            distance_miles=numbers(plan[s.DISTANCE]),
        )

    def one_by_one(self) -> Iterator["Flights"]:
        """Each flight on its own, in order."""
        columns = [getattr(self, field.name) for field in fields(self)]
        for row in range(len(self.departure)):
            yield Flights(*(column[row : row + 1] for column in columns))

    @property
    def as_of(self) -> np.ndarray:
        """The second whose knowledge counts: so many hours before the scheduled departure."""
        return self.departure - HOURS_AHEAD * _HOUR

    @property
    def departure_hour(self) -> np.ndarray:
        """The second at which the clock hour of the departure begins."""
        return self.departure // _HOUR * _HOUR


@dataclass(frozen=True)
class State:
    """A world made ready for look-ups by key and moment.

    `planned` and `planned_by_origin` count the flights of the plan at the clock hour in which they leave;
    `planes` has one value per code of a tail number, and a missing one at the end.
    """

    keys: Keys
    departures_by_origin: Totals
    departures_by_carrier: Totals
    arrivals_by_carrier: Totals
    arrivals_by_destination: Totals
    arrivals_by_route: Totals
    arrivals_by_flight_number: Totals
    waiting: Totals
    planned: Totals
    planned_by_origin: Totals
    precipitation: Totals
    weather: Events
    aircraft_departures: Events
    aircraft_arrivals: Events
    distances: Events
    planes: dict[str, np.ndarray]


def prepare_state(world: World) -> State:
    """The look-up arrays behind the features, from the feeds of the last weeks, in any order of their rows."""
    world = replace(world, outcomes=first_word(world.outcomes))
    keys = _keys_of(world)
    plan = Flights.of(world.schedule, keys)
    happened = _happened(world, plan)
    return State(
        keys=keys,
        **_departures(happened, keys),
        **_arrivals(happened, keys),
        **_planned(world.schedule, plan, keys),
        **_weather(world.weather, keys),
        waiting=_waiting(world, plan),
        planes=_planes(world.planes, keys),
    )


def _keys_of(world: World) -> Keys:
    tails = pl.concat([world.schedule[s.TAIL_NUMBER], world.planes[s.TAIL_NUMBER]])
    return Keys(
        carriers=Codes.of(sorted(set(world.schedule[s.CARRIER]) - {None})),
        origins=Codes.of(s.ORIGINS),
        destinations=Codes.of(sorted(set(world.schedule[s.DESTINATION]) - {None})),
        tails=Codes.of(tails.drop_nulls().unique().sort().to_list()),
    )


def _happened(world: World, plan: Flights) -> pl.DataFrame:
    """The outcomes, each with the codes of its flight and the seconds at which it happened and is known.

    What is heard of long after it happened is a label, not news: it would look fresh in the windows.
    """
    codes = world.schedule.select(s.FLIGHT_ID).with_columns(
        pl.Series(name, getattr(plan, name))
        for name in ("carrier", "origin", "destination", "tail", "number", "departure", "arrival")
    )
    known = pl.Series("known", seconds_known(world.outcomes[s.KNOWN_AT]))
    planned = pl.when(pl.col(s.EVENT).is_in(LEAVING)).then("departure").otherwise("arrival")
    at = (planned + 60 * pl.col(s.DELAY).fill_null(0)).alias("at")
    joined = world.outcomes.with_columns(known).join(codes, on=s.FLIGHT_ID, maintain_order="left").with_columns(at)
    return joined.filter((pl.col("known") - pl.col("at") <= NEWS_HOURS * _HOUR).fill_null(value=True))


def _departures(happened: pl.DataFrame, keys: Keys) -> dict[str, object]:
    events = happened.filter(pl.col(s.EVENT).is_in(LEAVING))
    flown = (events[s.EVENT] == s.DEPARTED).to_numpy()
    delay = events[s.DELAY].fill_null(0).clip(-15, 240).to_numpy()
    left, counted = _columns(events), {"flown": flown, "cancelled": ~flown, "delay": delay}
    return {
        "departures_by_origin": Totals.of(left["origin"], left["known"], **counted),
        "departures_by_carrier": Totals.of(keys.carrier_at(left["origin"], left["carrier"]), left["known"], **counted),
        "aircraft_departures": _aircraft(events.filter(flown)),
    }


def _arrivals(happened: pl.DataFrame, keys: Keys) -> dict[str, object]:
    events = happened.filter(pl.col(s.EVENT) == s.ARRIVED, pl.col(s.DELAY).is_not_null())
    landed = _columns(events)
    counted = {
        "landed": np.ones(events.height, np.int64),
        "late": (events[s.DELAY] >= s.LATE_MIN).to_numpy(),
        "delay": events[s.DELAY].clip(-30, 240).to_numpy(),
    }
    by = {
        "arrivals_by_carrier": landed["carrier"],
        "arrivals_by_destination": landed["destination"],
        "arrivals_by_route": keys.route(landed["origin"], landed["destination"]),
        "arrivals_by_flight_number": keys.flight_number(landed["carrier"], landed["number"]),
    }
    totals = {name: Totals.of(key, landed["known"], **counted) for name, key in by.items()}
    return {**totals, "aircraft_arrivals": _aircraft(events)}


def _aircraft(events: pl.DataFrame) -> Events:
    """What an aircraft did, when, how late, and for when it was planned."""
    seen = _columns(events)
    return Events.of(
        seen["tail"],
        seen["known"],
        due=seen["arrival"],
        left=seen["departure"],
        at=seen["at"],
        delay=numbers(events[s.DELAY]),
    )


def _planned(schedule: pl.DataFrame, plan: Flights, keys: Keys) -> dict[str, object]:
    """The plan as it was known in time for every flight of the same hour."""
    known = seconds_known(schedule[s.KNOWN_AT])
    in_time = known <= plan.departure_hour - HOURS_AHEAD * _HOUR
    hour, one = plan.departure_hour[in_time], np.ones(in_time.sum(), np.int64)
    flight = keys.planned(plan.carrier, plan.number, plan.origin)
    return {
        "planned": Totals.of(flight[in_time], hour, flights=one),
        "planned_by_origin": Totals.of(plan.origin[in_time], hour, flights=one),
        "distances": Events.of(keys.route(plan.origin, plan.destination), known, miles=plan.distance_miles),
    }


def _waiting(world: World, plan: Flights) -> Totals:
    """+1 when a flight should leave, -1 when it leaves later or is cancelled, or after a day at the latest."""
    due = np.maximum(plan.departure, seconds_known(world.schedule[s.KNOWN_AT]))
    left = world.outcomes.filter(pl.col(s.EVENT).is_in(LEAVING))
    gone = world.schedule.select(s.FLIGHT_ID).join(
        left.select(s.FLIGHT_ID, pl.Series("gone", seconds_known(left[s.KNOWN_AT]))),
        on=s.FLIGHT_ID,
        how="left",
        maintain_order="left",
    )["gone"]
    over = np.clip(gone.fill_null(pl.Series(due + _DAY)).to_numpy(), due, due + _DAY)
    step = np.repeat([1, -1], len(due))
    return Totals.of(np.tile(plan.origin, 2), np.concatenate([due, over]), flights=step)


def _weather(weather: pl.DataFrame, keys: Keys) -> dict[str, object]:
    newest = pl.col(s.OBSERVED_AT) >= pl.col(s.OBSERVED_AT).cum_max().over(s.ORIGIN)
    weather = weather.sort(s.KNOWN_AT, s.OBSERVED_AT).filter(newest.fill_null(value=True))  # an old report is no news
    at, known = keys.origins.encode(weather[s.ORIGIN].to_list()), seconds_known(weather[s.KNOWN_AT])
    hundredths = (weather[s.PRECIPITATION].fill_null(0) * 100).round().cast(pl.Int64)
    observed = (s.TEMPERATURE, s.DEW_POINT, s.WIND_DIRECTION, s.WIND_SPEED, s.PRESSURE, s.VISIBILITY)
    return {
        "weather": Events.of(at, known, **{name: numbers(weather[name]) for name in observed}),
        "precipitation": Totals.of(at, known, hundredths=hundredths.to_numpy()),
    }


def _planes(planes: pl.DataFrame, keys: Keys) -> dict[str, np.ndarray]:
    """Per tail code what is known of the aircraft; one that is listed twice is the first."""
    first = planes.unique(s.TAIL_NUMBER, keep="first", maintain_order=True)
    by_code = pl.DataFrame({s.TAIL_NUMBER: keys.tails.texts.tolist()}, schema={s.TAIL_NUMBER: pl.String}).join(
        first, on=s.TAIL_NUMBER, how="left", maintain_order="left"
    )
    return {name: np.append(numbers(by_code[name]), np.nan) for name in (s.SEATS, s.YEAR_BUILT, s.ENGINES)}


def _columns(events: pl.DataFrame) -> dict[str, np.ndarray]:
    """The whole-number columns as arrays; a flight that is not in the plan has unknown codes."""
    names = ("carrier", "origin", "destination", "tail", "number", "departure", "arrival", "at", "known")
    return {name: events[name].fill_null(UNKNOWN).to_numpy() for name in names}


def numbers(column: pl.Series) -> np.ndarray:
    """A column as float64, a missing value as NaN."""
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()
