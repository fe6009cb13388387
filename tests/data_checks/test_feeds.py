"""The split of plan and outcome: small source tables worked out by hand, then the facts of the real ones."""

import io
import zipfile
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data_checks import schema as s
from data_checks.feeds import ReferenceRefused, RowsWithoutMoment, flight_id, rows_of_week, split_feeds
from infra.source import package_folder

NOON = datetime(2013, 7, 1, 16, tzinfo=UTC)
"""12:00 in New York, when the flight of `flights()` should leave; it is due at 15:00, three hours later."""


def flights(*changes: dict) -> pl.DataFrame:
    """Source flights, one per dict of changes: UA 1545 from EWR to ATL, 12:00 to 15:00 on 1 July, 5 and 7 min late."""
    usual = {
        "year": 2013, "month": 7, "day": 1, "sched_dep_time": 1200, "sched_arr_time": 1500,
        "dep_time": 1205, "dep_delay": 5, "arr_delay": 7,
        "carrier": "UA", "flight": 1545, "tailnum": "N14228", "origin": "EWR", "dest": "ATL", "distance": 746.0,
    }  # fmt: skip
    return pl.DataFrame([usual | change for change in changes or ({},)], schema=s.SOURCE_COLUMNS["flights"])


def weather(*changes: dict) -> pl.DataFrame:
    """Source weather, one row per dict of changes: a fine hour at EWR, 1 July 16:00 UTC."""
    usual = {
        "origin": "EWR", "temp": 80.0, "dewp": 60.0, "humid": 50.0, "wind_dir": 270.0, "wind_speed": 10.0,
        "wind_gust": None, "precip": 0.0, "pressure": 1015.0, "visib": 10.0, "time_hour": "2013-07-01T16:00:00Z",
    }  # fmt: skip
    return pl.DataFrame([usual | change for change in changes or ({},)], schema=s.SOURCE_COLUMNS["weather"])


def source(**tables: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Five source tables: one flight, one hour of weather, airports in three zones; San Juan is not listed."""
    places = {
        "ATL": "America/New_York",
        "LAX": "America/Los_Angeles",
        "HNL": "Pacific/Honolulu",
        "PHX": "America/Phoenix",
    }
    airports = {"faa": list(places), "name": list(places), "tzone": list(places.values())}
    planes = {"tailnum": ["N14228"], "year": [1999], "seats": [149], "engines": [2]}
    return {
        "flights": flights(),
        "weather": weather(),
        "planes": pl.DataFrame(planes, schema=s.SOURCE_COLUMNS["planes"]),
        "airports": pl.DataFrame(airports, schema=s.SOURCE_COLUMNS["airports"]),
        "airlines": pl.DataFrame({"carrier": ["UA"], "name": ["United"]}, schema=s.SOURCE_COLUMNS["airlines"]),
    } | tables


def schedule_of(*changes: dict) -> pl.DataFrame:
    return split_feeds(source(flights=flights(*changes)))["schedule"]


def outcomes_of(*changes: dict) -> pl.DataFrame:
    return split_feeds(source(flights=flights(*changes)))["outcomes"]


CANCELLED = {"dep_time": None, "dep_delay": None, "arr_delay": None, "tailnum": None}
DIVERTED = {"arr_delay": None}


def test_a_flight_is_named_after_its_local_day_carrier_number_and_origin():
    assert schedule_of()[s.FLIGHT_ID].to_list() == ["2013-07-01-UA1545-EWR"]


def test_a_late_flight_is_named_after_the_day_in_new_york_not_in_utc():
    assert schedule_of({"sched_dep_time": 2359})[s.FLIGHT_ID].to_list() == ["2013-07-01-UA1545-EWR"]


def test_a_flight_without_carrier_still_has_a_name():
    names = pl.DataFrame({"day": [datetime(2013, 7, 1)], "carrier": [None], "number": [5], "origin": ["JFK"]})

    named = names.select(flight_id(*(pl.col(name) for name in names.columns))).item()

    assert named == "2013-07-01-5-JFK"


def test_the_plan_is_known_a_week_before_departure():
    assert schedule_of()[s.KNOWN_AT].to_list() == [NOON - timedelta(days=7)]


@pytest.mark.parametrize(
    ("dest", "sched_arr_time", "moment"),
    [
        ("ATL", 1500, NOON + timedelta(hours=3)),
        ("LAX", 1500, NOON + timedelta(hours=6)),
        ("PHX", 1500, NOON + timedelta(hours=6)),
        ("HNL", 1500, NOON + timedelta(hours=9)),
        ("SJU", 1600, NOON + timedelta(hours=4)),
        ("ATL", 1130, NOON + timedelta(hours=23.5)),
    ],
)
def test_an_arrival_is_due_by_the_clocks_of_its_destination(dest, sched_arr_time, moment):
    plan = schedule_of({"dest": dest, "sched_arr_time": sched_arr_time})

    assert plan[s.SCHEDULED_ARRIVAL].to_list() == [moment]


@pytest.mark.parametrize("code", ["BQN", "PSE", "SJU", "STT"])
def test_the_four_islands_that_airports_leave_out_have_atlantic_time_without_summer(code):
    plan = schedule_of({"dest": code, "month": 1}, {"dest": code, "month": 7})

    assert plan[s.SCHEDULED_ARRIVAL].dt.hour().to_list() == [19, 19]


def test_a_cancelled_flight_to_nowhere_known_has_no_arrival_for_the_contract_to_refuse():
    assert schedule_of(CANCELLED | {"dest": "XXX"})[s.SCHEDULED_ARRIVAL].to_list() == [None]


@pytest.mark.parametrize("change", [{"month": 13}, {"month": 2, "day": 31}])
def test_a_flight_without_a_day_is_refused_rather_than_lost(change):
    with pytest.raises(RowsWithoutMoment, match="1 rows of schedule have no scheduled_departure_utc and no day"):
        schedule_of({}, change)


@pytest.mark.parametrize("change", [{"sched_dep_time": 1275}, {"sched_dep_time": None}])
def test_a_flight_without_a_readable_time_comes_with_those_of_its_day(change):
    plan = schedule_of({}, {"flight": 2} | change).lazy()

    day = rows_of_week(plan, s.SCHEDULE, NOON - timedelta(hours=12), NOON + timedelta(hours=12)).collect()

    assert sorted(day[s.FLIGHT_NUMBER]) == [2, 1545]


@pytest.mark.parametrize("change", [{"dep_delay": None}, {"dest": "XXX"}])
def test_an_event_that_is_known_at_no_moment_comes_with_those_of_its_flights_day(change):
    events = outcomes_of(change)

    day = rows_of_week(events.lazy(), s.OUTCOMES, NOON - timedelta(hours=12), NOON + timedelta(hours=12)).collect()

    assert (day[s.KNOWN_AT].null_count(), day.height) == (1, events.height)


@pytest.mark.parametrize(
    ("table", "changes", "words"),
    [
        ("planes", {"seats": [0]}, "1 rows of planes break the rule 'seats between 1 and 900 seats', .* N14228"),
        ("planes", {"year": [19]}, "year_built between 1930 and 2030"),
        ("airlines", {"carrier": ["ua"]}, "carrier looks like"),
        ("airports", {"faa": ["ATL", "ATL", "HNL", "PHX"]}, "airport seen once"),
    ],
)
def test_a_reference_table_that_breaks_its_contract_is_refused(table, changes, words):
    broken = source()[table].with_columns(pl.Series(name, values) for name, values in changes.items())

    with pytest.raises(ReferenceRefused, match=words):
        split_feeds(source(**{table: broken}))


def test_not_a_number_is_a_missing_value():
    assert split_feeds(source(weather=weather({"temp": float("nan")})))["weather"][s.TEMPERATURE].to_list() == [None]


def test_a_flight_that_landed_departed_and_arrived():
    events = outcomes_of()

    assert events.select(s.EVENT, s.DELAY, s.KNOWN_AT).rows() == [
        (s.DEPARTED, 5, NOON + timedelta(minutes=5)),
        (s.ARRIVED, 7, NOON + timedelta(hours=3, minutes=7)),
    ]


def test_an_early_flight_is_known_before_its_time():
    events = outcomes_of({"dep_delay": -3, "arr_delay": -20})

    assert events[s.KNOWN_AT].to_list() == [NOON - timedelta(minutes=3), NOON + timedelta(hours=2, minutes=40)]


def test_a_cancellation_is_known_at_the_scheduled_departure():
    events = outcomes_of(CANCELLED)

    assert events.select(s.EVENT, s.DELAY, s.KNOWN_AT).rows() == [(s.CANCELLED, None, NOON)]


def test_a_diversion_is_known_a_day_after_the_flight_was_due():
    events = outcomes_of(DIVERTED)

    assert events.select(s.EVENT, s.DELAY, s.KNOWN_AT).rows() == [
        (s.DEPARTED, 5, NOON + timedelta(minutes=5)),
        (s.DIVERTED, None, NOON + timedelta(hours=27)),
    ]


def test_nothing_of_the_plan_comes_from_after_departure():
    otherwise = {"dep_time": None, "dep_delay": 300, "arr_delay": -60}

    assert_frame_equal(schedule_of(), schedule_of(otherwise))


def test_a_delay_says_nothing_before_it_is_known():
    before_landing = pl.col(s.KNOWN_AT) < NOON + timedelta(hours=2)

    on_time, late = outcomes_of(), outcomes_of({"arr_delay": 200})

    assert_frame_equal(on_time.filter(before_landing), late.filter(before_landing))


def test_feeds_have_the_columns_and_types_of_the_contract():
    feeds = split_feeds(source())

    assert {name: feed.schema for name, feed in feeds.items()} == {
        **{feed.name: feed.polars_schema for feed in s.FEEDS.values()},
        **s.REFERENCE,
    }


def test_the_order_of_the_source_rows_does_not_matter():
    rows = [{"flight": number, "sched_dep_time": 1200 + number} for number in (3, 1, 2)]

    assert_frame_equal(schedule_of(*rows), schedule_of(*reversed(rows)))


def test_the_source_is_not_changed():
    tables = source()
    before = {name: table.clone() for name, table in tables.items()}

    split_feeds(tables)

    assert all(tables[name].equals(before[name]) for name in tables)


def test_weather_is_known_an_hour_after_it_was_observed():
    observed = split_feeds(source())["weather"]

    assert observed.select(s.OBSERVED_AT, s.KNOWN_AT).rows() == [(NOON, NOON + timedelta(hours=1))]


def test_weather_that_no_week_would_hold_is_refused_rather_than_lost():
    with pytest.raises(RowsWithoutMoment, match="1 rows of weather have no known_at_utc and no day, the first is EWR"):
        split_feeds(source(weather=weather({}, {"time_hour": "yesterday"})))


def test_a_week_takes_its_first_moment_and_leaves_its_last_to_the_next():
    monday, next_monday = datetime(2013, 7, 1, 4, tzinfo=UTC), datetime(2013, 7, 8, 4, tzinfo=UTC)
    moments = [monday - timedelta(microseconds=1), monday, next_monday - timedelta(microseconds=1), next_monday]
    plan = pl.LazyFrame({s.FLIGHT_ID: ["2013-07-01-UA1-EWR"] * 4, s.SCHEDULED_DEPARTURE: moments})

    found = rows_of_week(plan, s.SCHEDULE, monday, next_monday).collect()

    assert found[s.SCHEDULED_DEPARTURE].to_list() == moments[1:3]


def test_an_outcome_belongs_to_the_week_in_which_it_becomes_known():
    sunday_night = {"day": 7, "sched_dep_time": 2350, "dep_time": 2355, "sched_arr_time": 230}
    events = outcomes_of(sunday_night).lazy()

    next_week = rows_of_week(
        events, s.OUTCOMES, datetime(2013, 7, 8, 4, tzinfo=UTC), datetime(2013, 7, 15, 4, tzinfo=UTC)
    )

    assert next_week.collect()[s.EVENT].to_list() == [s.ARRIVED]


def test_the_real_plan_has_every_flight_of_2013_once(feeds):
    assert (feeds["schedule"].height, feeds["schedule"][s.FLIGHT_ID].n_unique()) == (336_776, 336_776)


def test_every_real_departure_falls_into_the_hour_that_the_source_names_in_utc(feeds):
    with zipfile.ZipFile(package_folder() / "flights.csv.zip") as archive:
        flights = pl.read_csv(io.BytesIO(archive.read("flights.csv")), infer_schema=False)
    day = pl.date(*(pl.col(part).cast(pl.Int32) for part in ("year", "month", "day")))
    named = flights.select(
        flight_id(day, pl.col("carrier"), pl.col("flight"), pl.col("origin")),
        pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ").dt.replace_time_zone("UTC"),
    )

    both = feeds["schedule"].join(named, on=s.FLIGHT_ID)

    same_hour = both[s.SCHEDULED_DEPARTURE].dt.truncate("1h") == both["time_hour"]
    assert (len(same_hour), same_hour.sum()) == (336_776, 336_776)


def test_every_real_flight_landed_or_was_cancelled_or_was_diverted(feeds):
    endings = feeds["outcomes"].group_by(s.FLIGHT_ID).agg(pl.col(s.EVENT).sort().str.join(" and "))

    assert dict(endings[s.EVENT].value_counts().rows()) == {
        "arrived and departed": 327_346,
        "cancelled": 8_255,
        "departed and diverted": 1_175,
    }


def test_no_real_flight_has_more_than_one_ending(feeds):
    endings = feeds["outcomes"].filter(pl.col(s.EVENT) != s.DEPARTED)

    assert (endings.height, endings[s.FLIGHT_ID].n_unique()) == (336_776, 336_776)


def test_every_real_row_says_from_when_it_is_known(feeds):
    assert {name: feeds[name][s.KNOWN_AT].null_count() for name in s.FEEDS} == dict.fromkeys(s.FEEDS, 0)


def test_every_real_arrival_is_due_within_a_day_of_its_departure(feeds):
    planned = feeds["schedule"].select((pl.col(s.SCHEDULED_ARRIVAL) - pl.col(s.SCHEDULED_DEPARTURE)).alias("block"))

    outside = planned.filter(~pl.col("block").is_between(pl.duration(minutes=1), pl.duration(hours=13)))

    assert outside.is_empty()


def test_the_tail_number_is_missing_for_cancelled_real_flights_alone(feeds):
    nameless = feeds["schedule"].filter(pl.col(s.TAIL_NUMBER).is_null())

    endings = nameless.join(feeds["outcomes"], on=s.FLIGHT_ID)[s.EVENT]

    assert (nameless.height, set(endings)) == (2_512, {s.CANCELLED})


def test_real_weather_has_one_row_per_airport_and_hour(feeds):
    assert feeds["weather"].select(s.WEATHER.key).is_duplicated().sum() == 0


def test_two_real_rows_lie_outside_the_bounds_of_the_contract_and_both_are_mistakes(feeds):
    outside = {
        (name, column.name): feeds[name].filter(~pl.col(column.name).is_between(column.minimum, column.maximum))
        for name, feed in s.FEEDS.items()
        for column in feed.columns
        if column.minimum is not None
    }

    found = {names: rows[names[1]].to_list() for names, rows in outside.items() if rows.height}
    assert found == {
        ("schedule", s.DISTANCE): [17.0],  # Newark to La Guardia
        ("weather", s.WIND_SPEED): [pytest.approx(1048.4, abs=0.1)],
    }
