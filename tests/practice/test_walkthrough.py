"""The walkthrough: its clock runs, what is said fits in, commands and questions exist, and numbers are as measured."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from typed_commands import problem_of

from infra.site import slug_of
from practice.figures import read_figures, wrong_quotes
from practice.questions import plain, read_questions

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "interview" / "walkthrough.md"
TEXT = PAGE.read_text()
MINUTES = {"Five minutes": 5, "Fifteen minutes": 15, "Forty-five minutes": 45}
PARTS = ["On the screen.", "Say.", "They may ask.", "If it fails."]
WORDS_A_MINUTE = 150


def steps_of(text: str, script: str) -> list[tuple[float, str, dict[str, str]]]:
    """Minute, title and parts of each step of one script."""
    (block,) = re.findall(rf"^## {script}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return [_step(*found) for found in re.findall(r"^### (\d+):(\d\d) (.+)\n((?:(?!^### ).*\n)*)", block, re.MULTILINE)]


def _step(minutes: str, seconds: str, title: str, rest: str) -> tuple[float, str, dict[str, str]]:
    pieces = re.split(r"^\*\*([A-Z][^*]+\.)\*\*", rest, flags=re.MULTILINE)
    return int(minutes) + int(seconds) / 60, title, dict(zip(pieces[1::2], pieces[2::2], strict=True))


def commands_of(text: str) -> list[str]:
    """What is in code and is a command with its words; a name in capitals stands for what is yours."""
    found = re.findall(r"`((?:preflight|make|python) [^`]+)`", text)
    return [re.sub(r"\bFILE\b", "a.tar", one) for one in found]


@pytest.mark.parametrize(("script", "minutes"), MINUTES.items())
def test_its_clock_runs_from_nought_and_ends_in_time(script, minutes):
    begins = [begin for begin, _, _ in steps_of(TEXT, script)]

    assert begins[0] == 0
    assert all(one < later for one, later in pairwise(begins))
    assert minutes - 2 <= begins[-1] < minutes


@pytest.mark.parametrize(("script", "minutes"), MINUTES.items())
def test_what_is_said_fits_into_its_minutes(script, minutes):
    steps = steps_of(TEXT, script)
    ends = [begin for begin, _, _ in steps[1:]] + [minutes]

    too_long = {
        title: len(plain(parts["Say."]).split())
        for (begin, title, parts), end in zip(steps, ends, strict=True)
        if len(plain(parts["Say."]).split()) > (end - begin) * WORDS_A_MINUTE
    }

    assert too_long == {}


@pytest.mark.parametrize("script", MINUTES)
def test_a_step_says_what_is_seen_said_asked_and_done_when_it_fails(script):
    steps = steps_of(TEXT, script)

    assert [title for _, title, parts in steps if list(parts) != PARTS] == []
    assert "opening sentence" in steps[0][1]
    assert "closing sentence" in steps[-1][1]


@pytest.mark.parametrize("script", MINUTES)
def test_what_they_may_ask_is_a_question_of_these_pages(script):
    questions = {f"{one.topic}.md#{slug_of(one.title, '-')}" for one in read_questions(PAGE.parent)}
    asked = {
        title: [link for link in re.findall(r"\]\(([^)]+)\)", parts["They may ask."]) if link in questions]
        for _, title, parts in steps_of(TEXT, script)
    }
    anchors = set(re.findall(r"\]\(((?!README|whiteboard)[a-z-]+\.md#[^)]+)\)", TEXT))

    assert [title for title, links in asked.items() if not links] == []
    assert anchors <= questions


def test_a_step_of_the_tour_that_it_links_to_is_one():
    steps = {slug_of(title, "-") for title in re.findall(r"^## (.+)$", (DOCS / "tour.md").read_text(), re.MULTILINE)}

    linked = set(re.findall(r"\(\.\./tour\.md#([^)]+)\)", TEXT))

    assert linked
    assert linked <= steps


@pytest.mark.parametrize("command", sorted(set(commands_of(TEXT))))
def test_its_commands_can_be_typed(command):
    assert problem_of(command) is None


def test_its_numbers_stand_where_they_point():
    assert wrong_quotes(PAGE, read_figures((DOCS / "figures.md").read_text())) == []
