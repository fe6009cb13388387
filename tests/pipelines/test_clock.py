"""Weeks and months of the system's own clock; New York is UTC-5 in winter and UTC-4 in summer."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.clock import (
    PeriodError,
    Week,
    ends_month,
    local_calendar,
    local_day,
    midnight,
    parse_period,
    weeks_between,
)

FIRST, LAST = date(2013, 1, 1), date(2013, 12, 31)


def ids(period: str, first: date = FIRST, last: date = LAST) -> list[str]:
    return [week.id for week in parse_period(period, first, last)]


def hours(week: Week) -> float:
    return (week.end - week.start).total_seconds() / 3600


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)))
def test_the_week_that_holds_a_day_begins_on_the_monday_before_it(day):
    week = Week.holding(day)

    assert (week.monday.weekday(), day in week.days()) == (0, True)


def test_a_week_that_begins_on_another_day_is_refused():
    with pytest.raises(PeriodError, match="2013-07-04 is not a Monday"):
        Week(date(2013, 7, 4))


def test_a_week_is_named_after_its_monday():
    assert Week.from_id("2013-07-01").id == "2013-07-01"


def test_a_week_begins_and_ends_at_midnight_in_new_york():
    week = Week.from_id("2013-07-01")

    assert (week.start, week.end) == (datetime(2013, 7, 1, 4, tzinfo=UTC), datetime(2013, 7, 8, 4, tzinfo=UTC))


def test_a_week_ends_where_the_next_begins():
    week = Week.from_id("2013-07-01")

    assert week.end == week.plus(1).start


def test_weeks_count_backwards_too():
    assert Week.from_id("2013-01-07").plus(-1).id == "2012-12-31"


@pytest.mark.parametrize(("monday", "length"), [("2013-03-04", 167), ("2013-03-11", 168), ("2013-10-28", 169)])
def test_the_week_of_a_clock_change_is_an_hour_shorter_or_longer(monday, length):
    assert hours(Week.from_id(monday)) == length


def test_weeks_are_ordered_by_time():
    assert Week.from_id("2013-07-01") < Week.from_id("2013-07-08")


@pytest.mark.parametrize(
    ("monday", "ends"), [("2013-07-22", False), ("2013-07-29", True), ("2013-06-24", True), ("2013-12-30", True)]
)
def test_a_month_ends_with_the_week_whose_next_monday_is_in_another_month(monday, ends):
    assert ends_month(Week.from_id(monday)) == ends


@pytest.mark.parametrize(
    ("day", "hour_utc"), [(date(2013, 1, 1), 5), (date(2013, 3, 10), 5), (date(2013, 3, 11), 4), (date(2013, 11, 4), 5)]
)
def test_midnight_in_new_york_moves_with_the_summer(day, hour_utc):
    assert midnight(day) == datetime(day.year, day.month, day.day, hour_utc, tzinfo=UTC)


def test_a_moment_before_midnight_in_new_york_is_of_the_day_that_ends():
    moments = [midnight(date(2013, 7, 2)) - timedelta(microseconds=1), midnight(date(2013, 7, 2))]

    days = pl.DataFrame({"moment": moments}).select(local_day("moment")).to_series()

    assert days.to_list() == [date(2013, 7, 1), date(2013, 7, 2)]


def test_the_year_has_53_weeks_with_a_day_in_it():
    weeks = weeks_between(FIRST, LAST)

    assert (len(weeks), weeks[0].id, weeks[-1].id) == (53, "2012-12-31", "2013-12-30")


def test_one_day_lies_in_one_week():
    assert [week.id for week in weeks_between(LAST, LAST)] == ["2013-12-30"]


def test_a_day_means_the_week_that_holds_it():
    assert ids("2013-07-04") == ["2013-07-01"]


def test_a_month_means_every_week_with_a_day_in_it():
    assert ids("2013-07") == ["2013-07-01", "2013-07-08", "2013-07-15", "2013-07-22", "2013-07-29"]


def test_a_month_that_begins_on_a_sunday_takes_the_week_before():
    assert ids("2013-09")[0] == "2013-08-26"


def test_february_ends_on_the_28th():
    assert ids("2013-02") == ["2013-01-28", "2013-02-04", "2013-02-11", "2013-02-18", "2013-02-25"]


@pytest.mark.parametrize("day", ["2012-12-31", "2013-01-01", "2013-01-06"])
def test_the_first_week_of_the_data_begins_in_the_year_before(day):
    assert ids(day) == ["2012-12-31"]


@pytest.mark.parametrize("day", ["2013-12-31", "2014-01-05"])
def test_the_last_week_of_the_data_ends_in_the_year_after(day):
    assert ids(day) == ["2013-12-30"]


@pytest.mark.parametrize("period", ["2012-12-30", "2012-12", "2014-01-06", "2014-01", "1999-07", "9999-11"])
def test_a_period_without_a_day_of_data_is_refused_saying_which_days_there_are(period):
    with pytest.raises(PeriodError, match=f"no data for {period}: the year runs from 2013-01-01 to 2013-12-31"):
        parse_period(period, FIRST, LAST)


def test_a_month_that_the_data_only_touches_means_the_weeks_it_touches():
    until_monday, from_monday = ids("2013-07", last=date(2013, 7, 1)), ids("2013-07", first=date(2013, 7, 29))

    assert (until_monday, from_monday) == (["2013-07-01"], ["2013-07-29"])


@pytest.mark.parametrize(
    "text",
    ["", "july", "2013", "2013-7", "2013-13", "2013-00", "2013-02-30", "2013-07-01T00:00", " 2013-07", "2013-07\n",
     "20130701", "2013-W27", "-2013-07", "2013-07-1", "9999-12", "9999-12-31", "0000-01"],
)  # fmt: skip
def test_a_text_that_is_neither_month_nor_day_is_refused_saying_what_was_expected(text):
    with pytest.raises(PeriodError, match="expected a month such as 2013-07 or a day such as 2013-07-04"):
        parse_period(text, FIRST, LAST)


@given(st.text(max_size=12))
def test_any_text_is_weeks_or_a_period_error(text):
    try:
        weeks = parse_period(text, FIRST, LAST)
    except PeriodError:
        return

    assert weeks


@pytest.mark.parametrize(
    ("moment", "minute", "weekday", "day"),
    [
        (datetime(2013, 7, 8, 3, 59, 59, tzinfo=UTC), 23 * 60 + 59, 7, date(2013, 7, 7)),
        (datetime(2013, 7, 8, 4, 0, tzinfo=UTC), 0, 1, date(2013, 7, 8)),
        (datetime(2013, 3, 10, 6, 59, tzinfo=UTC), 119, 7, date(2013, 3, 10)),
        (datetime(2013, 3, 10, 7, 0, tzinfo=UTC), 180, 7, date(2013, 3, 10)),
        (datetime(2013, 11, 3, 5, 59, tzinfo=UTC), 119, 7, date(2013, 11, 3)),
        (datetime(2013, 11, 3, 6, 0, tzinfo=UTC), 60, 7, date(2013, 11, 3)),
    ],
    ids=str,
)
def test_seconds_are_read_on_the_clocks_of_new_york_on_both_nights_that_change_them(moment, minute, weekday, day):
    found = local_calendar(np.array([int(moment.timestamp())]))

    assert [array.item() for array in found] == [minute, weekday, (day - date(1970, 1, 1)).days]
