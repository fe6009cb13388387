"""One flight among the feeds: which is meant, and the raw rows about it that were known at its moment."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from data_checks import schema as s
from data_checks.words import first_word
from infra.errors import PreflightError, UsageError
from pipelines.clock import NEW_YORK, local_day
from pipelines.state import HOURS_AHEAD, World

_NEAR = 4
_LOOK_BACK = timedelta(days=7)
_OLDEST_REPORT = timedelta(hours=12)


class NoSuchFlight(PreflightError, LookupError):  # noqa: N818
    """No flight, or more than one, is what was asked for."""


@dataclass(frozen=True)
class KnownRows:
    """Rows of the feeds about one flight that were known at `as_of`, each with the moment at which it was.

    `plan` is its row of the schedule; `aircraft` the earlier flights of its aircraft on that day and the last one of
    the days before; `events` what was heard of those; `weather` the last report of the airport, if any.
    """

    as_of: datetime
    plan: pl.DataFrame
    aircraft: pl.DataFrame
    events: pl.DataFrame
    weather: pl.DataFrame


def read_flight_name(text: str) -> tuple[str, int]:
    """Carrier and number of `UA1545`. Raises UsageError.

    >>> read_flight_name("b6 371")
    ('B6', 371)
    """
    found = re.fullmatch(r"((?=.?[A-Z])[0-9A-Z]{2}) ?0*(\d{1,4})", text.strip().upper())
    if not found:
        raise UsageError(f"expected a carrier and a number such as UA1545, got {text!r}")
    return found[1], int(found[2])


def find_flight(schedule: pl.DataFrame, name: str, day: date, origin: str | None = None) -> pl.DataFrame:
    """The one row of the plan that is meant. Raises NoSuchFlight naming the ones it may be, or those near it."""
    carrier, number = read_flight_name(name)
    of_day = schedule.filter(local_day(s.SCHEDULED_DEPARTURE) == day)
    same = of_day.filter(pl.col(s.CARRIER) == carrier, pl.col(s.FLIGHT_NUMBER) == number)
    found = same.filter(pl.col(s.ORIGIN) == origin.upper()) if origin else same
    if found.height == 1:
        return found
    places = " and ".join(sorted(same[s.ORIGIN]))
    if found.height:
        raise NoSuchFlight(f"{carrier}{number} leaves from {places} on {day}; choose one with --origin")
    if same.height:
        raise NoSuchFlight(f"{carrier}{number} does not leave from {origin} on {day}, but from {places}")
    raise NoSuchFlight(f"there is no {carrier}{number} on {day}; {_near(of_day, carrier, number)}")


def known_rows(world: World, flight: pl.DataFrame) -> KnownRows:
    """What the feeds said of a flight, one row of the plan, two hours before its departure."""
    plan = flight.row(0, named=True)
    as_of = plan[s.SCHEDULED_DEPARTURE] - timedelta(hours=HOURS_AHEAD)
    aircraft = _earlier_flights(world.schedule, plan, as_of)
    said = first_word(world.outcomes).filter(pl.col(s.KNOWN_AT) <= as_of)
    events = said.join(aircraft.select(s.FLIGHT_ID), on=s.FLIGHT_ID, how="semi").sort(s.KNOWN_AT, s.EVENT)
    return KnownRows(as_of, flight, aircraft, events, _last_report(world.weather, plan[s.ORIGIN], as_of))


def _near(of_day: pl.DataFrame, carrier: str, number: int) -> str:
    same = of_day.filter(pl.col(s.CARRIER) == carrier).with_columns(gap=(pl.col(s.FLIGHT_NUMBER) - number).abs())
    if same.is_empty():
        return f"carriers that day: {', '.join(sorted(of_day[s.CARRIER].unique())) or 'none'}"
    rows = same.sort("gap", s.FLIGHT_NUMBER, s.ORIGIN).head(_NEAR).iter_rows(named=True)
    return "near it: " + ", ".join(f"{carrier}{row[s.FLIGHT_NUMBER]} ({row[s.ORIGIN]})" for row in rows)


def _earlier_flights(schedule: pl.DataFrame, plan: dict, as_of: datetime) -> pl.DataFrame:
    departure = pl.col(s.SCHEDULED_DEPARTURE)
    before = schedule.filter(
        pl.col(s.TAIL_NUMBER) == pl.lit(plan[s.TAIL_NUMBER], dtype=pl.String),  # not known: no row is its aircraft's
        departure < plan[s.SCHEDULED_DEPARTURE],
        departure >= as_of - _LOOK_BACK,
        pl.col(s.KNOWN_AT) <= as_of,
    ).sort(s.SCHEDULED_DEPARTURE)
    day = plan[s.SCHEDULED_DEPARTURE].astimezone(NEW_YORK).date()
    is_of_day = local_day(s.SCHEDULED_DEPARTURE) == day
    return pl.concat([before.filter(~is_of_day).tail(1), before.filter(is_of_day)])


def _last_report(weather: pl.DataFrame, origin: str, as_of: datetime) -> pl.DataFrame:
    known = weather.filter(
        pl.col(s.ORIGIN) == origin, pl.col(s.KNOWN_AT) <= as_of, pl.col(s.KNOWN_AT) >= as_of - _OLDEST_REPORT
    )
    return known.sort(s.OBSERVED_AT, s.KNOWN_AT).tail(1)
