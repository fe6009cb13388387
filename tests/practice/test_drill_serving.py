"""What drills of serving rely on: half a line, what a proxy's log counts, and clients that begin and wait."""

import json
import socket
import threading
from collections import Counter
from contextlib import closing

import pytest

from infra.http_connection import Request
from infra.network import LOOPBACK
from practice.drills.serving import TORN, append, begun, is_cut_off, statuses, torn_line
from services.prediction_log import key_of

LINE = b'{"id":"%s","body":"b","at":"now","answer":{"request_id":"%s"}}\n'


@pytest.fixture
def listener():
    """A socket that takes connections and reads nothing."""
    with closing(socket.create_server((LOOPBACK, 0))) as server:
        yield server


def test_half_a_line_is_of_a_request_of_its_own_and_has_no_end(tmp_path):
    log = tmp_path / "000001.jsonl"
    log.write_bytes(LINE % (b"a", b"a") + LINE % (b"bb", b"bb"))

    torn = torn_line(log, TORN)
    append(log, torn)

    assert (key_of(torn), b"\n" in torn) == (TORN.encode(), False)
    assert log.read_bytes() == LINE % (b"a", b"a") + LINE % (b"bb", b"bb") + torn


def test_a_line_of_the_access_log_that_is_being_written_is_not_counted(tmp_path):
    log = tmp_path / "access.jsonl"
    lines = [json.dumps({"status": status}) for status in ("200", "408", "408")]
    log.write_text("\n".join(lines) + '\n{"status": "40')

    assert statuses(log) == Counter({200: 1, 408: 2})
    assert statuses(tmp_path / "none") == Counter()


def test_a_request_that_is_begun_says_how_long_it_is_and_sends_one_byte_of_it(listener):
    address = f"http://{LOOPBACK}:{listener.getsockname()[1]}"

    with closing(begun(address, Request("/v1/predict", b'{"carrier": 1}', "id"))):
        head, _, body = listener.accept()[0].recv(4096).partition(b"\r\n\r\n")

    assert head.startswith(b"POST /v1/predict HTTP/1.1\r\n")
    assert (b"Content-Length: 14" in head, body) == (True, b"{")


@pytest.mark.parametrize("ends", [True, False])
def test_a_client_knows_whether_it_was_cut_off(listener, ends):
    address = f"http://{LOOPBACK}:{listener.getsockname()[1]}"

    with closing(begun(address, Request("/v1/predict", b"{}", "id"))) as client:
        other = listener.accept()[0]
        if ends:
            threading.Timer(0.1, other.close).start()
        assert is_cut_off(client) is ends
        other.close()
