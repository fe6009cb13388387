"""`preflight workspace`: each monitored week is added once, and what is missing is said with the way to get it."""

import json

from pipelines.feature_catalog import NAMES
from pipelines.workspace_weeks import feature_groups


def test_every_feature_is_in_one_group():
    grouped = [name for names in feature_groups().values() for name in names]

    assert sorted(grouped) == sorted(NAMES)


def test_a_home_where_nothing_was_monitored_says_what_to_run(run_here, tmp_path):
    ended = run_here(tmp_path / "home", "workspace")

    assert ended.returncode == 1
    assert "preflight replay" in ended.stderr


def test_there_is_nothing_to_open_before_a_workspace_was_made(run_here, tmp_path):
    ended = run_here(tmp_path / "home", "evidently")

    assert ended.returncode == 1
    assert "preflight workspace" in ended.stderr


def test_a_week_is_added_once_and_its_numbers_are_in_a_table_of_our_own(lived_copy, run_here):
    context = lived_copy.context
    home, week = lived_copy.settings.home, context.journal.weeks("monitor")[0]

    first, second = (json.loads(run_here(home, "workspace", week, "--json").stdout) for _ in range(2))

    assert (first["added"], second["added"]) == ([week], [])
    numbers = context.store.read_table("monitoring", week)
    drift = context.journal.read(week, "monitor")["drift"]
    found = dict(numbers.filter(numbers["measure"] == "drift").select("subject", "value").iter_rows())
    assert abs(found["temperature_f"] - drift["temperature_f"]) < 1e-6
    assert set(drift) - set(found) <= {name for name, distance in drift.items() if distance == 1.0}
