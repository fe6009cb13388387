"""Incident cards: how answers are graded, how a card is dealt and taken, and that every card can be answered."""

import base64
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.settings import load_settings
from infra.storage import BusyError
from practice.cards.card import Answer, Card, Look, Mark, Rubric, expert_answer, grade
from practice.cards.deck import CARDS, LEVELS, draw, find_card
from practice.cards.evidence import Sign
from practice.cards.scratch import Scratch, read_environment, write_environment
from practice.cards.table import Dealt, NoCard, Table
from practice.cards.vocabulary import CAUSES, MITIGATIONS, PREVENTIONS
from practice.drills.ground import LIFE, Ground, Played
from preflight import card_table
from preflight.serving import ONE_SERVICE

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def break_bell(scratch: Scratch) -> dict[str, str]:
    """The bell of the tower is replaced by a word."""
    word = f"clapper-{scratch.random.randrange(100)}"
    (scratch.played.home / "bell").write_text(word)
    return {"word": word}


def rings(played: Played, facts: dict[str, str]) -> bool:
    """Whether the bell is what it was."""
    return (played.home / "bell").read_text() == "bell"


BELL = Card(
    name="bell",
    level=1,
    symptom="It does not ring.",
    break_it=break_bell,
    cause=Rubric("key-replaced", "there is {word} in it", {"event-lost": "nothing is lost"}),
    shown=(Sign(("{word}",)), Sign(("7", "no bell"))),
    evidence="I found {word}",
    mitigation=Rubric(
        "restore-backup", "the bell comes back", {"wait": "it is quiet anyway"}, {"loosen-rule": "it falls on {word}"}
    ),
    prevention=Rubric("second-copy", "a second bell"),
    path=(Look("cat {home}/bell", "{word}"),),
    mend=(),
    is_mended=rings,
)
FACTS = {"word": "clapper-3"}
RIGHT = Answer("key-replaced", "in the tower: Clapper-3!", "restore-backup", "second-copy")


@dataclass(frozen=True)
class Tower(Ground):
    """A ground of one file."""

    def prepare(self) -> None:
        """Build it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "bell").write_text("bell")


def table_with_tower(home: Path) -> Table:
    """A table beside a tower."""
    table = Table.of(home)
    Tower(table.ground.folder).prepare()
    return table


def dealt_bell(home: Path, seed: int = 1) -> Dealt:
    """The bell dealt on the table of a home."""
    return table_with_tower(home).deal(BELL, seed, lambda: NOON, set_up=lambda scratch: None)


@pytest.fixture
def with_bell(monkeypatch):
    """A deck of the bell alone."""
    monkeypatch.setattr(card_table, "find_card", lambda name: find_card(name, (BELL,)))


def test_the_answer_of_who_looked_gets_all_points_and_a_reason_for_each():
    graded = grade(BELL, FACTS, RIGHT)

    assert (graded.points, graded.passed) == (100, True)
    assert [(mark.part, mark.points, mark.of) for mark in graded.marks] == [
        ("cause", 40, 40),
        ("evidence", 30, 30),
        ("mitigation", 20, 20),
        ("prevention", 10, 10),
    ]
    assert graded.marks[0].reason == "there is clapper-3 in it"


@pytest.mark.parametrize(
    ("wrong", "points", "passed"),
    [
        ({"evidence": "I felt it"}, 70, False),
        ({"mitigation": "fresh-home"}, 80, False),
        ({"mitigation": "loosen-rule"}, 80, False),
        ({"mitigation": "wait", "prevention": "larger-model"}, 80, True),
        ({"prevention": "larger-model"}, 90, True),
    ],
    ids=str,
)
def test_it_takes_the_cause_what_shows_it_and_a_mitigation_that_helps(wrong, points, passed):
    graded = grade(BELL, FACTS, replace(RIGHT, **wrong))

    assert (graded.points, graded.passed) == (points, passed)


def test_a_mitigation_that_does_harm_says_how():
    graded = grade(BELL, FACTS, replace(RIGHT, mitigation="loosen-rule"))

    assert graded.missing == (
        Mark("mitigation", 0, 20, "loosen-rule does harm: it falls on clapper-3; better: restore-backup"),
    )


def test_a_wrong_cause_never_passes_however_good_the_rest_is():
    graded = grade(BELL, FACTS, Answer("event-lost", "clapper-3", "restore-backup", "second-copy"))

    assert (graded.points, graded.passed) == (80, False)
    assert graded.marks[0].reason == "nothing is lost; better: key-replaced"


def test_an_answer_that_is_wrong_in_all_parts_gets_nothing_and_is_told_what_was_right():
    graded = grade(BELL, FACTS, Answer("disk-full", "no idea", "loosen-rule", "larger-model"))

    assert (graded.points, graded.passed) == (0, False)
    assert "restore-backup" in graded.marks[2].reason


@pytest.mark.parametrize(
    ("said", "points"), [("7, and no bell", 30), ("17 and no bell", 0), ("7 bells", 0), ("no   bell, but 7.", 30)]
)
def test_evidence_of_several_words_needs_them_all_and_numbers_stand_alone(said, points):
    assert grade(BELL, FACTS, Answer("key-replaced", said, "wait", "second-copy")).marks[1].points == points


def test_the_same_seed_breaks_the_same(tmp_path):
    first, again = dealt_bell(tmp_path / "a", seed=5), dealt_bell(tmp_path / "b", seed=5)
    seeds = {dealt_bell(tmp_path / "c", seed=seed).facts["word"] for seed in range(9)}

    assert first.facts["word"] == again.facts["word"]
    assert len(seeds) > 1


def test_a_dealt_card_can_be_read_again_and_its_name_not_by_chance(tmp_path):
    dealt = dealt_bell(tmp_path)
    written = (tmp_path / "practice/card/dealt.json").read_text()

    assert Table.of(tmp_path).dealt() == dealt
    assert "bell" not in written
    assert "cheating" in json.loads(written)["note"]
    assert b"bell" in base64.b64decode(json.loads(written)["sealed"])


def test_the_ground_stays_whole_and_a_new_deal_begins_from_it(tmp_path):
    dealt_bell(tmp_path, seed=1)
    dealt_bell(tmp_path, seed=2)

    assert (tmp_path / "practice/ground/bell").read_text() == "bell"
    assert Table.of(tmp_path).dealt().seed == 2


def test_a_deal_that_is_interrupted_leaves_no_card(tmp_path):
    dealt_bell(tmp_path)

    with pytest.raises(KeyboardInterrupt):
        table_with_tower(tmp_path).deal(BELL, 2, lambda: NOON, set_up=_interrupted)

    with pytest.raises(NoCard, match="preflight card deal"):
        Table.of(tmp_path).dealt()


def _interrupted(scratch: Scratch) -> None:
    raise KeyboardInterrupt


def test_from_inside_of_the_broken_system_the_table_is_the_same(tmp_path):
    dealt_bell(tmp_path)

    assert Table.of(tmp_path / "practice/card/home") == Table.of(tmp_path)


def test_the_file_to_be_sourced_names_the_broken_home_and_its_settings_and_can_be_read_back(tmp_path):
    file, home = tmp_path / "env.sh", tmp_path / "a folder" / "home"
    write_environment(file, Played(home))

    assert read_environment(file).home == home
    assert read_environment(file).settings == Played(home).settings
    assert set(re.findall(r"^export PREFLIGHT_(\w+)=", file.read_text(), re.MULTILINE)) == {
        "HOME",
        *(name.upper() for name in LIFE),
    }


def test_an_answer_takes_the_card_and_keeps_the_score(tmp_path, with_bell, capsys):
    dealt = dealt_bell(tmp_path)
    settings = load_settings(home=tmp_path)

    said = expert_answer(BELL, dealt.facts)
    card_table.answer(settings, said.cause, said.evidence, said.mitigation, said.prevention, as_json=True)
    shown = json.loads(capsys.readouterr().out)

    assert (shown["passed"], shown["points"], shown["path"][0]["command"]) == (True, 100, "cat $PREFLIGHT_HOME/bell")
    assert [(score["card"], score["points"]) for score in Table.of(tmp_path).scores()] == [("bell", 100)]
    with pytest.raises(NoCard):
        card_table.give_up(settings, as_json=True)


WRONG = {"cause": "disk-full", "evidence": "I felt it", "mitigation": "loosen-rule", "prevention": "larger-model"}


@pytest.mark.parametrize(
    "wrong",
    [("cause",), ("evidence",), ("mitigation",), ("evidence", "mitigation", "prevention")],
    ids=" and ".join,
)
def test_an_answer_that_does_not_pass_is_graded_keeps_its_score_and_fails(tmp_path, with_bell, capsys, wrong):
    dealt = dealt_bell(tmp_path)
    said = asdict(expert_answer(BELL, dealt.facts)) | {part: WRONG[part] for part in wrong}

    with pytest.raises(card_table.NotPassed, match=f"expected 80 points.* a mitigation that helps, .*{wrong[0]}: "):
        card_table.answer(load_settings(home=tmp_path), **said, as_json=True)

    assert json.loads(capsys.readouterr().out)["passed"] is False
    assert [score["passed"] for score in Table.of(tmp_path).scores()] == [False]


@pytest.mark.parametrize("evidence", ["", "  \n"])
def test_an_answer_without_any_evidence_is_wrong_usage_and_the_card_stays(tmp_path, with_bell, evidence):
    dealt_bell(tmp_path)

    with pytest.raises(card_table.UsageError, match="--evidence"):
        card_table.answer(
            load_settings(home=tmp_path), "key-replaced", evidence, "restore-backup", "second-copy", as_json=True
        )

    assert Table.of(tmp_path).has_card()


@pytest.mark.parametrize("level", [0, 4])
def test_a_level_that_there_is_not_is_wrong_usage_that_says_what_was_given(tmp_path, level):
    with pytest.raises(card_table.UsageError, match=f"expected 1, 2, 3, got {level}"):
        card_table.deal(load_settings(home=tmp_path), level, 1, None, as_json=True)


def test_giving_up_shows_the_way_and_counts_as_played(tmp_path, with_bell, capsys):
    dealt = dealt_bell(tmp_path)

    card_table.give_up(load_settings(home=tmp_path), as_json=False)
    shown = capsys.readouterr().out

    assert dealt.facts["word"] in shown
    assert "given up" in shown
    assert Table.of(tmp_path).scores()[0]["points"] is None


def test_a_key_that_is_none_is_wrong_usage_and_the_card_stays(tmp_path, with_bell):
    dealt_bell(tmp_path)

    with pytest.raises(card_table.UsageError, match="--cause"):
        card_table.answer(load_settings(home=tmp_path), "gremlins", "x", "wait", "second-copy", as_json=True)

    assert Table.of(tmp_path).has_card()


def test_whether_the_system_is_well_is_asked_of_the_system(tmp_path, with_bell, capsys):
    dealt_bell(tmp_path)
    settings = load_settings(home=tmp_path)

    with pytest.raises(card_table.StillBroken):
        card_table.check(settings, as_json=True)
    shutil.copy(tmp_path / "practice/ground/bell", tmp_path / "practice/card/home/bell")
    card_table.check(settings, as_json=True)

    assert json.loads(capsys.readouterr().out)["mended"] is True


HOLD = """
import sys, time
from pathlib import Path
from infra.storage import Store
with Store(Path(sys.argv[1])).exclusively(sys.argv[2]):
    print("held", flush=True)
    time.sleep(120)
"""


@contextmanager
def serving(home: Path) -> Iterator[int]:
    """A process that holds a home as a service does; its number."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, home, ONE_SERVICE], stdout=subprocess.PIPE, text=True)
    with process:
        process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.kill()


def test_a_service_that_still_answers_is_named_by_its_process(tmp_path, monkeypatch):
    monkeypatch.setattr(card_table, "LEAVING_SECONDS", 0)
    dealt_bell(tmp_path)

    with (
        serving(tmp_path / "practice/card/home") as number,
        pytest.raises(BusyError, match=rf"still answers from .*/home: process {number}; end it"),
    ):
        card_table.deal(load_settings(home=tmp_path), 1, 1, None, as_json=True)


def test_where_no_process_can_be_looked_into_the_port_of_the_last_service_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(card_table, "LEAVING_SECONDS", 0)
    monkeypatch.setattr(card_table, "holders_of", lambda file: [])
    dealt_bell(tmp_path)
    (tmp_path / "practice/card/home/logs").mkdir()
    (tmp_path / "practice/card/home/logs/service-40123.log").touch()

    with serving(tmp_path / "practice/card/home"), pytest.raises(BusyError, match="/home: port 40123; end it"):
        card_table.deal(load_settings(home=tmp_path), 1, 1, None, as_json=True)


def test_the_list_names_levels_and_counts_and_no_card(tmp_path, capsys):
    card_table.list_cards(load_settings(home=tmp_path), as_json=False)
    shown = capsys.readouterr().out

    assert [card.name for card in CARDS if card.name in shown or card.cause.key in shown] == []
    assert f"{len(CARDS)} cards" in shown


def test_there_are_cards_on_every_level_and_a_seed_draws_the_same_one_again():
    assert {level: sum(card.level == level for card in CARDS) >= 4 for level in LEVELS} == dict.fromkeys(LEVELS, True)
    assert all(
        draw(level, seed).level == level and draw(level, seed) is draw(level, seed)
        for level in LEVELS
        for seed in range(5)
    )
    assert len({draw(None, seed).name for seed in range(200)}) == len(CARDS)


def test_names_and_vocabulary_are_large_enough_that_guessing_does_not_pay():
    assert len({card.name for card in CARDS}) == len(CARDS) >= 14
    assert len(CAUSES) >= 18
    assert min(len(MITIGATIONS), len(PREVENTIONS)) >= 12


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_every_key_of_a_card_is_one_that_a_player_can_choose(card):
    for rubric, known in ((card.cause, CAUSES), (card.mitigation, MITIGATIONS), (card.prevention, PREVENTIONS)):
        keys = [rubric.key, *rubric.nearly, *rubric.harmful]
        assert set(keys) <= set(known)
        assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_symptom_gives_away_neither_the_cause_nor_what_has_to_be_quoted(card):
    asked = {name for sign in card.shown for name in re.findall(r"{(\w+)}", repr(sign.words))}

    assert set(re.findall(r"{(\w+)}", card.symptom)).isdisjoint(asked)
    assert card.cause.key not in card.symptom
    assert card.cause.key.replace("-", " ") not in card.symptom


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_the_way_of_the_expert_is_short_and_begins_with_a_command_of_ours(card):
    assert 2 <= len(card.path) <= 5
    assert card.path[0].command.startswith("preflight ")
    assert card.mend
