"""The faults themselves, on rows worked out by hand, and what the contract says of them on real weeks."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from test_joint import event, plan

from data_checks import schema as s
from data_checks.faults import Fault, all_faults
from data_checks.suites import Validator
from pipelines.rehearsal import Rehearsal

FAULTS = {(fault.name, fault.feed.name, fault.where): fault for fault in all_faults()}
EIGHT = {
    "miles to kilometres", "+5 hours", "-5 hours", "HHMM as minutes", "lower-cased carriers", "airport missing",
    "20 % duplicates", "30 % nulls", "shuffled",
}  # fmt: skip
SUMMER = date(2013, 7, 1), date(2013, 7, 21)
CAUGHT = {
    ("miles to kilometres", "schedule", s.DISTANCE): s.MEDIAN_DISTANCE,
    ("miles to kilometres", "weather", f"{s.WIND_SPEED}, {s.WIND_GUST}"): s.WIND_OFF_KNOTS,
    ("+5 hours", "schedule", "every moment"): s.NIGHT_SHARE,
    ("-5 hours", "schedule", "every moment"): s.NIGHT_SHARE,
    ("+5 hours", "outcomes", "every moment"): s.KNOWN_LATE_SHARE,
    ("-5 hours", "outcomes", "every moment"): s.KNOWN_AFTER_EVENT,
    ("+5 hours", "weather", "every moment"): s.WARMEST_HOUR,
    ("-5 hours", "weather", "every moment"): s.WARMEST_HOUR,
    ("HHMM as minutes", "schedule", "every clock"): s.NIGHT_SHARE,
    ("lower-cased carriers", "schedule", "carrier"): s.CARRIER,
    ("lower-cased carriers", "outcomes", "carrier"): s.FLIGHT_IS_PLANNED,
    ("airport missing", "outcomes", "LGA"): s.ORIGINS_SEEN,
    ("airport missing", "weather", "EWR"): s.ORIGINS_SEEN,
    ("20 % duplicates", "outcomes", "rows"): f"{' and '.join(s.OUTCOMES.key)} seen once",
    ("30 % nulls", "schedule", s.TAIL_NUMBER): f"{s.TAIL_NUMBER} missing",
    ("30 % nulls", "weather", s.PRESSURE): f"{s.PRESSURE} missing",
    ("shuffled", "schedule", s.TAIL_NUMBER): s.SHARED_AIRCRAFT,
    ("shuffled", "schedule", s.DESTINATION): s.DISTANCE_CHANGE,
    ("shuffled", "outcomes", s.DELAY): s.KNOWN_AFTER_EVENT,
    ("shuffled", "weather", s.WIND_DIRECTION): s.HOURLY_CHANGE.format(s.WIND_DIRECTION),
    ("shuffled", "weather", s.WIND_GUST): s.GUSTY_WIND,
    ("shuffled", "weather", s.HUMIDITY): s.HUMIDITY_GAP,
}
"""The rule, by the beginning of its name, that must be among those which keep a fault out."""


def spoil(name: str, feed: s.Feed, where: str, batch: pl.DataFrame) -> pl.DataFrame:
    return FAULTS[name, feed.name, where].spoil(batch, 1)


def test_all_eight_faults_are_tried():
    assert {fault.name for fault in FAULTS.values()} == EIGHT


def test_every_nullable_column_is_nulled_and_every_column_shuffled():
    columns = {(feed.name, column.name) for feed in s.FEEDS.values() for column in feed.columns}
    nullable = {(feed.name, column.name) for feed in s.FEEDS.values() for column in feed.columns if column.nullable}

    assert {(feed, where) for name, feed, where in FAULTS if name == "30 % nulls"} == nullable
    assert {(feed, where) for name, feed, where in FAULTS if name == "shuffled"} == columns


def test_only_what_nothing_in_the_batch_could_tell_is_excused():
    excused = {(fault.name, fault.where) for fault in FAULTS.values() if fault.excuse}

    assert excused == {
        ("30 % nulls", s.WIND_GUST),
        ("shuffled", s.PRECIPITATION),
        ("shuffled", s.VISIBILITY),
        ("shuffled", s.WIND_GUST),
    }


@pytest.mark.parametrize(
    ("clock", "read"), [("05:17", "03:17"), ("15:00", "09:00"), ("11:00", None), ("00:05", "00:05")]
)
def test_minutes_since_midnight_are_read_as_a_clock(clock, read):
    local = datetime.strptime(f"2013-07-01 {clock}", "%Y-%m-%d %H:%M")
    moment = local.replace(tzinfo=UTC) + timedelta(hours=4)

    spoilt = spoil("HHMM as minutes", s.SCHEDULE, "every clock", plan({s.SCHEDULED_DEPARTURE: moment}))

    found = spoilt[s.SCHEDULED_DEPARTURE].dt.convert_time_zone("America/New_York").dt.strftime("%H:%M").to_list()
    assert found == [read]


def test_miles_become_kilometres():
    assert spoil("miles to kilometres", s.SCHEDULE, s.DISTANCE, plan())[s.DISTANCE].to_list() == [
        pytest.approx(1207.008)
    ]


def test_a_lower_cased_carrier_is_in_the_name_of_the_flight_too():
    spoilt = spoil("lower-cased carriers", s.SCHEDULE, "carrier", plan())

    assert spoilt.select(s.FLIGHT_ID, s.CARRIER).rows() == [("2013-07-01-ua1545-EWR", "ua")]


def test_an_airport_goes_missing_from_outcomes_by_the_name_of_the_flight():
    rows = event({}, {s.FLIGHT_ID: "2013-07-01-UA1-JFK"})

    assert spoil("airport missing", s.OUTCOMES, "EWR", rows)[s.FLIGHT_ID].to_list() == ["2013-07-01-UA1-JFK"]


def test_three_of_ten_values_are_hidden_and_two_of_ten_rows_come_twice():
    rows = plan(*({s.FLIGHT_NUMBER: number} for number in range(10)))

    assert spoil("30 % nulls", s.SCHEDULE, s.TAIL_NUMBER, rows)[s.TAIL_NUMBER].null_count() == 3
    assert spoil("20 % duplicates", s.SCHEDULE, "rows", rows).height == 12


@pytest.mark.parametrize("fault", FAULTS.values(), ids=["-".join(key) for key in FAULTS])
def test_a_fault_leaves_the_batch_it_was_given_and_does_the_same_again(fault, feeds):
    batch = feeds[fault.feed.name].head(200)
    before = batch.clone()

    once, again = fault.spoil(batch, 7), fault.spoil(batch, 7)

    assert_frame_equal(batch, before)
    assert_frame_equal(once, again)
    assert once.schema == batch.schema


@pytest.fixture(scope="module")
def summer(feeds, tmp_path_factory) -> Rehearsal:
    """Three weeks of July, judged clean."""
    rehearsal = Rehearsal(feeds, Validator(tmp_path_factory.mktemp("gx")), *SUMMER)
    for week in rehearsal.weeks():
        rehearsal.judge_clean_week(week)
    return rehearsal


def test_three_clean_weeks_of_july_pass_whole(summer):
    assert [judged.rules for judged in summer.clean.values()] == [set()] * 9


@pytest.mark.parametrize(("key", "rule"), CAUGHT.items(), ids=["-".join(key) for key in CAUGHT])
def test_a_fault_in_a_week_of_july_is_caught_by_the_rule_that_is_about_it(summer, key, rule):
    trial = summer.try_fault(FAULTS[key], summer.weeks()[-1], 1)

    assert trial.caught
    assert any(name.startswith(rule) for name in (*trial.blocked_by, *trial.quarantined_by))


def test_copies_are_quarantined_one_by_one_and_the_batch_goes_on(summer):
    trial = summer.try_fault(FAULTS["20 % duplicates", "schedule", "rows"], summer.weeks()[-1], 1)

    assert (trial.blocked_by, trial.quarantined_by) == ((), {"flight_id seen once": 1347})


def test_a_fault_that_goes_through_is_not_called_caught(summer):
    one_mile = Fault("one mile", s.SCHEDULE, s.DISTANCE, lambda batch, seed: batch.with_columns(pl.col(s.DISTANCE) + 1))

    trial = summer.try_fault(one_mile, summer.weeks()[-1], 1)

    assert (trial.caught, trial.wrong_rows_accepted > 6000) == (False, True)


def test_a_fault_that_changes_nothing_is_no_trial(summer):
    assert summer.try_fault(Fault("none", s.SCHEDULE, "", lambda batch, seed: batch), summer.weeks()[-1], 1) is None
