"""`preflight traffic`: flights in order, answers held to the batch, and what ends it with a sentence."""

import json

import numpy as np
import polars as pl
import pytest
from fake_service import CHAMPION, WEEK, FakeService, home_of, listening, refusal, scores_of
from starlette.responses import Response

from data_checks import schema as s
from infra.http_load import Pace
from infra.network import LOOPBACK, free_port
from pipelines.as_of import AS_OF
from pipelines.feature_catalog import CATEGORICAL, NAMES
from pipelines.scoring import PROBABILITY
from services.parity import SkewError, batch_scores
from services.traffic import in_order_of_asking, replay_weeks
from services.traffic_report import describe

PACE = Pace(connections=4, most_seconds=60)


@pytest.fixture
def context(tmp_path, feeds):
    return home_of(tmp_path, feeds)


@pytest.fixture
def service(context) -> FakeService:
    return FakeService(scores_of(context))


@pytest.fixture
def replay(context, run_here):
    """Runs the command as fast as it goes against an address."""

    def run(address: str, *arguments: str):
        return run_here(context.settings.home, "traffic", "--rate", "0", "--address", address, *arguments)

    return run


def test_every_flight_of_the_week_is_asked_once_and_compared(service, replay):
    with listening(service.app()) as address:
        ended = replay(address, "--json")

    said = json.loads(ended.stdout)
    asked = [flight for _, _, flights in service.seen for flight in flights]
    assert ended.returncode == 0, ended.stderr
    assert sorted(asked) == sorted(service.says)
    assert {path for path, _, _ in service.seen} == {"/v1/predict"}
    assert (said["flights"], said["compared"], said["largest_difference"]) == (len(asked), len(asked), 0)
    assert (said["weeks"], said["statuses"], said["retries"]) == ([WEEK.id], {"200": len(asked)}, 0)


def test_flights_are_asked_in_the_order_in_which_they_become_askable(service, replay, context):
    with listening(service.app()) as address:
        replay(address, "--connections", "1")

    plan = context.store.read_table("accepted/schedule", WEEK.id)
    assert [flights[0] for _, _, flights in service.seen] == in_order_of_asking(plan)[s.FLIGHT_ID].to_list()
    assert in_order_of_asking(plan)[s.SCHEDULED_DEPARTURE].is_sorted()


def test_a_batch_asks_about_so_many_flights_at_once(service, replay):
    with listening(service.app()) as address:
        said = json.loads(replay(address, "--batch", "50", "--json").stdout)

    whole, rest = divmod(len(service.says), 50)
    assert rest
    assert sorted(len(flights) for _, _, flights in service.seen) == [rest] + [50] * whole
    assert {path for path, _, _ in service.seen} == {"/v1/predict_batch"}
    assert (said["flights"], said["compared"]) == (len(service.says),) * 2


def test_two_runs_ask_with_other_ids_and_so_are_answered_anew(service, replay):
    with listening(service.app()) as address:
        replay(address)
        replay(address)

    identifiers = [identifier for _, identifier, _ in service.seen]
    assert len(set(identifiers)) == len(identifiers) == 2 * len(service.says)


@pytest.mark.parametrize(("off", "code"), [(0.9e-6, 0), (1.1e-6, 1)])
def test_a_wrong_answer_is_found_and_named_with_both_probabilities(service, replay, off, code):
    flight, probability = sorted(service.says.items())[17]
    service.says[flight] += off

    with listening(service.app()) as address:
        ended = replay(address, "--batch", "20")

    assert ended.returncode == code, ended.stderr
    if code:
        told = f"1 of {len(service.says)} flights differ by more than 1e-06, the most is {flight}: "
        assert told + f"batch {probability:.6f}, service {probability + off:.6f}" in ended.stderr


def test_an_answer_that_is_no_number_is_a_wrong_answer(service, context):
    flight = sorted(service.says)[0]

    def spoil(_, document: dict):
        return document if document["flight_id"] != flight else _with_nan(document)

    service.spoil = spoil
    with listening(service.app()) as address, pytest.raises(SkewError, match=f"the most is {flight}"):
        list(replay_weeks(context, [WEEK], lambda _: address, PACE, "run"))


def test_an_answer_about_another_flight_is_refused(service, replay):
    service.spoil = lambda _, document: document | {"flight_id": "2013-02-18-XX1-EWR"}

    with listening(service.app()) as address:
        ended = replay(address)

    assert (ended.returncode, "and answers about [('2013-02-18-XX1-EWR'" in ended.stderr) == (1, True), ended.stderr


def test_latency_is_told_by_version_and_role_and_for_what_was_refused(service, replay):
    def spoil(request, document: dict):
        number = int(request.headers["x-request-id"].rsplit("-")[-1])
        if number == 7:
            return refusal(429, "too_many", None, "64 requests are in flight", "ask again in a second")
        return document | ({"role": "challenger"} if number % 5 == 0 else {})

    service.spoil = spoil
    with listening(service.app()) as address:
        ended = replay(address)

    flights = len(service.says)
    rows = {line.split("  ")[0].strip(): line.split() for line in ended.stdout.splitlines()}
    challenger = len(range(0, flights, 5))
    assert int(rows["all answers"][2]) == flights - 1
    assert int(rows[f"version {CHAMPION}, champion"][3]) == flights - 1 - challenger
    assert int(rows[f"version {CHAMPION}, challenger"][3]) == challenger
    assert int(rows["refused with 429"][3]) == 1
    assert ended.returncode == 1
    assert f"1 of {flights} requests were not answered, the first is 2013-02-1" in ended.stderr
    assert "429 too_many: 64 requests are in flight; ask again in a second" in ended.stderr


def test_degraded_answers_are_counted_and_not_compared(service, replay):
    flight = sorted(service.says)[0]
    service.says[flight] /= 2
    stale = {"mode": "stale", "known_until": None, "behind_minutes": 90.0}
    service.spoil = lambda _, document: document | ({"features": stale} if document["flight_id"] == flight else {})

    with listening(service.app()) as address:
        said = json.loads(replay(address, "--json").stdout)

    assert (said["degraded_flights"], said["compared"]) == ({"stale": 1}, len(service.says) - 1)


def test_a_service_whose_answers_are_all_degraded_proves_nothing(service, replay):
    service.mode = "plan_only"

    with listening(service.app()) as address:
        ended = replay(address)

    assert (ended.returncode, "nothing could be compared" in ended.stderr) == (1, True), ended.stderr


def test_another_week_than_the_services_is_refused_naming_the_way(service, replay):
    with listening(service.app()) as address:
        ended = replay(address, "2013-02-26")

    assert ended.returncode == 1
    assert f"serves the week of {WEEK.id}, not that of 2013-02-25; run: preflight serve --week" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--address", "localhost:3000"), "expected an address such as http://127.0.0.1:3000, got 'localhost:3000'"),
        (("--address", "https://localhost"), "expected an address such as http://127.0.0.1:3000, got 'https://local"),
        (("2013-02", "--every-flight"), "give a PERIOD or --every-flight, not both"),
    ],
)
def test_wrong_usage_is_told(context, run_here, arguments, words):
    ended = run_here(context.settings.home, "traffic", *arguments)

    assert (ended.returncode, words in ended.stderr) == (2, True), ended.stderr


def test_where_nothing_answers_the_command_says_what_to_run(replay):
    ended = replay(address := f"http://{LOOPBACK}:{free_port()}")

    assert ended.returncode == 1
    assert ended.stderr == f"preflight: nothing answers at {address}; run: preflight serve\n"


def test_requests_for_which_time_was_up_are_counted(service, context):
    with listening(service.app()) as address:
        (week,) = replay_weeks(context, [WEEK], lambda _: address, Pace(rate=50, most_seconds=0.2), "run")

    assert week.unsent == len(service.says) - week.answers.height > 0
    assert describe([week], week.answers)["unsent"] == week.unsent


def test_a_version_that_did_not_score_the_week_is_held_to_batch_scoring_made_now(service, context):
    """The registry's scorer is asked about the features of the week, in the order of their table."""

    class Half:
        def probability(self, features: np.ndarray) -> np.ndarray:
            return np.linspace(0, 0.5, len(features))

    class Registry:
        def scorer(self, version: int) -> Half:
            assert version == CHAMPION + 1
            return Half()

    plan = context.store.read_table("accepted/schedule", WEEK.id)
    missing = [pl.lit(None, pl.String if name in CATEGORICAL else pl.Float64).alias(name) for name in NAMES]
    features = plan.select(s.FLIGHT_ID, s.SCHEDULED_DEPARTURE, pl.col(s.SCHEDULED_DEPARTURE).alias(AS_OF), *missing)
    context.store.write_table("features", WEEK.id, features)
    context.registry = Registry()
    service.version = CHAMPION + 1
    service.says = dict(zip(plan[s.FLIGHT_ID], np.linspace(0, 0.5, plan.height).tolist(), strict=True))

    with listening(service.app()) as address:
        (week,) = replay_weeks(context, [WEEK], lambda _: address, PACE, "run", batch=100)

    recorded = batch_scores(context, WEEK, CHAMPION)
    assert (week.parity.flights, week.parity.largest_difference) == (plan.height, 0)
    assert not recorded[PROBABILITY].equals(batch_scores(context, WEEK, CHAMPION + 1)[PROBABILITY])


def test_weeks_are_replayed_one_after_the_other_each_at_the_address_that_is_pointed_to(service, context):
    pointed = []
    with listening(service.app()) as address:
        weeks = replay_weeks(context, [WEEK, WEEK], lambda week: pointed.append(week) or address, PACE, "run", 100)
        first = next(weeks)
        before = list(pointed)
        second = next(weeks)

    assert (before, pointed) == ([WEEK], [WEEK, WEEK])
    assert first.parity == second.parity


def _with_nan(document: dict) -> Response:
    return Response(json.dumps(document | {"probability_late": float("nan")}), media_type="application/json")
