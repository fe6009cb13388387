"""A flight's features alone, online and in its batch: the same bits, and every planted difference is found."""

import numpy as np
import polars as pl
import pytest

from data_checks import schema as s
from pipelines.clock import Week
from pipelines.features import numeric_features
from pipelines.state import Flights, State, prepare_state
from services.feature_parity import ALONE, COMPUTED, KEPT, LOOKED_UP, compare_ways


@pytest.fixture(scope="module")
def week(lived) -> Week:
    return lived.context.scored_weeks()[-1]


@pytest.fixture(scope="module")
def state(lived, week) -> State:
    return prepare_state(lived.context.world(week))


@pytest.fixture(scope="module")
def plan(lived, week) -> pl.DataFrame:
    return lived.context.accepted(s.SCHEDULE, week, 1).head(300)


def test_the_three_ways_agree_on_every_value(plan, state, week):
    assert list(compare_ways(plan, state, week)) == []


def test_a_mean_over_the_batch_is_found_alone_and_online(plan, state, week):
    def centred(flights: Flights, state: State) -> dict[str, np.ndarray]:
        values = numeric_features(flights, state)
        return values | {s.DISTANCE: values[s.DISTANCE] - np.nanmean(values[s.DISTANCE])}

    found = {(way, mismatch.feature) for way, mismatch in compare_ways(plan, state, week, centred)}

    assert found == {(way, s.DISTANCE) for way in (ALONE, LOOKED_UP, COMPUTED)}


def test_a_value_filled_from_the_row_before_is_found(plan, state, week):
    def filled(flights: Flights, state: State) -> dict[str, np.ndarray]:
        values = numeric_features(flights, state)
        seats = pl.Series(values[s.SEATS]).fill_nan(None).fill_null(strategy="forward").fill_null(np.nan)
        return values | {s.SEATS: seats.to_numpy()}

    assert {way for way, _ in compare_ways(plan, state, week, filled)} == {ALONE, LOOKED_UP, COMPUTED}


def test_rules_that_look_an_hour_further_offline_than_online_are_found(plan, state, week):
    def later(flights: Flights, state: State) -> dict[str, np.ndarray]:
        moved = Flights(*(getattr(flights, name) for name in flights.__dataclass_fields__))
        object.__setattr__(moved, "departure", flights.departure + 3600)
        return numeric_features(moved, state)

    found = {way for way, _ in compare_ways(plan, state, week, later)}

    assert found == {LOOKED_UP, COMPUTED}


def test_a_scored_table_that_is_not_what_the_rules_give_is_found(plan, state, week, lived):
    kept = lived.context.store.read_table("features", week.id).drop(s.SCHEDULED_DEPARTURE).head(plan.height)
    spoilt = kept.with_columns(pl.col("origin_waiting_flights") + (pl.col(s.FLIGHT_ID) == plan[s.FLIGHT_ID][7]))

    assert list(compare_ways(plan, state, week, scored=kept)) == []
    ((way, mismatch),) = compare_ways(plan, state, week, scored=spoilt)
    assert (way, mismatch.flight_id, mismatch.feature) == (KEPT, plan[s.FLIGHT_ID][7], "origin_waiting_flights")
