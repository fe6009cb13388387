"""The questions of `docs/interview/`: whole, over all levels, quoting what was measured, naming commands that are."""

import re
from collections import Counter
from pathlib import Path

import pytest
from typed_commands import problem_of

from infra.errors import UsageError
from infra.settings import load_settings
from practice.figures import read_figures, wrong_quotes
from practice.questions import LEAST_WORDS, LEVELS, MOST_WORDS, NOT_TOPICS, read_questions
from preflight.practice import interview

DOCS = Path(__file__).resolve().parents[2] / "docs"
FOLDER = DOCS / "interview"
PAGES = [path for path in FOLDER.glob("*.md") if path.name not in NOT_TOPICS]
QUESTIONS = read_questions(FOLDER)
FIGURES = read_figures((DOCS / "figures.md").read_text())


def named(question) -> str:
    return f"{question.topic}-{re.sub(r'[^a-z0-9]+', '-', question.title.lower())[:50]}"


def test_there_are_as_many_as_promised_over_all_levels():
    levels = Counter(question.level for question in QUESTIONS)

    assert len(QUESTIONS) >= 120
    assert min(levels[level] for level in LEVELS) >= 25


def test_no_two_questions_are_the_same():
    assert len({question.title for question in QUESTIONS}) == len(QUESTIONS)


@pytest.mark.parametrize("question", QUESTIONS, ids=named)
def test_a_question_is_answered_in_two_minutes_with_options_file_and_command(question):
    words = len(question.parts["Two minutes."].split())
    widths = {len(row) for row in question.options}

    assert LEAST_WORDS <= words <= MOST_WORDS
    assert (len(question.options) >= 2, widths) == (True, {4})
    assert [link for link in question.files if not (FOLDER / link).exists()] == []
    assert question.files
    assert question.commands
    assert {command: problem for command in question.commands if (problem := problem_of(command))} == {}


@pytest.mark.parametrize(
    "page", [path for path in FOLDER.glob("*.md") if path.name not in NOT_TOPICS], ids=lambda p: p.stem
)
def test_every_number_that_a_page_quotes_stands_where_it_points(page):
    assert wrong_quotes(page, FIGURES) == []


@pytest.mark.parametrize("page", ["whiteboard", "walkthrough"])
def test_a_page_that_is_read_and_not_asked_is_refused_as_a_topic_saying_where_it_is(tmp_path, page):
    with pytest.raises(UsageError, match=rf"docs/interview/{page}\.md, and none of questions that are asked"):
        interview(load_settings(home=tmp_path), page, None, 1, 1, True, True)
