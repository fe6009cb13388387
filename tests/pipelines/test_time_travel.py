"""Going back in time finds every planted leak, and none in the features as they are."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from data_checks import schema as s
from pipelines.as_of import AS_OF
from pipelines.clock import Week
from pipelines.state import HOURS_AHEAD, World
from pipelines.time_travel import build_together, choose_moments, known_by, scrambled, travel, world_of_week

MOMENTS = 6


@pytest.fixture(scope="module")
def year(feeds: dict[str, pl.DataFrame]) -> World:
    """The feeds of a whole year."""
    return World(**{name: feeds[name] for name in s.FEEDS}, planes=feeds["planes"])


@pytest.fixture(scope="module")
def july(year: World) -> pl.DataFrame:
    """The flights of one week in July, whose moments are gone back to."""
    return world_of_week(year, Week.from_id("2013-07-08"), 1).schedule


def found_by(year: World, july: pl.DataFrame, build: object) -> set[str]:
    """The features that change when the past is all there is."""
    moments = travel(year, choose_moments(july, MOMENTS, seed=1), history_weeks=2, seed=1, build=build)
    return {mismatch.feature for moment in moments for mismatch in moment.mismatches}


def own_departure_delay(flights: pl.DataFrame, world: World) -> pl.DataFrame:
    left = world.outcomes.filter(pl.col(s.EVENT) == s.DEPARTED)
    known = flights.join(left, on=s.FLIGHT_ID, how="left", maintain_order="left")
    return build_together(flights, world).with_columns(known[s.DELAY].cast(pl.Float64).alias("plane_age_years"))


def less_the_mean_of_the_batch(flights: pl.DataFrame, world: World) -> pl.DataFrame:
    return build_together(flights, world).with_columns(pl.col(s.DISTANCE) - pl.col(s.DISTANCE).mean())


def an_hour_too_late(flights: pl.DataFrame, world: World) -> pl.DataFrame:
    return build_together(flights.with_columns(pl.col(s.SCHEDULED_DEPARTURE) + timedelta(hours=1)), world)


def weather_of_the_departure_hour(flights: pl.DataFrame, world: World) -> pl.DataFrame:
    hour = pl.col(s.SCHEDULED_DEPARTURE).dt.truncate("1h").alias(s.OBSERVED_AT)
    seen = flights.with_columns(hour).join(
        world.weather, on=[s.ORIGIN, s.OBSERVED_AT], how="left", maintain_order="left"
    )
    return build_together(flights, world).with_columns(seen[s.TEMPERATURE])


def size_of_the_plan(flights: pl.DataFrame, world: World) -> pl.DataFrame:
    return build_together(flights, world).with_columns(pl.lit(float(world.schedule.height)).alias(s.SEATS))


def test_no_feature_changes_when_the_later_rows_are_deleted_or_scrambled(year):
    moments = list(travel(year, choose_moments(year.schedule, 12, seed=3), history_weeks=8, seed=3))

    assert [moment.sentence() for moment in moments if moment.mismatches] == []
    assert len(moments) == 24
    assert all(moment.flights >= moment.flights_at_moment > 0 for moment in moments)


@pytest.mark.parametrize(
    ("leak", "feature"),
    [
        (own_departure_delay, "plane_age_years"),
        (less_the_mean_of_the_batch, s.DISTANCE),
        (an_hour_too_late, "origin_departure_delay_1h_min"),
        (weather_of_the_departure_hour, s.TEMPERATURE),
        (size_of_the_plan, s.SEATS),
    ],
)
def test_a_planted_leak_is_found_by_name(year, july, leak, feature):
    assert feature in found_by(year, july, leak)


def test_a_leak_is_told_with_flight_feature_both_values_moment_and_change(year, july):
    moments = travel(year, choose_moments(july, 2, seed=1), 2, seed=1, build=own_departure_delay)

    said = next(moment for moment in moments if moment.mismatches).sentence()

    assert said.startswith("plane_age_years of flight 2013-07-")
    assert "in its week and None when every row known after 2013-07-" in said
    assert said.endswith("UTC is deleted")


def test_moments_are_those_of_flights_each_once_and_follow_the_seed(july):
    as_of = july.select((pl.col(s.SCHEDULED_DEPARTURE) - timedelta(hours=HOURS_AHEAD)).alias(AS_OF))[AS_OF]

    moments = choose_moments(july, 50, seed=4)

    assert moments == sorted(set(moments)) == choose_moments(july, 50, seed=4)
    assert len(moments) == 50
    assert set(moments) <= set(as_of.to_list())
    assert moments != choose_moments(july, 50, seed=5)
    assert len(choose_moments(july.head(3), 50, seed=4)) == july.head(3)[s.SCHEDULED_DEPARTURE].n_unique()


def test_a_row_known_at_the_very_moment_is_kept_and_one_known_later_is_not(year):
    moment = year.outcomes[s.KNOWN_AT][1000]

    past = known_by(year, moment)

    assert past.outcomes[s.KNOWN_AT].max() == moment
    assert past.outcomes.height == (year.outcomes[s.KNOWN_AT] <= moment).sum()


def test_scrambled_rows_keep_their_keys_and_what_must_be_there_and_little_else(year):
    world = world_of_week(year, Week.from_id("2013-07-08"), 1)

    noise = scrambled(world, np.random.default_rng(1))

    for feed in s.FEEDS.values():
        before, after = getattr(world, feed.name), getattr(noise, feed.name)
        assert after.schema == before.schema
        assert after.select(feed.key).is_duplicated().sum() == 0
        assert after[s.KNOWN_AT].min() == before[s.KNOWN_AT].min()
        assert all(after[column.name].null_count() == 0 for column in feed.columns if not column.nullable)
    departed = noise.outcomes.filter(pl.col(s.EVENT) == s.DEPARTED)
    assert departed[s.DELAY].null_count() == 0
    assert noise.weather[s.TEMPERATURE].null_count() > 0
