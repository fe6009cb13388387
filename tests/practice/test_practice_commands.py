"""The commands people practise with, typed as a user would."""

import io
import json
import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def typed(run_here, monkeypatch):
    """A command, and what is answered when it asks."""

    def ended(home: Path, *arguments: str, answers: str = "") -> subprocess.CompletedProcess:
        monkeypatch.setattr("sys.stdin", io.StringIO(answers))
        return run_here(home, *arguments)

    return ended


def test_an_interview_asks_waits_shows_and_keeps_the_score(typed, tmp_path):
    ended = typed(tmp_path, "interview", "--level", "senior", "--count", "2", "--seed", "1", answers="\ny\n\nh\n")

    assert ended.returncode == 0, ended.stderr
    assert "1.5 of 2 points" in ended.stdout
    kept = json.loads((tmp_path / "practice" / "interview.json").read_text())["answers"]
    assert [(one["level"], one["score"]) for one in kept] == [("senior", 1.0), ("senior", 0.5)]


def test_an_interview_that_is_left_keeps_what_was_answered(typed, tmp_path):
    ended = typed(tmp_path, "interview", "--count", "3", answers="\nn\n")

    assert (ended.returncode, "0 of 1 points" in ended.stdout) == (0, True)


@pytest.mark.parametrize(("option", "value"), [("--topic", "nothing"), ("--level", "nobody")])
def test_a_topic_that_there_is_not_is_refused_naming_those_there_are(typed, tmp_path, option, value):
    ended = typed(tmp_path, "interview", option, value)

    assert (ended.returncode, f"got '{value}'" in ended.stderr) == (2, True)


@pytest.mark.parametrize("command", [("tour", "5", "--yes"), ("figures",)])
def test_without_a_lived_year_there_is_nothing_to_show(typed, tmp_path, command):
    ended = typed(tmp_path, *command)

    assert (ended.returncode, "; run: preflight" in ended.stderr) == (1, True)


def test_a_tour_of_another_length_is_wrong_usage(typed, tmp_path):
    assert typed(tmp_path, "tour", "7").returncode == 2


def test_drills_are_listed_and_explained_and_a_wrong_name_is_refused(typed, tmp_path):
    listed = json.loads(typed(tmp_path, "drill", "list", "--json").stdout)["drills"]
    explained = typed(tmp_path, "drill", "card", listed[0]["name"])

    assert listed[0]["title"] in explained.stdout
    assert typed(tmp_path, "drill", "card", "nothing").returncode == 2
    assert typed(tmp_path, "drill", "run").returncode == 2
