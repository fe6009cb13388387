"""A worker that is killed with -9 in mid-run, with a real server; run by `make test-worker`."""

import json

import pytest
from conftest import preflight

pytestmark = pytest.mark.loop


def test_a_worker_killed_in_mid_run_leaves_no_stuck_run_and_the_same_table(tmp_path):
    ended = preflight(tmp_path / "home", "prove", "worker", "2013-03", "--json", timeout=1800, last_day="2013-12-31")

    assert ended.returncode == 0, ended.stderr
    said = json.loads(ended.stdout)
    assert 0 < said["weeks_before"] < 5
    assert said["marked_seconds"] >= 30
