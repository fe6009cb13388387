"""What every drill has to say before it is played."""

import re

import pytest
from typed_commands import problem_of

from practice.drills.catalog import DRILLS

PLACEHOLDERS = {"FILE": "README.md", "BATCH": "schedule-1", "VERSION": "1", "DAY": "2013-03-04", "WEEK": "2013-03-04"}


def test_names_are_of_their_own():
    assert len({drill.name for drill in DRILLS}) == len(DRILLS)


@pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.name)
def test_a_drill_has_a_story_of_a_minute_and_a_first_step_that_can_be_typed(drill):
    commands = re.findall(r"`([^`]+)`", drill.runbook)

    assert 50 <= len(drill.story.split()) <= 170
    assert commands
    assert [said for command in commands if (said := problem_of(_filled(command)))] == []


def _filled(command: str) -> str:
    return " ".join(PLACEHOLDERS.get(word, word) for word in command.split())
