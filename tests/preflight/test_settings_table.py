"""`preflight settings`: what is in force, and the page about all of it."""

import json
import subprocess
import sys

import pytest
from pydantic import SecretStr

from infra.settings import FREE, SECRET, Settings
from preflight.settings_table import allowed, said, settings_page


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_the_page_explains_every_setting(name):
    (row,) = [line for line in settings_page().splitlines() if line.startswith(f"| `PREFLIGHT_{name.upper()}` |")]

    assert Settings.model_fields[name].description in row
    assert row.endswith("| free |" if name in FREE else "| fixed |")


def test_limits_are_said_in_words():
    assert allowed(Settings.model_fields["gate_confidence"]) == "number, above 0.5, below 1"
    assert allowed(Settings.model_fields["api_key"]) == "text, secret"
    assert allowed(Settings.model_fields["backup_folders"]) == "list"


def test_no_secret_is_said():
    settings = Settings(
        predictions_url="postgresql://u:hush@h/d", api_key=SecretStr("hush" * 4), backup_databases=["postgresql://hush"]
    )

    assert [said(settings, name) for name in SECRET] == ["(set, not shown)"] * len(SECRET)
    assert "hush" not in repr(settings)


def test_the_command_says_where_a_value_comes_from(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "preflight", "settings", "--json"],
        env={"PATH": "", "PREFLIGHT_HOME": str(tmp_path), "PREFLIGHT_TRACKING_URI": "http://mlflow:5000"},
        capture_output=True,
        text=True,
        check=True,
    )

    told = json.loads(ran.stdout)
    assert told["mode"] == "on servers"
    assert told["settings"]["PREFLIGHT_TRACKING_URI"] == {"now": "http://mlflow:5000", "from": "environment"}
    assert told["settings"]["PREFLIGHT_TREES"]["from"] == "default"
