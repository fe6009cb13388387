"""Skew between what the service logged and the offline rules: none by itself, and every planted one is found."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from data_checks import schema as s
from pipelines.as_of import AS_OF
from pipelines.clock import Week
from pipelines.feature_catalog import NAMES
from pipelines.state import World, prepare_state
from services.messages import FlightRequest
from services.online import OnlineFeatures
from services.parity import as_message
from services.request_log import Logged, RequestLog, read_requests
from services.skew import measure_skew

ASKED = 1000


@pytest.fixture(scope="module")
def week(lived) -> Week:
    return lived.context.scored_weeks()[-1]


@pytest.fixture(scope="module")
def world(lived, week) -> World:
    return lived.context.world(week)


@pytest.fixture(scope="module")
def requests(lived, week) -> list[FlightRequest]:
    plan = lived.context.accepted(s.SCHEDULE, week, 1).head(ASKED)
    return [FlightRequest(**as_message(row)) for row in plan.iter_rows(named=True)]


@pytest.fixture(scope="module")
def logged(lived, week, world, requests, tmp_path_factory) -> list[Logged]:
    """A thousand requests as the service logs them."""
    return log_of(requests, OnlineFeatures(prepare_state(world), world.schedule, week), week, tmp_path_factory)


def log_of(requests: list[FlightRequest], online: OnlineFeatures, week: Week, folders) -> list[Logged]:
    home = folders.mktemp("home")
    log = RequestLog(home)
    log.write(requests, online.of(requests), np.full(len(requests), 0.25), week.id, version=3)
    log.close()
    return list(read_requests(home))


def test_what_is_logged_is_what_was_asked_and_answered(logged, requests, week):
    assert [entry.request for entry in logged] == requests
    assert {(entry.week, entry.version, entry.probability) for entry in logged} == {(week.id, 3, 0.25)}


def test_the_features_of_logged_requests_are_those_of_the_offline_rules(logged, world):
    assert measure_skew(logged, world) == []


def test_requests_that_leave_out_a_distance_or_name_another_aircraft_have_no_skew_either(
    requests, week, world, tmp_path_factory
):
    changed = [request.model_copy(update={"distance_miles": None}) for request in requests[:50]]
    changed += [request.model_copy(update={"tail_number": "N1"}) for request in requests[50:100]]
    changed += [
        request.model_copy(update={"scheduled_departure": request.scheduled_departure + timedelta(minutes=7)})
        for request in requests[100:150]
    ]
    online = OnlineFeatures(prepare_state(world), world.schedule, week)

    assert measure_skew(log_of(changed, online, week, tmp_path_factory), world) == []


def test_one_row_in_a_thousand_that_is_skewed_in_the_last_bit_is_found(logged, world):
    chosen = random.Random(1).choice([row for row, e in enumerate(logged) if e.features[s.PRESSURE] is not None])
    value = logged[chosen].features[s.PRESSURE]
    skewed = [*logged]
    skewed[chosen] = changed(logged[chosen], {s.PRESSURE: np.nextafter(value, 2000.0)})

    (mismatch,) = measure_skew(skewed, world)

    assert (mismatch.flight_id, mismatch.feature, mismatch.expected) == (logged[chosen].flight_id, s.PRESSURE, value)


def changed(entry: Logged, features: dict) -> Logged:
    return replace(entry, features=entry.features | features)


def test_a_skewed_value_of_any_feature_is_found(logged, world):
    skewed = []
    for name in NAMES:
        entry = next(entry for entry in logged if entry.features[name] is not None)
        value = entry.features[name]
        skewed.append(changed(entry, {name: "ZZ" if isinstance(value, str) else value + 1}))

    assert [mismatch.feature for mismatch in measure_skew(skewed, world)] == list(NAMES)


def test_a_default_in_the_place_of_a_missing_value_is_found(logged, world):
    entry = next(entry for entry in logged if entry.features["plane_age_years"] is None)

    assert len(measure_skew([changed(entry, {"plane_age_years": 0.0})], world)) == 1


def test_a_service_that_looks_an_hour_ahead_is_found(requests, week, world, tmp_path_factory):
    hour_less = pl.col(s.KNOWN_AT) - pl.duration(hours=1)
    early = replace(
        world, outcomes=world.outcomes.with_columns(hour_less), weather=world.weather.with_columns(hour_less)
    )
    online = OnlineFeatures(prepare_state(early), world.schedule, week)

    assert measure_skew(log_of(requests, online, week, tmp_path_factory), world)


def test_a_moment_that_was_logged_an_hour_off_is_found(logged, world):
    moment = datetime.fromisoformat(logged[0].as_of) + timedelta(hours=1)

    (mismatch,) = measure_skew([replace(logged[0], as_of=moment.isoformat())], world)

    assert mismatch.feature == AS_OF


def test_a_service_with_an_old_snapshot_is_found(lived, requests, week, world, tmp_path_factory):
    stale = prepare_state(lived.context.world(week.plus(-1)))

    assert measure_skew(log_of(requests, OnlineFeatures(stale, world.schedule, week), week, tmp_path_factory), world)


def test_a_feature_that_was_not_logged_is_found(logged, world):
    forgetful = [replace(e, features={n: v for n, v in e.features.items() if n != s.SEATS}) for e in logged]

    assert [mismatch.feature for mismatch in measure_skew(forgetful, world)] == [s.SEATS]


def test_a_line_torn_by_a_kill_is_left_out_and_the_others_are_read(tmp_path, logged, week, world, requests):
    log = RequestLog(tmp_path)
    online = OnlineFeatures(prepare_state(world), world.schedule, week)
    log.write(requests[:3], online.of(requests[:3]), np.zeros(3), week.id, version=1)
    log.close()
    (file,) = Path(tmp_path, "requests").iterdir()
    file.write_bytes(file.read_bytes()[:-40])

    assert [entry.request for entry in read_requests(tmp_path)] == requests[:2]
