"""A Prometheus of our own: it scrapes what was announced, evaluates our rules, and says when it cannot be had."""

import json
import shutil
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import httpx
import pytest
import yaml

from infra import prometheus_process
from infra.network import LOOPBACK, free_port
from infra.prometheus_process import (
    ANNOUNCED,
    PrometheusMissing,
    announce_targets,
    copy_configuration,
    find_program,
    running_prometheus,
)

PATIENCE_SECONDS = 60

needs_prometheus = pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed")


@pytest.fixture
def exposing() -> Iterator[str]:
    """Something that shows one metric, at `host:port`."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"preflight_ready 1\n")

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = HTTPServer((LOOPBACK, 0), Page)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"{LOOPBACK}:{server.server_port}"
    server.shutdown()
    server.server_close()


def targets(home) -> list[str]:
    return json.loads((home / ANNOUNCED).read_text())[0]["targets"]


def wait_for_targets(address: str) -> list[str]:
    """What Prometheus scrapes, once it has found something: it looks for targets every five seconds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = httpx.get(f"{address}/api/v1/targets").json()["data"]["activeTargets"]
        if found:
            return [target["scrapeUrl"] for target in found]
        time.sleep(0.2)
    return []


def test_the_copy_scrapes_where_the_service_of_the_home_last_answered(tmp_path):
    announce_targets(tmp_path, ["127.0.0.1:4001", "127.0.0.1:4002"])

    configuration = yaml.safe_load(copy_configuration(tmp_path, 3000).read_text())

    (job,) = configuration["scrape_configs"]
    assert job["file_sd_configs"][0]["files"] == [str(tmp_path / ANNOUNCED)]
    assert targets(tmp_path) == ["127.0.0.1:4001", "127.0.0.1:4002"]


def test_before_a_service_has_answered_its_port_is_scraped(tmp_path):
    copy_configuration(tmp_path, 3456)

    assert targets(tmp_path) == ["127.0.0.1:3456"]


def test_a_missing_program_is_said_with_how_to_install_it(monkeypatch):
    monkeypatch.setattr(prometheus_process.shutil, "which", lambda name: None)

    with pytest.raises(PrometheusMissing, match="no prometheus on PATH; install it"):
        find_program("prometheus")


@needs_prometheus
def test_it_runs_with_our_rules_and_follows_the_announced_targets(tmp_path, exposing):
    announce_targets(tmp_path, [exposing])

    with running_prometheus(tmp_path, 3000, free_port()) as running:
        rules = httpx.get(f"{running.address}/api/v1/rules").json()["data"]["groups"]
        scraped = wait_for_targets(running.address)

    assert {"objectives", "service", "flows"} <= {group["name"] for group in rules}
    assert scraped == [f"http://{exposing}/metrics"]
