"""Every incident card dealt, looked into and mended as its expert does; half an hour of `make test-drills`."""

import os
import shlex
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from card_answers import wrong_answers

from infra.network import free_port
from practice.cards.card import Card, Facts, expert_answer, filled, grade
from practice.cards.deck import CARDS
from practice.cards.evidence import holds
from practice.cards.table import Table
from practice.drills.ground import Played

pytestmark = pytest.mark.drills

SEED = 7


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Table:
    """A table beside a ground; `CARDS_FOLDER` names a folder to keep both in, so that the ground is lived once."""
    kept = os.environ.get("CARDS_FOLDER")
    table = Table.of(Path(kept) if kept else tmp_path_factory.mktemp("cards"))
    table.ground.prepare()
    return table


@pytest.fixture(params=CARDS, ids=lambda card: card.name)
def card(request) -> Card:
    """A card."""
    return request.param


def test_the_expert_finds_it_mends_it_and_gets_full_marks(table, card, monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")  # no name is broken into two lines

    dealt = table.deal(card, SEED, lambda: datetime.now(UTC))
    said = "\n".join(typed(table.played, look.command, dealt.facts) for look in card.path)
    seen = [sign for sign in card.shown if holds(said, sign.filled(dealt.facts))]
    broken = card.is_mended(table.played, dealt.facts)
    told = [typed(table.played, command, dealt.facts) for command in card.mend]
    mended = card.is_mended(table.played, dealt.facts)
    graded = grade(card, dealt.facts, expert_answer(card, dealt.facts))
    wrong = [grade(card, dealt.facts, answer) for answer in wrong_answers(card, dealt.facts)]

    assert seen, f"none of {card.shown} with {dealt.facts} in:\n{said}"
    assert (broken, mended) == (False, True), told
    assert (graded.points, graded.passed) == (100, True), graded
    assert [one.passed for one in wrong] == [False] * len(wrong), wrong


def typed(played: Played, command: str, facts: Facts) -> str:
    """What a command says, typed in a shell that acts on the broken system."""
    words = shlex.split(filled(command, facts))
    if words[0] == "preflight":
        ended = played.run(*words[1:], port=free_port())
    else:
        assert shutil.which(words[0]), command
        ended = subprocess.run(words, env=played.environment(), capture_output=True, text=True, check=False)
    return f"$ {' '.join(words)}\n{ended.stdout}{ended.stderr}"
