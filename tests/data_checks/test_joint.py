"""Columns derived at the door, worked out by hand; a batch alone and beside its history."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from polars.testing import assert_frame_equal
from strategies import anything, kept

from data_checks import schema as s
from data_checks.history import History, Span, build_history
from data_checks.joint import MILES_PER_HOUR_OF_A_KNOT, with_derived

NOON = datetime(2013, 7, 1, 16, tzinfo=UTC)
"""12:00 in New York."""


def plan(*changes: dict) -> pl.DataFrame:
    """Flights, one per dict of changes: UA 1545 from EWR to ATL, noon to 14:30 in New York, 750 miles."""
    usual = {
        s.FLIGHT_ID: "2013-07-01-UA1545-EWR", s.CARRIER: "UA", s.FLIGHT_NUMBER: 1545, s.TAIL_NUMBER: "N1",
        s.ORIGIN: "EWR", s.DESTINATION: "ATL", s.SCHEDULED_DEPARTURE: NOON,
        s.SCHEDULED_ARRIVAL: NOON + timedelta(hours=2.5), s.DISTANCE: 750.0, s.KNOWN_AT: NOON - timedelta(days=7),
    }  # fmt: skip
    return pl.DataFrame([usual | change for change in changes or ({},)], schema=s.SCHEDULE.polars_schema)


def event(*changes: dict) -> pl.DataFrame:
    """Events, one per dict of changes: the flight of `plan()` arrives ten minutes late."""
    usual = dict.fromkeys(s.OUTCOMES.polars_schema, 0) | {
        s.FLIGHT_ID: "2013-07-01-UA1545-EWR", s.EVENT: s.ARRIVED, s.DELAY: 10,
        s.KNOWN_AT: NOON + timedelta(hours=2, minutes=40),
    }  # fmt: skip
    return pl.DataFrame([usual | change for change in changes or ({},)], schema=s.OUTCOMES.polars_schema)


def hour(*changes: dict) -> pl.DataFrame:
    """Hours of weather, one per dict of changes: 77 over 59 °F, wind of ten knots from the west, no gust."""
    usual = dict.fromkeys(s.WEATHER.polars_schema) | {
        s.ORIGIN: "EWR", s.OBSERVED_AT: NOON, s.TEMPERATURE: 77.0, s.DEW_POINT: 59.0, s.HUMIDITY: 53.8,
        s.WIND_DIRECTION: 270.0, s.WIND_SPEED: 10 * MILES_PER_HOUR_OF_A_KNOT, s.KNOWN_AT: NOON + timedelta(hours=1),
    }  # fmt: skip
    return pl.DataFrame([usual | change for change in changes or ({},)], schema=s.WEATHER.polars_schema)


def derived(feed: s.Feed, batch: pl.DataFrame, name: str, **history: object) -> list:
    return with_derived(feed, batch, History(**history))[name].to_list()


@pytest.mark.parametrize(
    ("change", "agrees"),
    [
        ({}, True),
        ({s.CARRIER: "DL"}, False),
        ({s.FLIGHT_NUMBER: 1546}, False),
        ({s.ORIGIN: "JFK"}, False),
        ({s.SCHEDULED_DEPARTURE: NOON + timedelta(hours=11, minutes=59)}, True),
        ({s.SCHEDULED_DEPARTURE: NOON + timedelta(hours=12)}, True),  # 24:00 is named after the day that ends
        ({s.SCHEDULED_DEPARTURE: NOON + timedelta(hours=12, minutes=1)}, False),
        ({s.SCHEDULED_DEPARTURE: NOON - timedelta(hours=12)}, True),
        ({s.SCHEDULED_DEPARTURE: NOON - timedelta(hours=12, minutes=1)}, False),
        ({s.SCHEDULED_DEPARTURE: None}, None),
    ],
)
def test_the_name_of_a_flight_agrees_with_its_parts_and_its_day_in_new_york(change, agrees):
    assert derived(s.SCHEDULE, plan(change), s.FLIGHT_ID_AGREES) == [agrees]


def test_block_speed_is_miles_over_scheduled_hours():
    assert derived(s.SCHEDULE, plan(), s.BLOCK_SPEED) == [300.0]


def test_a_flight_that_arrives_as_it_leaves_has_no_speed():
    assert derived(s.SCHEDULE, plan({s.SCHEDULED_ARRIVAL: NOON}), s.BLOCK_SPEED) == [None]


def test_a_distance_is_compared_with_that_of_the_route_before():
    known = pl.DataFrame({s.ORIGIN: ["EWR"], s.DESTINATION: ["ATL"], s.DISTANCE: [746.0]})

    assert derived(s.SCHEDULE, plan({}, {s.DESTINATION: "BOS"}), s.DISTANCE_CHANGE, distances=known) == [4.0, 0.0]


def test_on_a_new_route_a_distance_is_compared_with_that_of_the_other_rows():
    rows = plan({}, {}, {s.DISTANCE: 1207.0})

    assert derived(s.SCHEDULE, rows, s.DISTANCE_CHANGE) == [0.0, 0.0, 457.0]


def test_the_plan_is_known_seven_days_ahead():
    assert derived(s.SCHEDULE, plan(), s.KNOWN_AHEAD) == [7.0]


@pytest.mark.parametrize(("listed", "answer"), [({"UA"}, True), ({"AA"}, False), (None, None)])
def test_a_carrier_is_listed_in_airlines_or_nobody_knows(listed, answer):
    assert derived(s.SCHEDULE, plan(), s.CARRIER_IS_LISTED, carriers=listed) == [answer]


@pytest.mark.parametrize(
    ("name", "answer"), [("2013-07-01-UA1545-EWR", True), ("2013-07-01-UA1-EWR", False), ("2013-06-30-UA1-EWR", None)]
)
def test_an_event_belongs_to_a_planned_flight_unless_that_left_before_the_plan_begins(name, answer):
    planned = plan().select(s.FLIGHT_ID, s.SCHEDULED_DEPARTURE, s.SCHEDULED_ARRIVAL)

    assert derived(s.OUTCOMES, event({s.FLIGHT_ID: name}), s.FLIGHT_IS_PLANNED, planned=planned) == [answer]


@pytest.mark.parametrize(
    ("change", "minutes"),
    [
        ({}, 0),
        ({s.KNOWN_AT: NOON + timedelta(hours=2, minutes=39)}, -1),
        ({s.KNOWN_AT: NOON + timedelta(days=3, hours=2, minutes=40)}, 3 * 24 * 60),
        ({s.EVENT: s.DEPARTED, s.KNOWN_AT: NOON + timedelta(minutes=10)}, 0),
        ({s.EVENT: s.CANCELLED, s.DELAY: None, s.KNOWN_AT: NOON}, 0),
        ({s.EVENT: s.DIVERTED, s.DELAY: None, s.KNOWN_AT: NOON + timedelta(hours=26.5)}, 0),
        ({s.FLIGHT_ID: "2013-07-01-UA1-EWR"}, None),
    ],
)
def test_what_happened_is_known_when_it_happened_or_later(change, minutes):
    planned = plan().select(s.FLIGHT_ID, s.SCHEDULED_DEPARTURE, s.SCHEDULED_ARRIVAL)

    assert derived(s.OUTCOMES, event(change), s.KNOWN_AFTER_EVENT, planned=planned) == [minutes]


def test_a_flight_that_arrived_and_was_cancelled_has_two_ends_and_one_told_twice_has_one():
    two = event({}, {s.EVENT: s.CANCELLED}, {s.FLIGHT_ID: "2013-07-01-UA2-EWR"}, {s.FLIGHT_ID: "2013-07-01-UA2-EWR"})

    assert derived(s.OUTCOMES, two, s.ENDINGS) == [2, 2, 1, 1]


def test_humidity_follows_from_temperature_and_dew_point():
    (gap,) = derived(s.WEATHER, hour(), s.HUMIDITY_GAP)

    assert gap == pytest.approx(0, abs=0.1)  # 77 °F over 59 °F: 17.05 hPa of 31.67 hPa, 53.8 %


def test_air_at_its_dew_point_is_saturated():
    (gap,) = derived(s.WEATHER, hour({s.DEW_POINT: 77.0, s.HUMIDITY: 100.0}), s.HUMIDITY_GAP)

    assert gap == 0


@pytest.mark.parametrize(
    ("change", "name", "value"),
    [
        ({}, s.KNOWN_AFTER_HOURS, 1),
        ({}, s.DEW_POINT_SPREAD, 18),
        ({s.WIND_SPEED: 10.0, s.WIND_GUST: 25.0}, s.GUST_OVER_WIND, 15),
        ({}, s.GUST_OVER_WIND, None),
        ({}, s.CALM_AGREES, True),
        ({s.WIND_SPEED: 0.0}, s.CALM_AGREES, False),
        ({s.WIND_SPEED: 0.0, s.WIND_DIRECTION: 0.0}, s.CALM_AGREES, True),
        ({s.WIND_DIRECTION: 0.0}, s.CALM_AGREES, False),
        ({s.WIND_DIRECTION: None}, s.CALM_AGREES, None),
    ],
)
def test_what_is_derived_of_an_hour_of_weather(change, name, value):
    assert derived(s.WEATHER, hour(change), name) == [value]


def test_wind_in_kilometres_per_hour_is_no_whole_number_of_knots():
    miles, kilometres = derived(
        s.WEATHER, hour({}, {s.WIND_SPEED: 10 * MILES_PER_HOUR_OF_A_KNOT * 1.609344}), s.WIND_OFF_KNOTS
    )

    assert (miles, kilometres) == (pytest.approx(0, abs=1e-9), pytest.approx(0.093, abs=0.001))


@pytest.mark.parametrize("feed", s.FEEDS.values(), ids=s.FEEDS)
def test_what_is_derived_has_the_columns_and_types_of_the_contract_and_leaves_the_batch_alone(feed):
    @settings(max_examples=40)
    @given(anything(feed) | kept(feed))
    def every(case):
        before = case.batch.clone()

        found = with_derived(case.feed, case.batch, case.history)

        assert_frame_equal(case.batch, before)
        assert_frame_equal(found.select(case.batch.columns), before)
        assert found.schema == {**case.batch.schema, **{column.name: column.dtype for column in feed.derived}}

    every()


def test_history_is_the_usual_rows_of_a_weekday_the_distances_and_the_aircraft_of_weeks_before():
    past = plan({}, {}, {s.SCHEDULED_DEPARTURE: NOON + timedelta(days=7)}, {s.ORIGIN: "JFK", s.TAIL_NUMBER: None})
    airlines, airports = pl.DataFrame({s.CARRIER: ["UA"]}), pl.DataFrame({s.AIRPORT: ["ATL"]})

    history = build_history(
        s.SCHEDULE, Span(NOON, NOON, NOON), past, [plan(), plan()], {"airlines": airlines, "airports": airports}
    )

    assert sorted(history.usual.rows()) == [("EWR", 1, 1.5), ("JFK", 1, 1.0)]
    assert sorted(history.distances.rows()) == [("EWR", "ATL", 750.0), ("JFK", "ATL", 750.0)]
    assert history.aircraft.rows() == [("N1", "UA")]
    assert history.planned.height == 1
    assert {"ATL", "SJU"} <= history.destinations


def test_without_weeks_before_there_is_no_usual():
    nothing = {name: pl.DataFrame(schema=schema) for name, schema in s.REFERENCE.items()}

    history = build_history(s.SCHEDULE, Span(NOON, NOON, NOON), None, [], nothing)

    assert (history.usual, history.distances, history.planned) == (None, None, None)
