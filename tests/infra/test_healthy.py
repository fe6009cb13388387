"""The health check of containers: it has to see what is ill."""

import http.server
import os
import threading
import time

import pytest

from infra.healthy import why_ill
from infra.network import free_port


@pytest.fixture
def server():
    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/well" else 503)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_who_answers_200_is_well(server):
    assert why_ill(f"{server}/well") is None


def test_who_answers_anything_else_is_ill(server):
    assert "503" in why_ill(f"{server}/ill")


def test_who_does_not_answer_is_ill():
    assert "refused" in why_ill(f"http://127.0.0.1:{free_port()}/")


def test_a_file_is_a_sign_of_life_as_long_as_it_is_young(tmp_path):
    alive = tmp_path / "alive"
    assert "is not there" in why_ill(str(alive), 60)

    alive.touch()
    assert why_ill(str(alive), 60) is None

    os.utime(alive, (time.time() - 61, time.time() - 61))
    assert "61 s old" in why_ill(str(alive), 60)
