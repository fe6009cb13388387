"""The client that makes load: what it sends, what it counts, and what it does when a connection breaks."""

import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from infra.http_connection import OK, UNANSWERED, Answer, Request
from infra.http_load import Pace, send_requests
from infra.network import LOOPBACK, free_port

PAGE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
RESET = b""

Script = Callable[[int, bytes], bytes]


@dataclass
class Server:
    """A service that says what a script says of the n-th request; `seen` is every request it read."""

    address: str = ""
    connections: int = 0
    seen: list[tuple[str, bytes]] = field(default_factory=list)


@contextmanager
def serving(script: Script) -> Iterator[Server]:
    """A server on a loopback port; where the script says nothing it resets the connection."""
    told, lock = Server(), threading.Lock()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with lock:
                told.connections += 1
            while head := self._read_head():
                body = self.rfile.read(int(head["content-length"]))
                with lock:
                    told.seen.append((head["x-request-id"], body))
                    number = len(told.seen) - 1
                answer = script(number, body)
                if answer == RESET:
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                self.wfile.write(answer)
                if b"connection: close" in answer:
                    return

        def _read_head(self) -> dict[str, str]:
            try:
                lines = list(iter(lambda: self.rfile.readline().decode().strip(), ""))
            except ConnectionError:  # the client has gone
                return {}
            return dict(line.split(": ", 1) for line in lines[1:])

        def finish(self) -> None:
            """Close without a flush: it may have been reset."""
            self.connection.close()

    class Listening(socketserver.ThreadingTCPServer):
        daemon_threads, request_queue_size = True, 64

    with Listening((LOOPBACK, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        told.address = f"http://{LOOPBACK}:{server.server_address[1]}"
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()


def asked(number: int) -> list[Request]:
    """So many requests, each with a body and an id of its own."""
    return [Request("/v1/predict", b'{"n": %d}' % place, f"run-{place}") for place in range(number)]


def heard_of(address: str, requests: list[Request], **pace: float) -> list[Answer]:
    """What becomes of the requests, in the order of the answers."""
    heard = []
    send_requests(address, requests, heard.append, Pace(**{"answer_seconds": 20, "most_seconds": 20, **pace}))
    return heard


def test_every_request_is_sent_once_and_answered_with_its_own_answer():
    requests = asked(60)

    with serving(lambda _, body: b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)) as server:
        heard = heard_of(server.address, requests, connections=4)

    assert sorted(server.seen) == sorted((request.request_id, request.body) for request in requests)
    assert {(answer.request.request_id, answer.body) for answer in heard} == set(server.seen)
    assert {(answer.status, answer.retries, answer.problem) for answer in heard} == {(OK, 0, None)}


def test_connections_are_kept_alive_and_as_many_as_asked_for():
    with serving(lambda *_: PAGE) as server:
        heard_of(server.address, asked(60), connections=3)

    assert server.connections == 3


def test_an_answer_in_chunks_comes_whole():
    chunked = b'HTTP/1.1 503 Busy\r\ntransfer-encoding: chunked\r\n\r\n3\r\n{"a\r\n4\r\n": 1\r\n1\r\n}\r\n0\r\n\r\n'

    with serving(lambda *_: chunked) as server:
        (answer,) = heard_of(server.address, asked(1))

    assert (answer.status, answer.body) == (503, b'{"a": 1}')


def test_a_connection_that_the_service_closes_in_good_order_costs_no_retry():
    closing = PAGE.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")

    with serving(lambda *_: closing) as server:
        heard = heard_of(server.address, asked(5), connections=1)

    assert [(answer.status, answer.retries) for answer in heard] == [(OK, 0)] * 5
    assert server.connections == 5


def test_a_reset_connection_is_retried_once_with_the_same_id():
    with serving(lambda number, _: RESET if number == 1 else PAGE) as server:
        heard = heard_of(server.address, asked(4), connections=1)

    assert [identifier for identifier, _ in server.seen] == ["run-0", "run-1", "run-1", "run-2", "run-3"]
    assert [(answer.status, answer.retries) for answer in heard] == [(OK, 0), (OK, 1), (OK, 0), (OK, 0)]


def test_a_second_reset_is_reported_and_the_next_request_goes_on():
    with serving(lambda number, _: RESET if number in (1, 2) else PAGE) as server:
        heard = heard_of(server.address, asked(3), connections=1)

    assert [(answer.status, answer.retries) for answer in heard] == [(OK, 0), (UNANSWERED, 1), (OK, 0)]
    assert heard[1].problem


def test_a_service_that_nobody_started_is_reported_for_every_request():
    heard = heard_of(f"http://{LOOPBACK}:{free_port()}", asked(2), connections=2)

    assert [(answer.status, answer.retries) for answer in heard] == [(UNANSWERED, 1)] * 2
    assert all("refused" in answer.problem or "Connect call failed" in answer.problem for answer in heard)


def test_a_service_that_speaks_no_http_is_reported_and_nothing_is_logged(caplog):
    with serving(lambda *_: b"SSH-2.0-OpenSSH_9.2\r\n") as server:
        (answer,) = heard_of(server.address, asked(1))

    assert (answer.status, answer.retries, caplog.records) == (UNANSWERED, 1, [])


def test_a_service_that_is_silent_is_waited_for_no_longer_than_allowed():
    silence = threading.Event()

    def script(number: int, _: bytes) -> bytes:
        if number == 0:
            silence.wait(20)
        return PAGE

    with serving(script) as server:
        heard = heard_of(server.address, asked(2), connections=1, answer_seconds=0.2)
        silence.set()

    assert [(answer.status, answer.problem) for answer in heard] == [(UNANSWERED, "no answer within 0.2 s"), (OK, None)]


def test_a_stall_is_charged_to_everybody_who_had_to_wait_in_an_open_loop():
    """One stall of 0.4 s at 100 requests a second: forty should have been sent meanwhile, and waited."""
    stall_ms = 400

    def script(number: int, _: bytes) -> bytes:
        if number == 5:
            time.sleep(stall_ms / 1000)
        return PAGE

    with serving(script) as server:
        opened = heard_of(server.address, asked(60), connections=1, rate=100)
    with serving(script) as server:
        closed = heard_of(server.address, asked(60), connections=1)

    waited = [answer for answer in opened if answer.latency_ms > stall_ms / 4]
    assert len(waited) >= 25  # thirty by the clock; a loaded machine can only add to them
    assert 1 <= sum(answer.latency_ms > stall_ms for answer in closed) <= 3  # one, but for a loaded machine


def test_no_more_is_sent_than_the_rate_allows_and_nothing_after_its_time():
    """A second at 200 a second is 200 requests, however fast the service is."""
    with serving(lambda *_: PAGE) as server:
        heard = heard_of(server.address, asked(1000), rate=200, most_seconds=1)

    assert 100 <= len(heard) <= 200


def test_a_closed_loop_ends_when_its_time_is_up():
    endless = (request for _ in iter(int, 1) for request in asked(1))

    with serving(lambda *_: PAGE) as server:
        heard = heard_of(server.address, endless, most_seconds=0.3)

    assert 0 < len(heard) == len(server.seen)


def test_an_error_of_whoever_listens_ends_the_sending():
    def refuse(_: Answer) -> None:
        raise ZeroDivisionError

    with serving(lambda *_: PAGE) as server, pytest.raises(ZeroDivisionError):
        send_requests(server.address, asked(100), refuse, Pace(connections=2))
