"""What holds of the features whatever the world: in small worlds that hypothesis makes up, and in weeks of 2013."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from data_checks import schema as s
from data_checks.feeds import rows_of_week
from pipelines.as_of import AS_OF
from pipelines.clock import Week
from pipelines.feature_catalog import FEATURES, NUMERIC
from pipelines.features import build_features
from pipelines.state import HOURS_AHEAD, World, prepare_state

MONDAY = datetime(2013, 7, 1, 4, tzinfo=UTC)
FATES = {"landed": (s.DEPARTED, s.ARRIVED), "cancelled": (s.CANCELLED,), "diverted": (s.DEPARTED, s.DIVERTED)}

MANY, SOME = settings(max_examples=30), settings(max_examples=12)  # worlds; each takes 0.05 s

FLIGHTS = st.lists(
    st.fixed_dictionaries(
        {
            s.CARRIER: st.sampled_from(["UA", "B6"]),
            s.FLIGHT_NUMBER: st.integers(1, 2),
            s.TAIL_NUMBER: st.sampled_from(["N1", "N2", None]),
            s.ORIGIN: st.sampled_from(["EWR", "JFK"]),
            s.DESTINATION: st.sampled_from(["ATL", "LAX"]),
            "day": st.sampled_from([0, 0, 0, 1, 9]),
            "half_hour": st.integers(0, 40),
            "fate": st.sampled_from(["landed", "landed", "cancelled", "diverted"]),
            "left_after": st.sampled_from([-10, 0, 14, 15, 60, 120, 1500]),
            "landed_after": st.sampled_from([-40, 0, 14, 15, 60, 120, 1500]),
        }
    ),
    min_size=1,
    max_size=8,
)
WEATHER = st.lists(
    st.tuples(
        st.sampled_from(["EWR", "JFK"]),
        st.integers(-6, 30),
        st.none() | st.floats(990, 1030),
        st.none() | st.floats(0, 2),
    ),
    max_size=8,
    unique_by=lambda row: row[:2],
)


def world_of(flights: list[dict], weather: list[tuple] = ()) -> World:
    """A world of these flights and hours of weather: half-hours on the clock, so that moments often coincide."""
    plan, outcomes = [], []
    for number, flight in enumerate(flights):
        leaves = MONDAY + timedelta(days=flight["day"], minutes=30 * flight["half_hour"])
        due = leaves + timedelta(hours=2)
        moments = {
            s.DEPARTED: (flight["left_after"], leaves + timedelta(minutes=flight["left_after"])),
            s.ARRIVED: (flight["landed_after"], due + timedelta(minutes=flight["landed_after"])),
            s.CANCELLED: (None, leaves),
            s.DIVERTED: (None, due + timedelta(days=1)),
        }
        who = [flight[name] for name in (s.CARRIER, s.FLIGHT_NUMBER, s.TAIL_NUMBER, s.ORIGIN, s.DESTINATION)]
        plan.append((str(number), *who, leaves, due, 700.0, leaves - timedelta(days=7)))
        outcomes += [(str(number), event, *moments[event]) for event in FATES[flight["fate"]]]
    observed = [(origin, MONDAY + timedelta(hours=hour), pressure, rain) for origin, hour, pressure, rain in weather]
    reports = pl.DataFrame(
        [
            dict.fromkeys(s.WEATHER.polars_schema)
            | {s.ORIGIN: origin, s.OBSERVED_AT: at, s.PRESSURE: pressure, s.PRECIPITATION: rain}
            | {s.KNOWN_AT: at + timedelta(hours=1)}
            for origin, at, pressure, rain in observed
        ],
        schema=s.WEATHER.polars_schema,
    )
    return World(
        schedule=pl.DataFrame(plan, schema=s.SCHEDULE.polars_schema, orient="row"),
        outcomes=pl.DataFrame([(*word, 0) for word in outcomes], schema=s.OUTCOMES.polars_schema, orient="row"),
        weather=reports,
        planes=pl.DataFrame([("N1", 1999, 149, 2)], schema=s.PLANES, orient="row"),
    )


def weeks_of(feeds: dict[str, pl.DataFrame], last: str, weeks: int) -> World:
    """The real world of so many weeks up to and with `last`."""
    end = Week.holding(date.fromisoformat(last))
    found = {
        feed.name: rows_of_week(feeds[feed.name].lazy(), feed, end.plus(1 - weeks).start, end.end).collect()
        for feed in s.FEEDS.values()
    }
    return World(**found, planes=feeds["planes"])


@pytest.fixture(scope="module")
def june(feeds) -> World:
    """Three real weeks, with the storms of late June 2013."""
    return weeks_of(feeds, "2013-06-24", weeks=3)


def features_in(world: World, flights: pl.DataFrame | None = None) -> pl.DataFrame:
    return build_features(world.schedule if flights is None else flights, prepare_state(world))


def known(world: World, at: datetime) -> World:
    """The world as it was at a moment: what became known later is not there yet."""
    return replace(
        world, **{name: getattr(world, name).filter(pl.col(s.KNOWN_AT) <= at) for name in ("outcomes", "weather")}
    )


def with_another_future(world: World, after: datetime) -> World:
    """The same world up to a moment; what became known later becomes something else, later still."""
    later = pl.col(s.KNOWN_AT) > after
    opposite = {s.DEPARTED: s.CANCELLED, s.CANCELLED: s.DEPARTED, s.ARRIVED: s.DIVERTED, s.DIVERTED: s.ARRIVED}
    moved = pl.when(later).then(pl.col(s.KNOWN_AT) + pl.duration(minutes=90)).otherwise(s.KNOWN_AT).alias(s.KNOWN_AT)
    return replace(
        world,
        schedule=world.schedule.filter(~later),
        outcomes=world.outcomes.with_columns(
            moved,
            pl.when(later).then(pl.col(s.EVENT).replace_strict(opposite)).otherwise(s.EVENT).alias(s.EVENT),
            pl.when(later).then(200 - pl.col(s.DELAY).fill_null(0)).otherwise(s.DELAY).alias(s.DELAY),
        ),
        weather=world.weather.with_columns(
            moved,
            *(pl.when(later).then(1.0).otherwise(name).alias(name) for name in (s.PRESSURE, s.PRECIPITATION)),
        ),
    )


def copy_of(world: World) -> World:
    return World(**{field.name: getattr(world, field.name).clone() for field in fields(world)})


def shuffle(world: World, seed: int) -> World:
    feeds = {field.name: getattr(world, field.name) for field in fields(world)}
    return World(**{name: feed.sample(fraction=1, shuffle=True, seed=seed) for name, feed in feeds.items()})


def as_of(flight: pl.DataFrame) -> datetime:
    return flight[s.SCHEDULED_DEPARTURE][0] - timedelta(hours=HOURS_AHEAD)


@MANY
@given(FLIGHTS, WEATHER)
def test_what_becomes_known_later_may_be_missing(flights, weather):
    world = world_of(flights, weather)
    flight = world.schedule.head(1)

    then = features_in(known(world, as_of(flight)), flight)

    assert_frame_equal(then, features_in(world, flight))


@MANY
@given(FLIGHTS, WEATHER)
def test_what_becomes_known_later_may_be_anything(flights, weather):
    world = world_of(flights, weather)
    flight = world.schedule.head(1)

    otherwise = features_in(with_another_future(world, as_of(flight)), flight)

    assert_frame_equal(otherwise, features_in(world, flight))


@SOME
@given(FLIGHTS, WEATHER)
def test_a_flight_has_the_same_features_alone_as_in_a_batch(flights, weather):
    world = world_of(flights, weather)

    state = prepare_state(world)

    alone = [build_features(world.schedule[row], state) for row in range(world.schedule.height)]

    assert_frame_equal(pl.concat(alone), build_features(world.schedule, state))


@SOME
@given(FLIGHTS, WEATHER)
def test_the_order_of_the_flights_changes_nothing_but_the_order(flights, weather):
    world = world_of(flights, weather)

    backwards = features_in(world, world.schedule.reverse())

    assert_frame_equal(backwards.reverse(), features_in(world))


@SOME
@given(FLIGHTS, WEATHER, st.integers(0, 100))
def test_the_order_of_the_feeds_changes_nothing(flights, weather, seed):
    world = world_of(flights, weather)
    shuffled = World(
        **{
            field.name: getattr(world, field.name).sample(fraction=1, shuffle=True, seed=seed)
            for field in fields(world)
        }
    )

    assert_frame_equal(features_in(shuffled, world.schedule), features_in(world))


@SOME
@given(FLIGHTS, WEATHER)
def test_a_flight_asked_about_twice_has_the_same_features_twice(flights, weather):
    world = world_of(flights, weather)

    twice = features_in(world, pl.concat([world.schedule, world.schedule]))

    assert_frame_equal(twice, pl.concat([features_in(world)] * 2))


@SOME
@given(FLIGHTS, WEATHER)
def test_the_world_and_the_flights_are_not_changed(flights, weather):
    world = world_of(flights, weather)
    before = copy_of(world)

    features_in(world)

    assert all(getattr(world, field.name).equals(getattr(before, field.name)) for field in fields(world))


@SOME
@given(FLIGHTS, WEATHER)
def test_what_happened_to_the_flight_itself_is_never_looked_at(flights, weather):
    world = world_of(flights, weather)
    flight = world.schedule.head(1)
    without = replace(world, outcomes=world.outcomes.filter(pl.col(s.FLIGHT_ID) != flight[s.FLIGHT_ID][0]))

    assert_frame_equal(features_in(without, flight), features_in(world, flight))


@SOME
@given(FLIGHTS, FLIGHTS)
def test_what_happened_long_ago_changes_nothing(flights, long_ago):
    world, before = world_of(flights), world_of(long_ago)
    past = pl.duration(days=60)
    moments = (s.SCHEDULED_DEPARTURE, s.SCHEDULED_ARRIVAL, s.KNOWN_AT)
    old_name = ("old " + pl.col(s.FLIGHT_ID)).alias(s.FLIGHT_ID)
    older = replace(
        world,
        schedule=pl.concat(
            [world.schedule, before.schedule.with_columns(old_name, *(pl.col(moment) - past for moment in moments))]
        ),
        outcomes=pl.concat([world.outcomes, before.outcomes.with_columns(old_name, pl.col(s.KNOWN_AT) - past)]),
    )

    assert_frame_equal(features_in(older, world.schedule), features_in(world))


MOMENTS = [
    datetime(2013, 6, 24, 4, tzinfo=UTC),
    datetime(2013, 6, 25, 20, 15, tzinfo=UTC),
    datetime(2013, 6, 27, 22, 0, tzinfo=UTC),
    datetime(2013, 6, 28, 21, 59, tzinfo=UTC),
    datetime(2013, 6, 30, 18, 30, tzinfo=UTC),
]


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_in_june_no_feature_looks_past_its_moment(june, moment):
    asked = june.schedule.filter(pl.col(s.SCHEDULED_DEPARTURE) - pl.duration(hours=HOURS_AHEAD) <= moment)

    features = features_in(june, asked)

    assert_frame_equal(features_in(known(june, moment), asked), features)


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_in_june_another_future_leaves_the_features_as_they_are(june, moment):
    asked = june.schedule.filter(pl.col(s.SCHEDULED_DEPARTURE) - pl.duration(hours=HOURS_AHEAD) <= moment)

    features = features_in(june, asked)

    assert_frame_equal(features_in(with_another_future(june, moment), asked), features)


def test_in_june_another_future_changes_the_features_of_later_flights(june):
    moment = MOMENTS[2]
    asked = june.schedule.filter(pl.col(s.SCHEDULED_DEPARTURE) - pl.duration(hours=HOURS_AHEAD + 6) > moment)

    features = features_in(june, asked)

    assert not features_in(with_another_future(june, moment), asked).equals(features)


def test_in_june_a_flight_has_the_same_features_alone_as_in_a_batch(june):
    state = prepare_state(june)
    asked = june.schedule.sample(25, seed=1)

    alone = [build_features(asked[row], state) for row in range(asked.height)]

    assert_frame_equal(pl.concat(alone), build_features(asked, state))


def test_in_june_the_order_of_flights_and_feeds_changes_nothing(june):
    found = features_in(shuffle(june, seed=1)).sort(s.FLIGHT_ID)

    assert_frame_equal(found, features_in(june).sort(s.FLIGHT_ID))


@pytest.mark.parametrize("last", ["2013-03-11", "2013-11-04"])
def test_the_shortest_history_that_settings_allow_gives_the_features_of_a_longer_one(feeds, last):
    shortest, longer = weeks_of(feeds, last, weeks=6), weeks_of(feeds, last, weeks=9)
    week = shortest.schedule.filter(pl.col(s.SCHEDULED_DEPARTURE) >= Week.from_id(last).start)

    assert_frame_equal(features_in(shortest, week), features_in(longer, week))


def test_in_june_every_flight_has_one_row_in_order(june):
    assert features_in(june)[s.FLIGHT_ID].equals(june.schedule[s.FLIGHT_ID])


def test_in_june_every_feature_is_a_number_or_missing(june):
    numbers = features_in(june).select(NUMERIC)

    assert numbers.select(pl.all().is_infinite().sum() + pl.all().is_nan().sum()).row(0) == (0,) * len(NUMERIC)


def test_in_june_every_feature_is_there_for_some_flights_and_differs_between_them(june):
    built = features_in(june)

    assert [feature.name for feature in FEATURES if built[feature.name].drop_nulls().n_unique() < 2] == []


RANGES = {
    "departure_minute_of_day": (0, 1439),
    "departure_weekday": (1, 7),
    "scheduled_block_min": (1, 13 * 60),
    "departures_same_hour": (0, 100),
    "aircraft_landed_hours_ago": (0, 7 * 24),
    "aircraft_left_hours_ago": (0, 7 * 24),
    "aircraft_due_hours_ago": (-36, 7 * 24),
    "origin_waiting_flights": (0, 300),
    "precipitation_6h_in": (0, 60),
    **{f"origin_departure_delay_{hours}h_min": (-15, 240) for hours in (1, 3, 24)},
    "carrier_origin_departure_delay_6h_min": (-15, 240),
    "destination_arrival_delay_6h_min": (-30, 240),
    "route_arrival_delay_24h_min": (-30, 240),
    "flight_number_arrival_delay_14d_min": (-30, 240),
    "days_from_holiday": (-8, 8),
    "aircraft_turn_slack_min": (-48 * 60, 8 * 24 * 60),
    **{feature.name: (0, 1) for feature in FEATURES if feature.unit == "share"},
}


@pytest.mark.parametrize("name", RANGES)
def test_in_june_a_feature_keeps_within_its_range(june, name):
    low, high = RANGES[name]

    found = features_in(june).select(pl.col(name).drop_nulls().is_between(low, high).all()).item()

    assert found


def test_the_moment_of_every_row_is_two_hours_before_its_departure(june):
    ahead = june.schedule[s.SCHEDULED_DEPARTURE] - features_in(june)[AS_OF]

    assert ahead.unique().to_list() == [timedelta(hours=2)]
