"""Skew between what the service logged and the offline rules: none by itself, and every planted one is found."""

import random
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from data_checks import schema as s
from infra.pseudonyms import Pseudonyms
from pipelines.as_of import AS_OF
from pipelines.clock import Week
from pipelines.feature_catalog import NAMES
from pipelines.skew import measure_skew
from pipelines.state import World, prepare_state
from services.messages import FlightRequest
from services.online import OnlineFeatures
from services.parity import as_message
from services.prediction_log import FOLDER, Logged, log_features, open_log, read_flights

ASKED = 1000
NAMES_OF_TAILS = Pseudonyms(Path(tempfile.mkdtemp(prefix="preflight-test-")))


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
    put_on_record(home, requests, online, week)
    return list(read_flights(home))


def put_on_record(home: Path, requests: list[FlightRequest], online: OnlineFeatures, week: Week) -> None:
    log = open_log(home)
    log_features(log, requests, online.rows(requests), week.id, NAMES_OF_TAILS)
    log.close()


def test_what_is_logged_is_what_was_asked_but_for_the_tail_number(logged, requests, week):
    first, request = logged[0], requests[0]

    assert first.week == week.id
    assert first.plan[:2] == (request.carrier, request.flight_number)
    assert first.plan[2] == NAMES_OF_TAILS.of(request.tail_number) != request.tail_number
    assert datetime.fromisoformat(first.plan[5]) == request.scheduled_departure


def test_the_features_of_logged_requests_are_those_of_the_offline_rules(logged, world):
    assert measure_skew(logged, world, NAMES_OF_TAILS) == []


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

    assert measure_skew(log_of(changed, online, week, tmp_path_factory), world, NAMES_OF_TAILS) == []


def test_one_row_in_a_thousand_that_is_skewed_in_the_last_bit_is_found(logged, world):
    chosen = random.Random(1).choice([row for row, e in enumerate(logged) if e.features[s.PRESSURE] is not None])
    value = logged[chosen].features[s.PRESSURE]
    skewed = [*logged]
    skewed[chosen] = changed(logged[chosen], {s.PRESSURE: np.nextafter(value, 2000.0)})

    (mismatch,) = measure_skew(skewed, world, NAMES_OF_TAILS)

    assert (mismatch.flight_id, mismatch.feature, mismatch.expected) == (logged[chosen].flight_id, s.PRESSURE, value)


def changed(entry: Logged, features: dict) -> Logged:
    return replace(entry, features=entry.features | features)


def test_a_skewed_value_of_any_feature_is_found(logged, world):
    skewed = []
    for name in NAMES:
        entry = next(entry for entry in logged if entry.features[name] is not None)
        value = entry.features[name]
        skewed.append(changed(entry, {name: "ZZ" if isinstance(value, str) else value + 1}))

    assert [mismatch.feature for mismatch in measure_skew(skewed, world, NAMES_OF_TAILS)] == list(NAMES)


def test_a_default_in_the_place_of_a_missing_value_is_found(logged, world):
    entry = next(entry for entry in logged if entry.features["plane_age_years"] is None)

    assert len(measure_skew([changed(entry, {"plane_age_years": 0.0})], world, NAMES_OF_TAILS)) == 1


def test_a_service_that_looks_an_hour_ahead_is_found(requests, week, world, tmp_path_factory):
    hour_less = pl.col(s.KNOWN_AT) - pl.duration(hours=1)
    early = replace(
        world, outcomes=world.outcomes.with_columns(hour_less), weather=world.weather.with_columns(hour_less)
    )
    online = OnlineFeatures(prepare_state(early), world.schedule, week)

    assert measure_skew(log_of(requests, online, week, tmp_path_factory), world, NAMES_OF_TAILS)


def test_a_moment_that_was_logged_an_hour_off_is_found(logged, world):
    moment = datetime.fromisoformat(logged[0].as_of) + timedelta(hours=1)

    (mismatch,) = measure_skew([replace(logged[0], as_of=moment.isoformat())], world, NAMES_OF_TAILS)

    assert mismatch.feature == AS_OF


def test_a_service_with_an_old_snapshot_is_found(lived, requests, week, world, tmp_path_factory):
    stale = prepare_state(lived.context.world(week.plus(-1)))

    assert measure_skew(
        log_of(requests, OnlineFeatures(stale, world.schedule, week), week, tmp_path_factory), world, NAMES_OF_TAILS
    )


def test_a_feature_that_was_not_logged_is_found(logged, world):
    forgetful = [replace(e, features={n: v for n, v in e.features.items() if n != s.SEATS}) for e in logged]

    assert [mismatch.feature for mismatch in measure_skew(forgetful, world, NAMES_OF_TAILS)] == [s.SEATS]


def test_a_line_torn_by_a_kill_is_left_out_and_the_others_are_read(tmp_path, week, world, requests):
    online = OnlineFeatures(prepare_state(world), world.schedule, week)
    put_on_record(tmp_path, requests[:2], online, week)
    put_on_record(tmp_path, requests[2:4], online, week)
    (file,) = Path(tmp_path, FOLDER).glob("*.jsonl")
    file.write_bytes(file.read_bytes()[:-40])

    assert len(list(read_flights(tmp_path))) == 2
