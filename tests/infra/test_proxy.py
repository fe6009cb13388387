"""nginx before real workers: what clients see when they stall, flood or send nonsense, and when workers die."""

import json
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest
from echo_worker import Worker

from infra.leash import LOOK_SECONDS
from infra.network import LOOPBACK, PortInUse, ServerDidNotStart, free_port
from infra.proxy_process import (
    Certificate,
    Proxy,
    ProxyEnded,
    ProxyLimits,
    ProxyMissing,
    find_nginx,
    proxy_configuration,
    running_proxy,
)

PATIENCE_SECONDS = 30
FLIGHT = {"carrier": "UA", "tail_number": "N14228"}


def has_nginx() -> bool:
    try:
        return bool(find_nginx())
    except ProxyMissing:
        return False


needs_nginx = pytest.mark.skipif(not has_nginx(), reason="nginx is not installed")


@pytest.fixture
def worker() -> Iterator[Worker]:
    """One worker in this process; what reached it is in `asked`."""
    with Worker() as worker:
        yield worker


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Proxy]]:
    """Starts a proxy before some addresses, with some limits."""
    with ExitStack() as running:
        yield lambda *upstreams, **limits: running.enter_context(
            running_proxy(tmp_path / "home", free_port(), list(upstreams), ProxyLimits(**limits))
        )


def predict(proxy: Proxy, **headers: str) -> httpx.Response:
    """The answer to one flight; headers are written with underscores."""
    return httpx.post(
        f"{proxy.address}/v1/predict",
        json=FLIGHT,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        timeout=PATIENCE_SECONDS,
        verify=False,  # to read the certificates of the world takes longer than the request
    )


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an answer that must be an error in the form of the service."""
    (only,) = answer.json()["error"]["problems"]
    assert set(only) == {"field", "problem", "remedy"}
    return answer.status_code, answer.json()["error"]["code"]


def problem_and_wait(answer: httpx.Response) -> tuple[int, str, str]:
    """The same, and the seconds after which to come again."""
    return *problem(answer), answer.headers["Retry-After"]


def said_to(proxy: Proxy, text: bytes) -> bytes:
    """All that the proxy answers to these very bytes, until it closes the connection."""
    with connected(proxy) as client:
        client.sendall(text)
        return b"".join(iter(lambda: client.recv(4096), b""))


def connected(proxy: Proxy) -> socket.socket:
    return socket.create_connection((LOOPBACK, httpx.URL(proxy.address).port), timeout=PATIENCE_SECONDS)


def is_cut_off(client: socket.socket) -> bool:
    """Whether the other side ends this connection, before patience does."""
    return not is_open(client, PATIENCE_SECONDS)


def is_open(client: socket.socket, seconds: float = 0.2) -> bool:
    """Whether nothing comes over this connection for so long, its end included."""
    client.settimeout(seconds)
    try:
        return client.recv(4096) != b""
    except ConnectionResetError:
        return False
    except TimeoutError:
        return True


@needs_nginx
def test_a_request_comes_through_with_its_body_and_its_answer_goes_back(start, worker):
    answer = predict(start(worker.address))

    assert (answer.status_code, answer.json()["path"], answer.json()["bytes"]) == (
        200,
        "/v1/predict",
        len(answer.request.content),
    )


@needs_nginx
def test_the_id_of_a_client_goes_to_the_worker_and_back(start, worker):
    answer = predict(start(worker.address), X_Request_Id="nightly:2013-12-30.7")

    assert {answer.headers["X-Request-Id"], answer.json()["headers"]["X-Request-Id"]} == {"nightly:2013-12-30.7"}


@needs_nginx
def test_a_request_without_an_id_is_given_one_that_all_sides_see(start, worker):
    proxy = start(worker.address)

    first, second = predict(proxy), predict(proxy)

    assert first.headers["X-Request-Id"] == first.json()["headers"]["X-Request-Id"]
    assert len({first.headers["X-Request-Id"], second.headers["X-Request-Id"]}) == 2


@needs_nginx
def test_an_id_of_other_characters_reaches_the_service_that_refuses_it_but_no_json_of_the_proxy(start, worker):
    proxy, bad = start(worker.address, body_bytes=100), 'a","request_id":"b'

    passed = predict(proxy, X_Request_Id=bad)
    refused = httpx.post(f"{proxy.address}/v1/predict", content=b"0" * 101, headers={"X-Request-Id": bad})

    assert passed.json()["headers"]["X-Request-Id"] == bad
    assert (problem(refused), refused.json()["request_id"]) == ((413, "body_too_large"), None)


@needs_nginx
def test_a_worker_learns_who_asks_from_the_proxy_and_not_from_the_client(start, worker):
    answer = predict(start(worker.address), X_Forwarded_For="8.8.8.8")

    assert answer.json()["headers"]["X-Forwarded-For"] == LOOPBACK


@needs_nginx
@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v1/model", 200),
        ("POST", "/model", 200),
        ("POST", "/predict_batch", 200),
        ("GET", "/readyz", 200),
        ("GET", "/v1/predict", 405),
        ("DELETE", "/v1/model", 405),
        ("GET", "/metrics", 404),
        ("GET", "/", 404),
        ("GET", "/docs.json", 404),
        ("POST", "/v1/predict/", 404),
        ("POST", "/V1/predict", 404),
        ("POST", "/v1/predict%0a", 404),
        ("GET", "/v1/model/../../metrics", 404),
        ("GET", "/problem", 404),
    ],
)
def test_only_known_paths_and_methods_reach_a_worker(start, worker, method, path, expected):
    proxy = start(worker.address)

    answer = said_to(proxy, f"{method} {path} HTTP/1.1\r\nHost: us\r\nConnection: close\r\n\r\n".encode())

    assert int(answer.split()[1]) == expected
    assert [asked["path"] for asked in worker.asked] == ([path] if expected == 200 else [])


@needs_nginx
def test_a_path_that_is_spelt_in_another_way_reaches_the_worker_as_it_is_known(start, worker):
    proxy = start(worker.address)

    said_to(proxy, b"POST /metrics/..//v1/%70redict?to=/metrics HTTP/1.1\r\nHost: us\r\nConnection: close\r\n\r\n")

    assert [asked["path"] for asked in worker.asked] == ["/v1/predict?to=/metrics"]


@needs_nginx
def test_an_unknown_path_is_an_error_in_json_that_names_the_request(start, worker):
    answer = httpx.get(f"{start(worker.address).address}/metrics", headers={"X-Request-Id": "7"})

    assert (problem(answer), answer.json()["request_id"]) == ((404, "unknown_path"), "7")
    assert (answer.headers["Content-Type"], answer.headers["X-Request-Id"]) == ("application/json", "7")


@needs_nginx
def test_a_wrong_method_is_told_the_right_one(start, worker):
    answer = httpx.get(f"{start(worker.address).address}/v1/explain")

    assert (problem(answer), answer.headers["Allow"]) == ((405, "wrong_method"), "POST")


@needs_nginx
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"nonsense\r\n\r\n", (400, "malformed_request")),
        (b"POST /v1/predict HTTP/1.1\r\n\r\n", (400, "malformed_request")),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: us\r\n\r\n", (414, "address_too_long")),
        (b"GET / HTTP/1.1\r\nHost: us\r\nX-Much: " + b"x" * 9000 + b"\r\n\r\n", (431, "headers_too_large")),
        (
            b"POST /v1/predict HTTP/1.1\r\nHost: us\r\nTransfer-Encoding: gzip\r\nConnection: close\r\n\r\n",
            (501, "unknown_encoding"),
        ),
    ],
    ids=["no HTTP", "no host", "long address", "long header", "unknown encoding"],
)
def test_what_cannot_be_read_is_refused_in_json(start, worker, text, expected):
    head, _, body = said_to(start(worker.address), text).partition(b"\r\n\r\n")

    assert problem(httpx.Response(int(head.split()[1]), content=body)) == expected
    assert worker.asked == []


@needs_nginx
@pytest.mark.parametrize("length", [{"Content-Length": str(80_000_000)}, {}], ids=["announced", "chunked"])
def test_eighty_megabytes_are_refused_before_a_worker_sees_any_of_it(start, worker, length):
    body = (b"0" * 1_000_000 for _ in range(80))

    answer = httpx.post(f"{start(worker.address).address}/v1/predict_batch", content=body, headers=length)

    assert problem(answer) == (413, "body_too_large")
    assert worker.asked == []


@needs_nginx
def test_a_body_of_the_largest_size_comes_through(start, worker):
    answer = httpx.post(f"{start(worker.address).address}/v1/predict_batch", content=b"0" * 1_000_000)

    assert answer.json()["bytes"] == 1_000_000


@needs_nginx
def test_two_hundred_half_open_connections_are_cut_off_while_others_are_answered(start, worker):
    proxy = start(worker.address, header_seconds=1, body_seconds=1)
    half_header = b"POST /v1/predict HTTP/1.1\r\nHost: us\r\nContent-"
    half_body = half_header + b'Length: 100\r\n\r\n{"carrier": '

    with ExitStack() as opened:
        clients = [opened.enter_context(connected(proxy)) for _ in range(200)]
        for client, text in zip(clients, [half_header, half_body] * 100, strict=True):
            client.sendall(text)
        meanwhile = [predict(proxy).status_code for _ in range(50)]
        cut_off = [is_cut_off(client) for client in clients]

    assert meanwhile == [200] * 50
    assert cut_off == [True] * 200
    assert len(worker.asked) == 50


@needs_nginx
def test_a_header_that_trickles_in_is_cut_off_however_often_a_piece_comes(start, worker):
    proxy, deadline = start(worker.address, header_seconds=1), time.monotonic() + PATIENCE_SECONDS

    with connected(proxy) as client:
        client.sendall(b"POST /v1/predict HTTP/1.1\r\nHost: us\r\n")
        while (open_still := is_open(client)) and time.monotonic() < deadline:
            with suppress(ConnectionError):  # it may be cut off in this moment
                client.sendall(b"X-More: 1\r\n")

    assert not open_still


@needs_nginx
def test_requests_that_come_too_fast_are_refused_saying_when_to_come_again(start, worker):
    proxy = start(worker.address, requests_per_second=1, burst=3)

    answers = [predict(proxy) for _ in range(12)]

    refused = [answer for answer in answers if answer.status_code != 200]
    assert {(*problem(answer), answer.headers["Retry-After"]) for answer in refused} == {
        (429, "too_many_requests", "1")
    }
    assert len(answers) - len(refused) == len(worker.asked)


@needs_nginx
@pytest.mark.parametrize("limit", ["in_flight_of_address", "in_flight"])
def test_more_requests_at_once_than_allowed_are_refused_before_a_worker_sees_them(start, worker, limit):
    proxy = start(worker.address, **{limit: 4})

    with ThreadPoolExecutor(12) as clients:
        asking = as_completed([clients.submit(predict, proxy, X_Do="wait 20") for _ in range(12)])
        refused = [next(asking).result() for _ in range(8)]
        worker.over.set()
        answered = [answer.result() for answer in asking]

    assert {(*problem(answer), answer.headers["Retry-After"]) for answer in refused} == {
        (429, "too_many_requests", "1")
    }
    assert [answer.status_code for answer in answered] == [200] * len(worker.asked) == [200] * 4


@needs_nginx
def test_a_worker_that_breaks_off_is_invisible_and_another_gets_the_same_request(start, worker):
    with Worker(name="other", asked=worker.asked) as other:
        proxy = start(worker.address, other.address)

        answers = [predict(proxy, X_Do="drop", X_Request_Id=str(number)) for number in range(4)]

    assert [answer.status_code for answer in answers] == [200] * 4
    tries = [(asked["headers"]["X-Request-Id"], asked["worker"]) for asked in worker.asked]
    assert sorted(tries) == [(str(number), name) for number in range(4) for name in ("other", "worker")]


@needs_nginx
def test_an_only_address_is_asked_again_because_another_worker_may_accept_there(start, worker):
    proxy = start(worker.address)

    answers = [predict(proxy, X_Do="drop", X_Request_Id=str(number)) for number in range(10)]

    assert [answer.status_code for answer in answers] == [200] * 10
    assert Counter(asked["headers"]["X-Request-Id"] for asked in worker.asked) == dict.fromkeys(map(str, range(10)), 2)


@contextmanager
def worker_process(name: str) -> Iterator[tuple[str, subprocess.Popen]]:
    """A worker that can be killed, and its address."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.infra.echo_worker", str(port), name])
    try:
        _wait_for(port)
        yield f"{LOOPBACK}:{port}", process
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) == 0:
                return
        time.sleep(0.05)


@needs_nginx
def test_no_request_fails_while_one_of_two_workers_is_killed(start):
    with worker_process("one") as (one, process), worker_process("two") as (two, _):
        proxy = start(one, two)

        with ThreadPoolExecutor(8) as clients:
            before = list(clients.map(lambda _: predict(proxy, X_Do="wait 0.01"), range(100)))
            asking = [clients.submit(predict, proxy, X_Do="wait 0.01") for _ in range(300)]
            asking[50].result()
            process.kill()
            after = [answer.result() for answer in asking]

    assert {answer.json()["worker"] for answer in before} == {"one", "two"}
    assert Counter(answer.status_code for answer in after) == {200: 300}
    assert after[-1].json()["worker"] == "two"


@needs_nginx
def test_a_worker_that_hangs_is_invisible(start):
    with worker_process("one") as (one, process), worker_process("two") as (two, _):
        proxy = start(one, two, answer_seconds=2)
        process.send_signal(signal.SIGSTOP)

        answers = [predict(proxy) for _ in range(20)]

    assert Counter(answer.status_code for answer in answers) == {200: 20}


@needs_nginx
def test_when_all_workers_are_dead_that_is_said_in_json_and_over_once_one_is_back(start):
    with Worker(name="one") as one, Worker(name="two") as two:
        proxy = start(one.address, two.address, rest_seconds=1)
    dead = [predict(proxy) for _ in range(10)]

    with Worker(one.server_port, "back"):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (again := predict(proxy)).status_code != 200 and time.monotonic() < deadline:
            time.sleep(0.1)

    assert {problem_and_wait(answer) for answer in dead} == {(502, "no_worker", "1")}
    assert again.json()["worker"] == "back"


@needs_nginx
def test_a_worker_that_is_too_slow_is_given_up_after_a_second_try(start, worker):
    answer = predict(start(worker.address, answer_seconds=0.3), X_Do="wait 20")

    assert problem_and_wait(answer) == (504, "too_slow", "1")
    assert len(worker.asked) == 2


@needs_nginx
def test_the_access_log_has_a_line_of_json_for_every_request_and_names_no_aircraft(worker, tmp_path):
    with running_proxy(tmp_path, free_port(), [worker.address]) as proxy:
        predict(proxy, X_Request_Id="7")
        httpx.post(f"{proxy.address}/v1/predict?tail=N14228", json=FLIGHT, headers={"User-Agent": "N14228"})
        httpx.get(f"{proxy.address}/v1/flights/N14228")
        said_to(proxy, b'N14228 "nonsense"\r\n\r\n')

    lines = [json.loads(line) for line in proxy.access_log.read_text().splitlines()]
    assert Counter((line["path"], line["status"], line["workers"]) for line in lines) == {
        ("/v1/predict", "200", worker.address): 2,
        ("other", "404", ""): 1,
        ("other", "400", ""): 1,
    }
    assert "7" in [line["id"] for line in lines]
    assert "N14228" not in proxy.access_log.read_text()


@needs_nginx
def test_answers_carry_the_headers_that_browsers_heed_once_each(start, worker):
    proxy = start(worker.address)

    for answer in (predict(proxy), httpx.get(f"{proxy.address}/metrics")):
        found = {name: answer.headers.get_list(name) for name in ("X-Content-Type-Options", "Cache-Control", "Server")}

        assert found == {"X-Content-Type-Options": ["nosniff"], "Cache-Control": ["no-store"], "Server": ["nginx"]}


@needs_nginx
def test_connections_are_kept_open_on_both_sides(start, worker):
    proxy = start(worker.address)

    with httpx.Client() as client:
        answers = [client.get(f"{proxy.address}/v1/model") for _ in range(20)]

    assert len({id(answer.extensions["network_stream"]) for answer in answers}) == 1
    assert worker.connections == 1


@needs_nginx
def test_what_was_accepted_is_answered_when_the_proxy_ends(worker, tmp_path):
    with ThreadPoolExecutor(1) as client:
        with running_proxy(tmp_path, free_port(), [worker.address]) as proxy:
            asking = client.submit(predict, proxy, X_Do="wait 1")
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not worker.asked and time.monotonic() < deadline:
                time.sleep(0.01)

        assert asking.result().status_code == 200
    with pytest.raises(ProxyEnded, match=r"ended with code 0; see .*proxy-\d+\.log"):
        proxy.require_alive()


@needs_nginx
def test_of_a_proxy_that_was_killed_no_process_is_left_and_no_stranger_is_asked_to_end(worker, tmp_path):
    with worker_process("stranger") as (_, stranger):
        with running_proxy(tmp_path, free_port(), [worker.address]) as proxy:
            (id_file,) = tmp_path.glob("proxy/*/nginx.pid")
            master = psutil.Process(int(id_file.read_text()))
            family = [master, *master.children()]
            time.sleep(2 * LOOK_SECONDS)
            master.kill()
            proxy.process.wait(PATIENCE_SECONDS)
            id_file.write_text(str(stranger.pid))

        assert psutil.wait_procs(family, PATIENCE_SECONDS)[1] == []
        assert stranger.poll() is None


@needs_nginx
def test_with_a_certificate_it_speaks_tls_and_only_tls(worker, tmp_path):
    certificate = Certificate(tmp_path / "chain.pem", tmp_path / "key.pem")
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(certificate.key), "-out", str(certificate.chain)),
        ],
        check=True,
        capture_output=True,
    )

    with running_proxy(tmp_path, free_port(), [worker.address], certificate=certificate) as proxy:
        trusting = ssl.create_default_context(cafile=certificate.chain)
        answer = httpx.post(f"{proxy.address}/v1/predict", json=FLIGHT, verify=trusting)
        plain = httpx.post(f"{proxy.address.replace('https', 'http')}/v1/predict", json=FLIGHT)

    assert (answer.status_code, answer.json()["headers"]["X-Forwarded-Proto"]) == (200, "https")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    assert problem(plain) == (400, "malformed_request")


@needs_nginx
def test_a_configuration_that_nginx_refuses_is_an_error_that_names_the_log(tmp_path):
    with pytest.raises(ServerDidNotStart, match=r"see .*proxy-\d+\.log"), running_proxy(tmp_path, free_port(), ["a b"]):
        pass

    (log,) = (tmp_path / "logs").glob("proxy-*.log")
    assert 'invalid parameter "b"' in log.read_text()


@needs_nginx
def test_a_port_that_is_taken_is_refused_before_anything_is_written(worker, tmp_path):
    with pytest.raises(PortInUse), running_proxy(tmp_path, worker.server_port, [worker.address]):
        pass

    assert list(tmp_path.iterdir()) == []


def test_where_there_is_no_nginx_the_error_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr("infra.proxy_process.OUTSIDE_PATH", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ProxyMissing, match="apt-get install nginx"):
        find_nginx()


def test_nginx_is_found_where_the_path_of_an_ordinary_user_does_not_look(monkeypatch, tmp_path):
    nginx = tmp_path / "sbin" / "nginx"
    nginx.parent.mkdir()
    nginx.touch(mode=0o755)
    monkeypatch.setattr("infra.proxy_process.OUTSIDE_PATH", str(nginx.parent))
    monkeypatch.setenv("PATH", str(tmp_path))

    assert find_nginx() == str(nginx)


def test_several_addresses_are_each_named_once_and_an_only_one_twice(tmp_path):
    def servers(*upstreams: str) -> list[str]:
        text = proxy_configuration(tmp_path, tmp_path / "log", "127.0.0.1:80", list(upstreams), ProxyLimits())
        return [line.split()[1] for line in text.splitlines() if line.split()[:1] == ["server"] and "{" not in line]

    assert (servers("a:1"), servers("a:1", "b:2")) == (["a:1", "a:1"], ["a:1", "b:2"])
