"""Clocks on the wall to UTC, worked out by hand. New York is UTC-5 in winter and UTC-4 in summer."""

from datetime import UTC, datetime

import polars as pl
import pytest

from data_checks.times import (
    local_to_utc,
    local_to_utc_by_zone,
    minutes_of_clock,
    scheduled_arrival,
    scheduled_departure,
)

ZONES = ["America/Los_Angeles", "America/New_York", "America/Phoenix", "America/Puerto_Rico", "Pacific/Honolulu"]


def at(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A moment of 2013 in UTC."""
    return datetime(2013, month, day, hour, minute, tzinfo=UTC)


def departure(month: int, day: int, hhmm: int) -> datetime:
    return pl.select(scheduled_departure(pl.lit(datetime(2013, month, day)), pl.lit(hhmm))).item()


def arrival(month: int, day: int, hhmm: int, leaving: datetime, zone: str | None) -> datetime | None:
    clock = {"day": pl.lit(datetime(2013, month, day)), "hhmm": pl.lit(hhmm), "departure": pl.lit(leaving)}
    return pl.select(scheduled_arrival(**clock, zone=pl.lit(zone, dtype=pl.String), zones=ZONES)).item()


@pytest.mark.parametrize(
    ("hhmm", "minutes"), [(0, 0), (5, 5), (59, 59), (100, 60), (517, 317), (2330, 1410), (2359, 1439), (2400, 1440)]
)
def test_a_clock_number_is_hours_then_two_digits_of_minutes(hhmm, minutes):
    assert pl.select(minutes_of_clock(pl.lit(hhmm))).item() == minutes


def test_a_missing_clock_number_stays_missing():
    assert pl.select(minutes_of_clock(pl.lit(None, dtype=pl.Int64))).item() is None


@pytest.mark.parametrize(
    ("month", "day", "hhmm", "moment"),
    [
        (1, 1, 517, at(1, 1, 10, 17)),
        (7, 1, 517, at(7, 1, 9, 17)),
        (7, 1, 2000, at(7, 2, 0, 0)),
        (1, 1, 2359, at(1, 2, 4, 59)),
        (1, 1, 2400, at(1, 2, 5, 0)),
        (12, 31, 2400, datetime(2014, 1, 1, 5, tzinfo=UTC)),
    ],
)
def test_a_departure_is_read_on_the_clocks_of_new_york(month, day, hhmm, moment):
    assert departure(month, day, hhmm) == moment


@pytest.mark.parametrize(
    ("hhmm", "moment"),
    [(159, at(3, 10, 6, 59)), (230, at(3, 10, 7, 30)), (300, at(3, 10, 7, 0)), (330, at(3, 10, 7, 30))],
)
def test_half_past_two_of_the_spring_night_does_not_exist_and_is_read_an_hour_later(hhmm, moment):
    assert departure(3, 10, hhmm) == moment


@pytest.mark.parametrize(("hhmm", "moment"), [(59, at(11, 3, 4, 59)), (130, at(11, 3, 5, 30)), (200, at(11, 3, 7, 0))])
def test_half_past_one_of_the_autumn_night_happens_twice_and_is_read_as_the_first(hhmm, moment):
    assert departure(11, 3, hhmm) == moment


def test_the_autumn_night_has_an_hour_more_than_another():
    assert (departure(11, 3, 2400) - departure(11, 3, 0)).total_seconds() == 25 * 3600


@pytest.mark.parametrize(
    ("month", "zone", "hhmm", "hour_utc"),
    [
        (7, "America/Los_Angeles", 900, 16),
        (1, "America/Los_Angeles", 900, 17),
        (7, "America/Phoenix", 900, 16),
        (1, "America/Phoenix", 900, 16),
        (7, "Pacific/Honolulu", 1200, 22),
        (1, "Pacific/Honolulu", 1200, 22),
        (7, "America/Puerto_Rico", 1000, 14),
        (1, "America/Puerto_Rico", 1100, 15),
    ],
)
def test_an_arrival_is_read_on_the_clocks_of_its_destination(month, zone, hhmm, hour_utc):
    leaving = at(month, 1, 12)

    assert arrival(month, 1, hhmm, leaving, zone) == at(month, 1, hour_utc)


def test_an_arrival_before_its_departure_is_of_the_next_day():
    leaving = departure(1, 1, 2359)

    assert arrival(1, 1, 444, leaving, "America/Puerto_Rico") == at(1, 2, 8, 44)


def test_an_arrival_at_the_very_moment_of_departure_is_of_the_next_day():
    leaving = departure(1, 1, 800)

    assert arrival(1, 1, 800, leaving, "America/New_York") == at(1, 2, 13)


def test_an_arrival_a_minute_after_departure_on_clocks_far_west_is_of_the_same_day():
    leaving = departure(1, 1, 1000)

    assert arrival(1, 1, 501, leaving, "Pacific/Honolulu") == at(1, 1, 15, 1)


def test_an_arrival_at_midnight_written_2400_is_the_end_of_the_day():
    leaving = departure(1, 1, 2100)

    assert arrival(1, 1, 2400, leaving, "America/New_York") == at(1, 2, 5)


def test_an_arrival_in_the_hour_that_spring_skips_is_read_an_hour_later():
    leaving = departure(3, 9, 2359)

    assert arrival(3, 9, 230, leaving, "America/New_York") == at(3, 10, 7, 30)


def test_an_arrival_in_the_hour_that_autumn_repeats_is_read_as_the_first():
    leaving = departure(11, 2, 2300)

    assert arrival(11, 2, 130, leaving, "America/New_York") == at(11, 3, 5, 30)


def test_the_spring_night_of_new_york_is_an_ordinary_one_in_phoenix():
    leaving = departure(3, 9, 2359)

    assert arrival(3, 9, 230, leaving, "America/Phoenix") == at(3, 10, 9, 30)


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_an_arrival_in_a_zone_that_is_not_known_has_no_moment(zone):
    assert arrival(1, 1, 900, at(1, 1, 12), zone) is None


def test_each_row_is_read_on_the_clocks_of_its_own_zone():
    rows = pl.DataFrame(
        {"local": [datetime(2013, 7, 1, 12)] * 3, "zone": ["Pacific/Honolulu", None, "America/Phoenix"]}
    )

    moments = rows.select(local_to_utc_by_zone(pl.col("local"), pl.col("zone"), ZONES)).to_series()

    assert moments.to_list() == [at(7, 1, 22), None, at(7, 1, 19)]


def test_moments_are_in_utc():
    moment = pl.select(local_to_utc(pl.lit(datetime(2013, 7, 1, 12)), "America/New_York")).to_series()

    assert moment.dtype == pl.Datetime("us", "UTC")
