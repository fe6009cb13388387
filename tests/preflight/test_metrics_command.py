"""`preflight metrics`: what is exposed is printed, written, and counted in the last line."""

import json

from exposed import measured, validated

from infra.storage import Store
from monitoring.exposition import FLOWS

WEEK = "2013-02-11"


def test_what_is_printed_is_what_the_file_holds(run_here, tmp_path):
    home = tmp_path / "home"
    for number, event in ((1, validated(WEEK)), (3, measured(WEEK))):
        Store(home).write_json(f"journal/{WEEK}-{number}-{event['stage']}.json", event)

    ended = run_here(home, "metrics")

    *printed, outcome = ended.stdout.splitlines()
    assert ended.returncode == 0, ended.stderr
    assert printed == Store(home).read_bytes(FLOWS).decode().splitlines()
    assert 'preflight_skill_ratio{window="recent"} 0.18' in printed
    assert outcome.endswith(f"metrics are in {home / FLOWS}")


def test_a_home_without_a_life_exposes_counters_alone(run_here, tmp_path):
    ended = run_here(tmp_path / "home", "metrics", "--json")

    assert ended.returncode == 0, ended.stderr
    assert {metric["kind"] for metric in json.loads(ended.stdout)["metrics"]} == {"counter"}
