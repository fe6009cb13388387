"""Settings from the environment, and what is said when one of them is wrong."""

import os
import re
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from infra.settings import Settings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    """No variable of the machine that runs the tests counts."""
    for name in [name for name in os.environ if name.upper().startswith("PREFLIGHT_")]:
        monkeypatch.delenv(name)


def test_without_a_word_the_year_is_2013_under_var():
    settings = load_settings()

    assert (settings.home, settings.first_day, settings.last_day, settings.source) == (
        Path("var").absolute(), date(2013, 1, 1), date(2013, 12, 31), None,
    )  # fmt: skip


def test_a_variable_overrides_a_default(monkeypatch):
    monkeypatch.setenv("PREFLIGHT_GATE_DAYS", "21")

    assert load_settings().gate_days == 21


def test_an_argument_overrides_a_variable(monkeypatch):
    monkeypatch.setenv("PREFLIGHT_GATE_DAYS", "21")

    assert load_settings(gate_days=30).gate_days == 30


def test_an_argument_that_was_not_given_overrides_nothing(monkeypatch):
    monkeypatch.setenv("PREFLIGHT_GATE_DAYS", "21")

    assert load_settings(gate_days=None).gate_days == 21


def test_paths_are_absolute_so_that_a_change_of_folder_changes_nothing(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREFLIGHT_SOURCE", "mine")

    assert (load_settings().home, load_settings().source) == (tmp_path / "var", tmp_path / "mine")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TREES", "many"),
        ("TREES", "0"),
        ("HISTORY_DAYS", "30"),
        ("GATE_DAYS", "6"),
        ("GATE_CONFIDENCE", "1"),
        ("GATE_CONFIDENCE", "0.5"),
        ("FIRST_DAY", "yesterday"),
        ("PORT", "80"),
        ("PORT", "65536"),
        ("SEED", "-1"),
        ("TRAINING_THREADS", ""),
    ],
)
def test_a_wrong_value_is_refused_naming_the_variable_and_the_value(monkeypatch, name, value):
    monkeypatch.setenv(f"PREFLIGHT_{name}", value)

    with pytest.raises(SettingsError, match=f"PREFLIGHT_{name}: .*got '{value}'"):
        load_settings()


def test_two_wrong_values_are_named_at_once(monkeypatch):
    monkeypatch.setenv("PREFLIGHT_TREES", "many")
    monkeypatch.setenv("PREFLIGHT_PORT", "80")

    with pytest.raises(SettingsError, match=r"PREFLIGHT_TREES: .*; PREFLIGHT_PORT: "):
        load_settings()


@pytest.mark.parametrize("name", ["PREFLIGHT_TREEES", "preflight_treees", "PREFLIGHT_"])
def test_a_variable_that_is_no_setting_is_refused_by_its_name(monkeypatch, name):
    monkeypatch.setenv(name, "3")

    with pytest.raises(SettingsError, match=f"{name} is not a setting"):
        load_settings()


def test_a_variable_that_is_no_setting_is_named_beside_a_wrong_value(monkeypatch):
    monkeypatch.setenv("PREFLIGHT_TREEES", "3")
    monkeypatch.setenv("PREFLIGHT_PORT", "80")

    with pytest.raises(SettingsError, match=r"PREFLIGHT_TREEES is not a setting.*; PREFLIGHT_PORT: "):
        load_settings()


def test_an_argument_that_is_no_setting_is_refused_by_its_name():
    with pytest.raises(SettingsError, match="PREFLIGHT_TREEES: extra inputs are not permitted"):
        load_settings(treees=3)


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        load_settings().trees = 3


def test_equal_settings_are_one_so_that_a_context_is_opened_once():
    assert hash(load_settings(trees=3)) == hash(load_settings(trees=3))


def test_every_setting_says_what_it_is():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"HOME": ""}, "PREFLIGHT_HOME: expected a folder of its own"),
        ({"FIRST_SCORED_WEEK": "2013-04-02"}, "PREFLIGHT_FIRST_SCORED_WEEK: expected a Monday, got '2013-04-02'"),
        ({"FIRST_SCORED_WEEK": "2012-12-31"}, "expected PREFLIGHT_FIRST_SCORED_WEEK from 2013-01-29"),
        ({"LAST_DAY": "2013-03-31"}, "to PREFLIGHT_LAST_DAY, 2013-03-31; got 2013-04-01"),
    ],
)
def test_settings_that_cannot_be_lived_are_refused(monkeypatch, variables, words):
    for name, value in variables.items():
        monkeypatch.setenv(f"PREFLIGHT_{name}", value)

    with pytest.raises(SettingsError, match=re.escape(words)):
        load_settings()


def test_a_year_of_one_scored_day_with_just_enough_before_it_can_be_lived():
    settings = load_settings(first_day=date(2013, 1, 7), first_scored_week=date(2013, 2, 4), last_day=date(2013, 2, 4))

    assert settings.first_scored_week == settings.last_day


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRACKING_URI", "sqlite:///models.db"),
        ("PREDICTIONS_URL", "mysql://user:hush@host/db"),
        ("BACKUP_DATABASES", '["mongodb://user:hush@host/db"]'),
        ("API_KEY", "hush"),
    ],
)
def test_a_server_that_cannot_be_one_is_refused_by_name_and_no_secret_is_repeated(monkeypatch, name, value):
    monkeypatch.setenv(f"PREFLIGHT_{name}", value)

    with pytest.raises(SettingsError, match=rf"PREFLIGHT_{name}: expected") as refused:
        load_settings()

    assert "hush" not in str(refused.value)
