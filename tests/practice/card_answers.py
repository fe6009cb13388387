"""Answers to incident cards that must not pass, and facts to grade them by where no card is dealt."""

import re
from dataclasses import replace
from datetime import date, timedelta

from infra.settings import Settings
from practice.cards.card import Answer, Card, Facts, expert_answer, filled
from practice.cards.records import OTHER
from practice.cards.vocabulary import CAUSES, MITIGATIONS, PREVENTIONS

PLAUSIBLE = {
    "batch": "weather-3c659c87d2e2",
    "run": "0f8a6c41d2b94e6c8a3de1b2c3d4e5f6",
    "sha": "9c41d7aa02be",
    "registered": "9c41d7aa02be" + "7" * 52,
    "key": "b41d7aa0",
    "file": "forest.onnx",
    "check": "log_loss",
    "version": "3",
    "before": "2",
    "other": "2",
    "right": "3",
    "wrong": "1",
    "now": "2",
    "ticket": "OPS-4711",
    "entry": "000028",
    "number": "28",
    "flight": "2013-02-27-UA1895-EWR",
    "variable": "PREFLIGHT_TREES",
    "value": "12",
    "word": "lost+found-7f3a1c",
    "week": "2013-02-11",
    "next": "2013-03-04",
    "last": "2013-02-25",
    "share": "41%",
    "share_fraction": "0.41",
    "rows": "9",
    "rule": "flight_id",
    "rules": "origins_seen exactly 3 airports",
} | {f"{name}_{n}": word for n in range(1, 9) for name, word in (("rule", "origins_seen"), ("found", "2"))}
"""Facts as small as they come: what is easiest to hit by listing."""

WEEKS = [str(date(2012, 12, 31) + timedelta(weeks=week)) for week in range(12)]
NAMES = [
    "registry",
    "alias",
    "event log",
    "ledger",
    "status",
    "labels",
    "validate",
    "erasure",
    "origins_seen",
    "flight_id",
]


def plausible_facts(card: Card) -> Facts:
    """Facts for all that texts of a card name."""
    return {name: PLAUSIBLE.get(name, f"the-{name}") for name in re.findall(r"{(\w+)}", repr(card))}


def guesses() -> list[str]:
    """Evidence of somebody who looked at nothing and lists what might be."""
    few, counted = range(13), [f"{number:06d}" for number in range(20, 40)]
    changed = [(f"PREFLIGHT_{name.upper()}", value) for name, value in OTHER.items()]
    return [
        " ".join(map(str, range(1, 13))),
        ". ".join(map(str, range(1, 13))),
        " ".join(map(str, [*NAMES, *WEEKS, *range(100), *changed, *counted, "not a database"])),
        "; ".join(f"{name} {number}" for name in NAMES for number in few),
        ". ".join(f"{name} {week}" for name in NAMES for week in WEEKS),
        "; ".join(f"the registry says {one}, the event log says {other}" for one in few[:6] for other in few[:6]),
        "; ".join(f"ledger entry {number}, no erasure, version {version}" for number in counted for version in few[:4]),
        "; ".join(f"ledger {number}, no erasure" for number in range(40)),
        "; ".join(f"labels {number} %, 0.{number:02d}" for number in range(100)),
        "; ".join(f"{variable} {value}" for variable, value in changed),
        "; ".join(f"PREFLIGHT_{name.upper()} {value}" for name in Settings.model_fields for value in few),
        "the registry is not a database: the model was trained long ago, the ledger and the event log do not agree",
    ]


def wrong_answers(card: Card, facts: Facts) -> list[Answer]:
    """Another cause, no evidence or a list of guesses, a mitigation that harms or does nothing; the rest is right."""
    expert, symptom = expert_answer(card, facts), filled(card.symptom, facts)
    cause, mitigation, prevention = (
        next(key for key in known if key not in (rubric.key, *rubric.nearly, *rubric.harmful))
        for known, rubric in ((CAUSES, card.cause), (MITIGATIONS, card.mitigation), (PREVENTIONS, card.prevention))
    )
    return [
        replace(expert, cause=cause),
        replace(expert, evidence=symptom),
        replace(expert, mitigation=mitigation),
        Answer(card.cause.key, symptom, mitigation, prevention),
        *(replace(expert, evidence=guess) for guess in guesses()),
        *(replace(expert, mitigation=harmful) for harmful in card.mitigation.harmful),
    ]
