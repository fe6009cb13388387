"""What we rely on in BentoML: the service starts for real, in two processes, with our settings, answers and refuses."""

import gc
import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import bentoml
import httpx
import polars as pl
import psutil
import pytest
from small_service import CHAMPION, JSON, NEW, OLD, WEEK, SmallHome, problems_of

from data_checks import schema as s
from infra.network import ServerDidNotStart, free_port
from infra.scorer import load_bundle
from infra.service_process import Service, running_service
from pipelines.clock import local_day
from pipelines.encoding import encode_features
from pipelines.features import build_features
from pipelines.snapshot import read_snapshot
from services.exchange import BODY_SECONDS, MOST_BYTES
from services.model import LEAVING, POINTER, VERIFIED, load_served, pointed
from services.parity import ask_service

EITHER = pytest.mark.parametrize("path", ["/v1/predict", "/predict"])
SLOW_SECONDS = 30


@pytest.fixture(scope="module")
def home(small_home, tmp_path_factory) -> SmallHome:
    """What the service of this file answers from."""
    return small_home.copy(tmp_path_factory.mktemp("contract") / "home")


@pytest.fixture(scope="module")
def service(home) -> Iterator[Service]:
    """Two workers behind HTTP."""
    with running_service(home.home, free_port(), workers=2) as service:
        yield service


@pytest.fixture
def client(service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.address, timeout=SLOW_SECONDS) as client:
        yield client


def counted(client: httpx.Client, name: str) -> float:
    """The sum of a metric over its labels that are asked for."""
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def answering_processes(service: Service) -> set[int]:
    """The processes of the service that hold a connection of a client just now."""
    port = int(service.address.rsplit(":", 1)[1])
    return {
        process.pid
        for process in psutil.Process(service.process.pid).children(recursive=True)
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_ESTABLISHED and connection.laddr.port == port
    }


def wait_for(condition: object, seconds: float = SLOW_SECONDS) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def test_every_flight_of_a_day_gets_the_probability_of_the_model_over_its_features(service, home):
    day = home.plan.filter(local_day(s.SCHEDULED_DEPARTURE) == WEEK.days()[4])
    served = pointed(home.store, POINTER)
    features = encode_features(build_features(day, read_snapshot(home.store, WEEK)))
    expected = load_bundle(home.store.path(served.folder), served.sha256).probability(features)

    answers = ask_service(service.address, day)

    assert answers[s.FLIGHT_ID].to_list() == day[s.FLIGHT_ID].to_list()
    assert (answers["served"] - pl.Series(expected)).abs().max() < 1e-12


@EITHER
def test_one_flight_is_answered_and_put_on_record(client, home, path):
    answer = client.post(path, json=home.message(), headers={"X-Request-Id": f"one-{path.count('v1')}"}).json()

    (line,) = [line for line in home.logged() if line["id"] == answer["request_id"]]
    assert (answer["flight_id"], answer["model_version"]) == (home.plan[s.FLIGHT_ID][0], CHAMPION)
    assert line["answer"] == answer


@pytest.mark.parametrize("route", ["predict", "explain"])
def test_both_routes_give_the_same_answer(client, home, route):
    own, hot = (client.post(path, json=home.message()).json() for path in (f"/{route}", f"/v1/{route}"))

    assert own | {"request_id": ""} == hot | {"request_id": ""}


@EITHER
@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"carrier": "XX"}, "carrier", "input should be '9E'"),
        ({"flight_number": 0}, "flight_number", "greater than or equal to 1"),
        ({"distance_miles": 49}, "distance_miles", "greater than or equal to 50"),
        ({"scheduled_departure": "2013-03-08T10:00:00"}, "scheduled_departure", "timezone"),
        ({"scheduled_departure": "1362391200"}, "scheduled_departure", "expected a moment"),
        ({"scheduled_arrival": "2013-03-01T10:00:00-05:00"}, None, "must be after scheduled_departure"),
        ({"delay": 10}, "delay", "not permitted"),
        (
            {"scheduled_departure": "2013-06-01T10:00:00-05:00", "scheduled_arrival": "2013-06-01T12:00:00-05:00"},
            "scheduled_departure",
            "leave outside of",
        ),
    ],
)
def test_a_wrong_flight_is_refused_with_422_by_field(client, home, path, changed, field, words):
    answer = client.post(path, json=home.message(**changed), headers={"X-Request-Id": "refused"})

    problem = problems_of(answer)[0]
    assert (answer.status_code, problem["field"], words in problem["problem"]) == (422, field, True), answer.text
    assert answer.json()["request_id"] == "refused"


@EITHER
@pytest.mark.parametrize("body", [b"", b"{", b'{"carrier": \xff}', b"[" * 100_000])
def test_a_body_that_is_no_json_is_refused_with_400(client, path, body):
    answer = client.post(path, content=body, headers=JSON)

    assert answer.status_code == 400
    problems_of(answer)


@EITHER
@pytest.mark.parametrize("kind", ["application/vnd.bentoml+pickle", "text/plain", "application/x-www-form-urlencoded"])
def test_what_is_not_json_is_415(client, home, path, kind):
    answer = client.post(path, content=json.dumps(home.message()), headers={"content-type": kind})

    assert answer.status_code == 415
    problems_of(answer)


@pytest.mark.parametrize("path", ["/v1/predict_batch", "/predict_batch"])
def test_a_batch_has_one_to_a_thousand_flights(client, home, path):
    answers = [client.post(path, json={"flights": [home.message()] * count}) for count in (0, 1, 1000, 1001)]

    assert [answer.status_code for answer in answers] == [422, 200, 200, 422]
    assert len(answers[2].json()["predictions"]) == 1000


@EITHER
def test_a_body_above_a_megabyte_is_refused_with_413(client, path):
    named = client.post(path, content=b" " * (MOST_BYTES + 1), headers=JSON)
    streamed = client.post(path, content=(b" " * 65_536 for _ in range(20)), headers=JSON)

    assert [answer.status_code for answer in (named, streamed)] == [413, 413]
    problems_of(streamed)


@EITHER
def test_the_same_id_gives_the_same_bytes_and_another_flight_under_it_is_409(client, home, path):
    name = {"X-Request-Id": f"same-{path.count('v1')}"}

    first, again = (client.post(path, json=home.message(), headers=name) for _ in range(2))
    other = client.post(path, json=home.message(1), headers=name)

    assert first.content == again.content
    assert (other.status_code, problems_of(other)[0]["field"]) == (409, "X-Request-Id")


@EITHER
def test_a_loaded_version_can_be_pinned_and_no_other(client, home, path):
    answers = [client.post(path, json=home.message(), headers={"X-Model-Version": str(v)}) for v in (OLD, NEW)]

    assert [answer.status_code for answer in answers] == [200, 404]
    assert (answers[0].json()["model_version"], answers[0].json()["role"]) == (OLD, "pinned")


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # it leaves a folder to the garbage collector
def test_bentomls_own_client_asks_and_is_answered(service, home):
    with bentoml.SyncHTTPClient(service.address, server_ready_timeout=SLOW_SECONDS) as client:
        one = client.predict(home.message())
        many = client.predict_batch(flights=home.messages(3))
        card = client.model()
    del client
    gc.collect()

    assert one["flight_id"] == many["predictions"][0]["flight_id"] == home.plan[s.FLIGHT_ID][0]
    assert one["probability_late"] == many["predictions"][0]["probability_late"]
    assert card["model_version"] == CHAMPION


def test_the_model_says_which_it_is_and_what_it_can_answer(client):
    card, own = client.get("/v1/model").json(), client.post("/model", json={}).json()

    assert card == own
    assert (card["model_version"], card["departures_from"], card["refused"]) == (CHAMPION, "2013-03-04T05:00:00Z", None)


def test_the_workers_are_two_and_count_together(service, client, home):
    before = counted(client, 'preflight_answers_total{route="predict",status="200"}')
    asked, workers = 0, set()
    while len(workers) < 2 and asked < 400:
        with ExitStack() as stack:  # connections that are open at once are taken by both
            clients = [stack.enter_context(httpx.Client(base_url=service.address)) for _ in range(8)]
            for one in clients:
                assert one.post("/v1/predict", json=home.message()).status_code == 200
                asked += 1
            workers |= answering_processes(service)

    assert len(workers) == 2
    assert wait_for(
        lambda: counted(client, 'preflight_answers_total{route="predict",status="200"}') == before + asked, 5
    )


def test_the_metrics_are_ours_alone(client):
    text = client.get("/metrics").text

    names = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    assert {"preflight_answers_total", "preflight_request_seconds", "preflight_serving_version"} <= {
        name if name.endswith(("seconds", "version")) else f"{name.removesuffix('_total')}_total" for name in names
    }
    assert {name for name in names if not name.startswith("preflight_")} == set()
    assert counted(client, "preflight_serving_version") == CHAMPION


def test_tracing_and_the_access_log_are_off(client, home, service):
    answer = client.post("/predict", json=home.message())

    assert {"x-bentoml-request-id", "traceparent"}.isdisjoint(answer.headers)
    assert "/predict" not in service.log.read_text()


def half_open(service: Service, path: str, begun: str = "{") -> socket.socket:
    """A connection over which the half of a request was sent."""
    host, port = service.address.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=SLOW_SECONDS)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n{begun}"
    )
    connection.sendall(head.encode())
    return connection


@EITHER
def test_a_body_that_does_not_come_is_408_and_the_connection_is_closed(service, path):
    with half_open(service, path) as connection:
        began = time.monotonic()
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))

    assert answer.startswith(b"HTTP/1.1 408")
    assert time.monotonic() - began >= BODY_SECONDS - 0.5


def test_bentomls_own_timeout_is_ours(service):
    with half_open(service, "/predict", begun="") as connection:
        began = time.monotonic()
        answer = connection.recv(65_536)

    assert answer.startswith(b"HTTP/1.1 504")
    assert 4 < time.monotonic() - began < 20  # by default it is 60


def test_a_websocket_is_turned_away_without_an_error_of_ours(service):
    host, port = service.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=SLOW_SECONDS) as connection:
        connection.sendall(
            f"GET /v1/predict HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        status = int(connection.recv(65_536).split()[1])

    assert 400 <= status < 500


@pytest.mark.parametrize(("method", "path"), [("GET", "/predict"), ("POST", "/nothing"), ("POST", "/v1/nothing")])
def test_a_wrong_method_or_path_is_no_error_of_ours(client, method, path):
    assert client.request(method, path, json={}).status_code in (404, 405)


def test_the_front_page_and_all_it_needs_come_from_here(client):
    page = client.get("/").text

    needed = re.findall(r'(?:href|src|url)[=:] ?"([^"]+)"', page)
    assert {"openapi.json", "static_content/swagger-ui-bundle.js"} <= set(needed)
    assert {name: client.get(f"/{name}").status_code for name in needed} == dict.fromkeys(needed, 200)
    assert not re.search(r"https?://", page)


def test_a_service_that_leaves_is_not_ready_and_asks_callers_to_go(client, home):
    assert (client.get("/livez").status_code, client.get("/readyz").status_code) == (200, 200)

    home.store.write_text(LEAVING, "")
    try:
        assert wait_for(lambda: client.get("/readyz").status_code == 503)
        assert wait_for(lambda: client.post("/v1/predict", json=home.message()).headers.get("connection") == "close")
        assert client.get("/livez").status_code == 200
    finally:
        home.store.remove(LEAVING)
    assert wait_for(lambda: all(client.get("/readyz").status_code == 200 for _ in range(10)))


def test_another_champion_answers_without_a_restart(client, home):
    answers = []
    with swapped(home, NEW):
        assert wait_for(lambda: client.get("/v1/model").json()["model_version"] == NEW)
        answers.append(client.post("/v1/predict", json=home.message()).json()["model_version"])
    assert wait_for(lambda: client.get("/v1/model").json()["model_version"] == CHAMPION)

    assert answers == [NEW]


@contextmanager
def swapped(home: SmallHome, version: int) -> Iterator[None]:
    home.export(version)
    try:
        yield
    finally:
        home.export(CHAMPION)


def spoil(home: SmallHome, verified: bool) -> None:
    """Let the newest exported model be one that was tampered with; the one before it was verified, or was not."""
    home.store.path("serving/previous.json").unlink()
    if verified:
        load_served(home.store)
    bad = home.export(NEW)
    home.store.path(bad.folder, "model.onnx").write_bytes(b"not what was registered")


def test_a_spoilt_model_leaves_the_last_verified_one_answering_and_ready(small_copy):
    spoil(small_copy, verified=True)

    with running_service(small_copy.home, free_port()) as service, httpx.Client(base_url=service.address) as client:
        card = client.get("/v1/model").json()
        answer = client.post("/v1/predict", json=small_copy.message()).json()
        ready = client.get("/readyz").status_code

    assert (card["model_version"], answer["model_version"], ready) == (CHAMPION, CHAMPION, 200)
    assert "model.onnx is not what was registered" in card["refused"]
    assert "refused the exported model" in service.log.read_text()


def test_a_spoilt_model_with_none_to_fall_back_on_keeps_the_service_from_starting(small_copy):
    spoil(small_copy, verified=False)
    assert not small_copy.store.path(VERIFIED).exists()

    with pytest.raises(ServerDidNotStart, match="ended with code"), running_service(small_copy.home, free_port()):
        pass

    (log,) = (small_copy.home / "logs").glob("service-*.log")
    assert "model.onnx is not what was registered" in log.read_text()
