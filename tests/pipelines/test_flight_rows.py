"""Which flight is meant, and which rows about it were known two hours before its departure."""

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from data_checks import schema as s
from infra.errors import UsageError
from pipelines.flight_rows import KnownRows, NoSuchFlight, find_flight, known_rows, read_flight_name
from pipelines.state import World

DAY = date(2013, 7, 1)
DEPARTURE = datetime.fromisoformat("2013-07-01T18:00:00+00:00")
AS_OF = DEPARTURE - timedelta(hours=2)
MINUTE = timedelta(minutes=1)


def planned(number: int = 1545, origin: str = "EWR", tail: str | None = "N1", at: datetime = DEPARTURE) -> dict:
    """One row of the plan."""
    return {
        s.FLIGHT_ID: f"{at:%Y-%m-%d}-UA{number}-{origin}",
        s.CARRIER: "UA",
        s.FLIGHT_NUMBER: number,
        s.TAIL_NUMBER: tail,
        s.ORIGIN: origin,
        s.DESTINATION: "IAH",
        s.SCHEDULED_DEPARTURE: at,
        s.SCHEDULED_ARRIVAL: at + timedelta(hours=3),
        s.DISTANCE: 1400.0,
        s.KNOWN_AT: at - timedelta(days=7),
    }


def table(feed: s.Feed, *rows: dict) -> pl.DataFrame:
    """Rows of a feed, columns left out being null."""
    return pl.DataFrame(
        [{name: row.get(name) for name in feed.polars_schema} for row in rows], schema=feed.polars_schema
    )


def event(flight: dict, known: datetime, what: str = s.DEPARTED, revision: int = 0) -> dict:
    """What was heard of a flight, and when."""
    return {s.FLIGHT_ID: flight[s.FLIGHT_ID], s.EVENT: what, s.DELAY: 5, s.KNOWN_AT: known, s.REVISION: revision}


def report(known: datetime, observed: datetime, origin: str = "EWR") -> dict:
    """A weather report."""
    return {s.ORIGIN: origin, s.OBSERVED_AT: observed, s.TEMPERATURE: 70.0, s.KNOWN_AT: known}


def known(flights: list[dict], events: list[dict] = (), reports: list[dict] = ()) -> KnownRows:
    """The rows known of the first flight."""
    world = World(table(s.SCHEDULE, *flights), table(s.OUTCOMES, *events), table(s.WEATHER, *reports), pl.DataFrame())
    return known_rows(world, table(s.SCHEDULE, flights[0]))


@pytest.mark.parametrize("text", ["UA1545", "ua1545 ", "UA 1545", "UA01545"])
def test_a_flight_is_read_as_people_write_it(text):
    assert read_flight_name(text) == ("UA", 1545)


@pytest.mark.parametrize("text", ["", "UA", "1545", "UA15455", "UAL1545", "UA-1545"])
def test_what_is_no_flight_is_wrong_usage(text):
    with pytest.raises(UsageError, match="expected a carrier and a number such as UA1545"):
        read_flight_name(text)


def test_a_number_that_leaves_from_two_airports_is_refused_naming_them_and_found_by_its_origin():
    schedule = table(s.SCHEDULE, planned(origin="LGA"), planned(origin="EWR"))

    with pytest.raises(NoSuchFlight, match="UA1545 leaves from EWR and LGA on 2013-07-01; choose one with --origin"):
        find_flight(schedule, "UA1545", DAY)
    assert find_flight(schedule, "UA1545", DAY, "lga")[s.ORIGIN].item() == "LGA"


def test_an_origin_it_does_not_leave_from_is_refused_naming_where_it_does():
    with pytest.raises(NoSuchFlight, match="does not leave from JFK on 2013-07-01, but from EWR"):
        find_flight(table(s.SCHEDULE, planned()), "UA1545", DAY, "JFK")


def test_an_unknown_number_is_refused_naming_the_four_nearest():
    schedule = table(s.SCHEDULE, *(planned(number) for number in (1, 1540, 1550, 1543, 1547)))

    with pytest.raises(NoSuchFlight, match=r"near it: UA1543 \(EWR\), UA1547 \(EWR\), UA1540 \(EWR\), UA1550 \(EWR\)"):
        find_flight(schedule, "UA1545", DAY)


def test_a_day_is_one_of_new_york():
    late_evening = datetime.fromisoformat("2013-07-02T03:30:00+00:00")

    assert find_flight(table(s.SCHEDULE, planned(at=late_evening)), "UA1545", DAY).height == 1


@pytest.mark.parametrize(("moment", "told"), [(AS_OF - MINUTE, 1), (AS_OF, 1), (AS_OF + MINUTE, 0)])
def test_an_event_is_told_up_to_and_with_the_moment_of_the_answer(moment, told):
    before = planned(7, at=DEPARTURE - timedelta(hours=6))

    assert known([planned(), before], [event(before, moment)]).events.height == told


def test_of_what_was_corrected_the_first_word_is_told_as_the_features_heard_it():
    before = planned(7, at=DEPARTURE - timedelta(hours=6))

    found = known([planned(), before], [event(before, AS_OF - MINUTE, revision=1), event(before, AS_OF - 2 * MINUTE)])

    assert found.events[s.REVISION].to_list() == [0]


def test_the_aircrafts_flights_are_those_of_the_day_and_the_last_one_before():
    hours = (6, 3, 24, 48, 24 * 8)
    flights = [planned(), *(planned(place, at=DEPARTURE - timedelta(hours=ago)) for place, ago in enumerate(hours, 1))]
    others = [planned(90, tail="N2", at=AS_OF - timedelta(hours=3)), planned(91, at=DEPARTURE + timedelta(hours=1))]

    assert known([*flights, *others]).aircraft[s.FLIGHT_NUMBER].to_list() == [3, 1, 2]


def test_a_flight_without_an_aircraft_has_no_earlier_flights():
    unknown = planned(tail=None)

    assert known([unknown, planned(7, tail=None, at=AS_OF - timedelta(hours=3))]).aircraft.is_empty()


def test_the_weather_is_the_newest_report_of_the_airport_that_was_known():
    hour = timedelta(hours=1)
    reports = [
        report(AS_OF - 2 * hour, AS_OF - 3 * hour),
        report(AS_OF, AS_OF - hour),
        report(AS_OF + MINUTE, AS_OF),
        report(AS_OF, AS_OF - MINUTE, origin="JFK"),
    ]

    assert known([planned()], reports=reports).weather[s.OBSERVED_AT].to_list() == [AS_OF - hour]


@pytest.mark.parametrize(("hours", "told"), [(12, 1), (13, 0)])
def test_a_report_counts_for_half_a_day_as_it_does_for_the_features(hours, told):
    heard = AS_OF - timedelta(hours=hours)

    assert known([planned()], reports=[report(heard, heard - timedelta(hours=1))]).weather.height == told
