"""`preflight incidents` and the commands that need a Prefect server that stays."""

import json

import pytest

from infra.settings import Settings
from pipelines.context import Context

SIGNALS = {
    "label_coverage": 1.0,
    "weeks_since_training": 3,
    "was_refused": False,
    "refused_in_a_row": 0,
    "skill": 0.2,
    "expected_skill": 0.2,
    "calibration_gap": 0.0,
    "share_drifted": 0.0,
}


@pytest.fixture
def home(tmp_path):
    """Calibration is off in a week and then kept for two; in the last the features drift."""
    context = Context(Settings(home=tmp_path / "home"))
    changes = ({"calibration_gap": 0.07}, {}, {"share_drifted": 0.6})
    for week, changed in zip(("2013-07-01", "2013-07-08", "2013-07-15"), changes, strict=True):
        facts = {"action": "watch", "reason": "as it was", "signals": {**SIGNALS, **changed}}
        context.journal.record(week, "decide", facts)
    return tmp_path / "home"


def test_incidents_are_listed_oldest_first(run_here, home):
    ended = run_here(home, "incidents", "--json")

    said = json.loads(ended.stdout)
    assert [one["id"] for one in said["incidents"]] == ["calibration-champion-2013-07-01", "inputs-features-2013-07-15"]
    assert said["outcome"] == "2 incidents so far, 1 open"


def test_only_open_ones_are_listed_when_asked(run_here, home):
    ended = run_here(home, "incidents", "--open")

    assert "inputs-features-2013-07-15" in ended.stdout
    assert "calibration-champion" not in ended.stdout


def test_one_incident_is_told_step_by_step(run_here, home):
    ended = run_here(home, "incidents", "show", "calibration-champion-2013-07-01")

    assert ended.stdout.splitlines()[-1] == "calibration-champion-2013-07-01 is over since 2013-07-22"
    assert "mean probability is +0.070 off the late share" in ended.stdout


def test_an_incident_that_never_was_is_wrong_usage(run_here, home):
    ended = run_here(home, "incidents", "show", "skew-some-2013-07-01")

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)


def test_a_home_without_a_life_has_no_incidents(run_here, tmp_path):
    assert run_here(tmp_path / "new", "incidents").stdout == "0 incidents so far, 0 open\n"


@pytest.mark.parametrize("command", [("automations", "apply"), ("worker",), ("end-week", "2013-07-01")])
def test_without_a_server_that_stays_the_loop_is_wrong_usage(run_here, home, monkeypatch, command):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)

    ended = run_here(home, *command)

    assert ended.returncode == 2
    assert "run: preflight up, or: prefect server start, and set PREFECT_API_URL" in ended.stderr
