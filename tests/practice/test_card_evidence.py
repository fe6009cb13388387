"""What incident cards accept: who looked passes by one line, who lists or harms does not, on every card."""

from dataclasses import replace

import pytest
from card_answers import PLAUSIBLE, guesses, plausible_facts, wrong_answers

from practice.cards.card import Answer, Card, expert_answer, grade
from practice.cards.deck import CARDS, find_card
from practice.cards.evidence import Sign, judge
from practice.cards.feeds import what_was_found

every_card = pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)

TOWER = [
    {
        "rule": "rows_per_day between 60 and 75 rows",
        "severity": "warn",
        "observed": "47.57",
        "failed": 1,
        "value": 47.6,
    },
    {"rule": "origins_seen exactly 3 airports", "severity": "block", "observed": "2", "failed": 1, "value": 2.0},
    {"rule": "calm_agrees is true", "severity": "quarantine", "observed": "9 rows", "failed": 9, "value": None},
]


@pytest.mark.parametrize(
    ("said", "points"),
    [
        ("origins_seen exactly 3, got 2", 30),
        ("rows_per_day is 47.57", 30),
        ("calm_agrees is broken by 9 rows", 30),
        ("weather-3c659c87d2e2 is blocked", 30),
        ("origins_seen exactly 3", 0),
        ("an airport is missing, 2 are left", 0),
        ("rows_per_day: 60 to 75", 0),
    ],
)
def test_who_quotes_a_broken_rule_and_what_was_found_has_looked(said, points):
    card, facts = find_card("silent-tower"), {"batch": "weather-3c659c87d2e2", **what_was_found(TOWER)}

    assert grade_evidence(card, facts, said) == points


def grade_evidence(card: Card, facts: dict[str, str], said: str) -> int:
    """The points of an answer whose evidence alone is right, if it is."""
    wide = dict.fromkeys(("home", "next", "rules", "feed"), "-") | facts
    return grade(card, wide, Answer("disk-full", said, "wait", "larger-model")).marks[1].points


@every_card
def test_the_answer_of_the_expert_passes_with_facts_that_are_small(card):
    facts = plausible_facts(card)

    assert grade(card, facts, expert_answer(card, facts)).points == 100


@every_card
def test_no_card_is_passed_by_who_lists_what_might_be(card):
    facts = plausible_facts(card)
    expert = expert_answer(card, facts)

    passed = [guess for guess in guesses() if grade(card, facts, replace(expert, evidence=guess)).passed]

    assert passed == []


@every_card
def test_no_card_is_passed_by_a_mitigation_that_harms_and_each_names_some(card):
    facts = plausible_facts(card)
    expert = expert_answer(card, facts)

    graded = {key: grade(card, facts, replace(expert, mitigation=key)) for key in card.mitigation.harmful}

    assert graded
    assert [key for key, one in graded.items() if one.passed or f"{key} does harm: " not in one.marks[2].reason] == []


@every_card
def test_no_card_is_passed_by_an_answer_that_is_wrong_where_it_counts(card):
    facts = plausible_facts(card)

    assert [one for one in wrong_answers(card, facts) if grade(card, facts, one).passed] == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("two-kings", "preflight: the registry says that version 1 is champion, the event log says version 3; restore "
         "/var/home/mlflow, or set PREFLIGHT_HOME to a fresh folder"),
        ("two-kings", "The registry has 1 as champion. By the log it is 3."),
        ("two-kings", "status: version 3; the alias is at version 1"),
        ("since-the-deployment", "PREFLIGHT_TREES=12"),
        ("since-the-deployment", "preflight: /var/home holds a life with PREFLIGHT_TREES 10 (now 12); set it back, or "
         "set PREFLIGHT_HOME to a fresh folder for another life"),
        ("a-hole-in-time", "schedule of 1 of the 9 weeks up to 2013-02-25 is not there yet, the first is 2013-02-11; "
         "run: preflight ingest 2013-02-11, then preflight validate 2013-02-11"),
        ("a-hole-in-time", "validate of 2013-02-11 is gone"),
        ("half-the-truth", "labels known: 41 %, provisional"),
        ("half-the-truth", "coverage 0.41 where 0.80 is needed"),
        ("who-did-that", "ledger entry 000028 switches to 2"),
        ("who-did-that", "OPS-4711"),
        ("the-dead-return", "the ledger ends with 28. No entry is an erasure."),
        ("after-the-repair", "lost+found-7f3a1c"),
        ("after-the-repair", "the registry at /var/mlflow/mlflow.db cannot be read: file is not a database"),
        ("half-the-truth", "last decision      2013-03-04, wait, labels of 41% of the flights, needed 90%"),
        ("echo", "9 rows broke flight_id"),
        ("one-bit", "9c41d7aa02be77777777777777777777"),
        ("yesterdays-news", "37 of 900 flights differ, the most is 2013-02-27-UA1895-EWR: 0.31 online, 0.12 in batch"),
    ],
)  # fmt: skip
def test_who_copies_the_line_that_decides_or_types_its_number_with_its_name_has_looked(name, said):
    card = find_card(name)

    mark = grade(card, plausible_facts(card), Answer("disk-full", said, "wait", "larger-model")).marks[1]

    assert mark.points == 30, mark.reason


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("origins_seen got 2, 3, 4 or 5", "lists 4 numbers where 1 would do"),
        ("origins_seen got 2; origins_seen got 3; origins_seen got 4; origins_seen got 5", "lists 4 numbers"),
        ("origins_seen is broken. Nothing else. It is 2", "in one statement"),
        ("2", "has to quote what was seen here"),
        ("origins_seen got 1-2-3", "has to quote what was seen here"),
    ],
)
def test_evidence_that_lists_or_falls_apart_is_refused_with_the_reason(said, why):
    judged = judge(said, [Sign(("origins_seen", "2"))])

    assert (judged.shows, why in judged.reason) == (False, True), judged.reason


def test_days_settings_and_names_are_not_to_be_listed_either():
    week, variable, batch = PLAUSIBLE["week"], PLAUSIBLE["variable"], PLAUSIBLE["batch"]

    listed = {
        f"{week} 2013-03-04 2013-01-14": Sign((week,), known=("2013-03-04",)),
        f"{week}-1.json journal 2013-01-14-1.json": Sign((week,)),
        f"{variable} PREFLIGHT_HOME PREFLIGHT_PORT": Sign((variable,)),
        " ".join([batch, *(f"weather-{n:012x}" for n in range(12))]): Sign((batch,)),
    }

    assert [said for said, sign in listed.items() if judge(said, [sign]).shows] == []
    assert all(judge(" ".join(said.split()[:2]), [sign]).shows for said, sign in listed.items())


def test_a_fact_that_was_not_found_is_quoted_by_nobody():
    assert not judge("anything", [Sign(("",))]).shows
