"""Loopback ports and servers that come up."""

import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from infra.network import LOOPBACK, PortInUse, ServerDidNotStart, claim_port, free_port, wait_until_answering


class Running:
    """A process that runs, or that has ended with a code."""

    def __init__(self, returncode: int | None = None) -> None:
        self.returncode = returncode

    def poll(self) -> int | None:
        return self.returncode


@pytest.fixture
def taken():
    """A port on which this very process listens."""
    with socket.socket() as server:
        server.bind((LOOPBACK, 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture
def answering():
    """The address of a server that says 503 twice and 200 from then on, and what it has not yet said."""
    statuses = [503, 503, 200]

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(statuses.pop(0))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer((LOOPBACK, 0), Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://{LOOPBACK}:{server.server_port}/", statuses
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_free_port_can_be_claimed():
    port = free_port()

    assert claim_port(port) == port


def test_a_port_that_was_claimed_is_still_free_for_the_server():
    port = claim_port(free_port())

    assert claim_port(port) == port


def test_a_port_in_use_is_refused_naming_the_owner_and_the_way_out(taken):
    with pytest.raises(PortInUse, match=rf"port {taken} is in use by .*\(process {os.getpid()}\).*PREFLIGHT_PORT"):
        claim_port(taken)


def test_a_server_is_waited_for_until_it_answers_200(answering):
    address, not_yet_said = answering

    wait_until_answering(address, Running(), "log", timeout_seconds=10)

    assert not_yet_said == []


def test_a_server_that_ended_is_not_waited_for():
    with pytest.raises(ServerDidNotStart, match=r"ended with code 3; see logs/service.log"):
        wait_until_answering(f"http://{LOOPBACK}:{free_port()}/", Running(3), "logs/service.log", timeout_seconds=60)


def test_a_server_that_stays_silent_is_given_up():
    with pytest.raises(ServerDidNotStart, match=r"did not answer within 0 s; see logs/service.log"):
        wait_until_answering(f"http://{LOOPBACK}:{free_port()}/", Running(), "logs/service.log", timeout_seconds=0.2)
