"""The loop from end to end: server, worker, service, an aged champion, a killed training; run by `make test-loop`."""

import json

import pytest
from conftest import preflight

pytestmark = pytest.mark.loop


def test_an_aged_champion_is_replaced_with_no_hand_on_it(tmp_path):
    ended = preflight(tmp_path / "home", "loop-demo", "--json", timeout=3600)

    assert ended.returncode == 0, ended.stderr
    said = json.loads(ended.stdout)
    assert [(one["trainings"], one["flow_runs"]) for one in said["rounds"]] == [(1, 2)]
    assert said["marked_seconds"] >= 60
