"""Numbers about a whole batch, on small batches worked out by hand."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from test_joint import event, hour, plan

from data_checks import schema as s
from data_checks.history import History, Span
from data_checks.joint import with_derived
from data_checks.measures import measure_batch

MONDAY = datetime(2013, 7, 1, 4, tzinfo=UTC)
WEEK = Span(MONDAY, MONDAY + timedelta(days=7), MONDAY + timedelta(days=7))


def measured(feed: s.Feed, batch: pl.DataFrame, days: int = 1, failed: tuple[int, ...] = (), **history) -> dict:
    known = History(**{"span": WEEK} | history)
    return measure_batch(feed, with_derived(feed, batch, known), days, known, failed)


def at(hours: float) -> datetime:
    """So many hours after the Monday began in New York."""
    return MONDAY + timedelta(hours=hours)


def flights(*departures: datetime, **changes: object) -> pl.DataFrame:
    """Different flights that leave at these moments."""
    return plan(
        *({s.SCHEDULED_DEPARTURE: moment, s.FLIGHT_NUMBER: n} | changes for n, moment in enumerate(departures, 1))
    )


def test_rows_are_counted_by_day_and_exact_copies_once():
    rows = flights(at(6), at(7), at(8), at(9))

    assert measured(s.SCHEDULE, pl.concat([rows, rows]), days=2)[s.ROWS_PER_DAY] == 2


def test_an_airport_without_rows_is_not_seen():
    rows = plan({s.ORIGIN: "EWR"}, {s.ORIGIN: "JFK"}, {s.ORIGIN: "XXX"})

    assert measured(s.SCHEDULE, rows)[s.ORIGINS_SEEN] == 2


def test_the_emptiest_and_fullest_day_are_compared_with_the_usual_of_their_weekday():
    usual = pl.DataFrame({s.ORIGIN: ["EWR", "EWR"], "weekday": [1, 2], "usual_rows": [2.0, 4.0]})

    found = measured(s.SCHEDULE, flights(at(6), at(7), at(8), at(30)), usual=usual)

    assert (found[s.FEWEST_ROWS], found[s.MOST_ROWS]) == (0.25, 1.5)


def test_a_day_without_any_row_is_the_emptiest():
    usual = pl.DataFrame({s.ORIGIN: ["EWR"] * 2, "weekday": [1, 7], "usual_rows": [1.0, 9.0]})

    assert measured(s.SCHEDULE, flights(at(6)), usual=usual)[s.FEWEST_ROWS] == 0


def test_days_after_the_end_of_the_data_are_not_expected():
    usual = pl.DataFrame({s.ORIGIN: ["EWR"] * 2, "weekday": [1, 3], "usual_rows": [1.0, 9.0]})
    two_days = Span(MONDAY, MONDAY + timedelta(days=7), MONDAY + timedelta(days=2))

    assert measured(s.SCHEDULE, flights(at(6)), usual=usual, span=two_days)[s.FEWEST_ROWS] == 1


def test_without_history_nothing_is_said_of_the_usual():
    found = measured(s.SCHEDULE, flights(at(6)))

    assert (found[s.FEWEST_ROWS], found[s.MOST_ROWS]) == (None, None)


def test_a_week_begins_with_its_first_moment_and_ends_before_its_last():
    found = measured(s.SCHEDULE, flights(at(-0.1), at(0), at(167.9), at(168)))

    assert found[s.OUTSIDE_SHARE] == 0.5


def test_a_feed_is_silent_from_its_newest_row_to_the_end():
    assert measured(s.SCHEDULE, flights(at(6), at(160)))[s.SILENT_HOURS] == 8


def test_exact_copies_are_no_part_of_the_quarantined_share():
    rows = flights(at(6), at(7), at(8), at(9))
    with_copy = pl.concat([rows, rows[:1]])

    assert measured(s.SCHEDULE, with_copy, failed=(1, 4))[s.QUARANTINED_SHARE] == 0.25


def test_a_copy_that_differs_counts_as_quarantined():
    rows = plan({}, {s.DISTANCE: 751.0})

    assert measured(s.SCHEDULE, rows, failed=(1,))[s.QUARANTINED_SHARE] == 0.5


@pytest.mark.parametrize(("clock", "share"), [(0.98, 0), (1, 1), (4.98, 1), (5, 0)])
def test_night_is_from_one_to_five_in_new_york(clock, share):
    assert measured(s.SCHEDULE, flights(at(clock)))[s.NIGHT_SHARE] == share


def test_an_aircraft_that_flew_for_another_carrier_is_shared():
    rows = plan({s.TAIL_NUMBER: "N1"}, {s.TAIL_NUMBER: "N2"}, {s.TAIL_NUMBER: "N2", s.CARRIER: "DL"})
    before = pl.DataFrame({s.TAIL_NUMBER: ["N1", "N9"], s.CARRIER: ["AA", "AA"]})

    assert measured(s.SCHEDULE, rows)[s.SHARED_AIRCRAFT] == 0.5
    assert measured(s.SCHEDULE, rows, aircraft=before)[s.SHARED_AIRCRAFT] == 1


def test_late_is_fifteen_minutes_or_more_among_arrivals():
    rows = event({s.DELAY: 14}, {s.DELAY: 15}, {s.DELAY: 16}, {s.DELAY: 60, s.EVENT: s.DEPARTED})

    assert measured(s.OUTCOMES, rows)[s.LATE_SHARE] == pytest.approx(2 / 3)


def test_cancelled_is_counted_among_those_that_left_or_did_not():
    rows = event({s.EVENT: s.CANCELLED}, {s.EVENT: s.DEPARTED}, {s.EVENT: s.ARRIVED})

    assert measured(s.OUTCOMES, rows)[s.CANCELLED_SHARE] == 0.5


def test_without_arrivals_there_is_no_late_share():
    assert measured(s.OUTCOMES, event({s.EVENT: s.CANCELLED}))[s.LATE_SHARE] is None


def days_of_weather(**columns: list) -> pl.DataFrame:
    """Seven days of hours at the three airports, with the given course of each column."""
    return hour(
        *(
            {s.ORIGIN: origin, s.OBSERVED_AT: at(number)} | {name: values[number] for name, values in columns.items()}
            for origin in s.ORIGINS
            for number in range(7 * 24)
        )
    )


def test_the_warmest_hour_is_read_off_the_clock_in_new_york():
    warmth = [-abs((number - 15 + 12) % 24 - 12) for number in range(7 * 24)]

    found = measured(s.WEATHER, days_of_weather(**{s.TEMPERATURE: warmth}))

    assert found[s.WARMEST_HOUR] == pytest.approx(15)


def test_two_days_have_no_warmest_hour():
    assert measured(s.WEATHER, hour({}, {}))[s.WARMEST_HOUR] is None


def test_air_that_changes_slowly_changes_little_from_hour_to_hour():
    slow = [float(number) for number in range(7 * 24)]

    found = measured(s.WEATHER, days_of_weather(**{s.PRESSURE: slow}))

    assert found[s.HOURLY_CHANGE.format(s.PRESSURE)] == pytest.approx(1 / 84)


def test_shuffled_air_changes_as_much_in_an_hour_as_in_days():
    shuffled = pl.Series(range(7 * 24)).shuffle(1).cast(pl.Float64).to_list()

    found = measured(s.WEATHER, days_of_weather(**{s.PRESSURE: shuffled}))

    assert found[s.HOURLY_CHANGE.format(s.PRESSURE)] == pytest.approx(1, abs=0.15)


def test_a_wind_that_turns_over_north_turns_little():
    wind = [350.0 if number % 2 else 10.0 for number in range(7 * 24)]
    wind[84:] = [180.0 + degrees if degrees < 180 else degrees - 180.0 for degrees in wind[84:]]

    assert measured(s.WEATHER, days_of_weather(**{s.WIND_DIRECTION: wind}))[
        s.HOURLY_CHANGE.format(s.WIND_DIRECTION)
    ] == pytest.approx(20 / 180, rel=0.1)


def test_rain_falls_in_humid_hours():
    wet = [1.0 if number < 24 else 0.0 for number in range(7 * 24)]
    humid = [90.0 if number < 24 else 50.0 for number in range(7 * 24)]

    assert measured(s.WEATHER, days_of_weather(**{s.PRECIPITATION: wet, s.HUMIDITY: humid}))[s.WET_HUMIDITY] == 40


def test_a_week_with_three_wet_hours_says_nothing_about_rain():
    wet = [1.0 if number < 3 else 0.0 for number in range(7 * 24)]

    assert measured(s.WEATHER, days_of_weather(**{s.PRECIPITATION: wet}))[s.WET_HUMIDITY] is None


@pytest.mark.parametrize("feed", s.FEEDS.values(), ids=s.FEEDS)
def test_an_empty_batch_has_measures_that_say_nothing_or_nought(feed):
    found = measure_batch(feed, with_derived(feed, feed.polars_schema.to_frame(), History()), 7, History(), ())

    assert set(found) == {column.name for column in feed.measures}
    assert set(found.values()) <= {None, 0.0}
