"""`card deal`, `answer`, `give-up`, `check`, `keys` and `list`: incidents to practise on, told in a terminal."""

import secrets
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from infra.errors import PreflightError, UsageError
from infra.local_process import holders_of
from infra.settings import Settings
from infra.storage import LOCK, BusyError, Store
from practice.cards.card import NEEDED, Answer, Card, Graded, filled, grade
from practice.cards.deck import CARDS, LEVELS, draw, find_card
from practice.cards.table import HOME, Dealt, Table
from practice.cards.vocabulary import CAUSES, MITIGATIONS, PREVENTIONS
from preflight import show
from preflight.serving import ONE_SERVICE

KEYS = {"cause": CAUSES, "mitigation": MITIGATIONS, "prevention": PREVENTIONS}
SEEDS = 10_000
LEAVING_SECONDS = 3
"""For a service whose deal was killed: its leash is about to end it."""
ANSWER = 'preflight card answer --cause KEY --evidence "WHAT YOU SAW" --mitigation KEY --prevention KEY'


class StillBroken(PreflightError):  # noqa: N818
    """The system of the card is not well yet."""


class NotPassed(PreflightError):  # noqa: N818
    """An answer was graded, and is not enough."""


def deal(settings: Settings, level: int | None, seed: int | None, name: str | None, as_json: bool) -> None:
    """Deal a card.

    Raises UsageError for a level or name that is none, BusyError while somebody deals or the old one serves.
    """
    if level is not None and level not in LEVELS:
        raise UsageError(f"--level: expected {', '.join(map(str, LEVELS))}, got {level}; without it any is dealt")
    table, seed = Table.of(settings.home), secrets.randbelow(SEEDS) if seed is None else seed
    card = _named(name) if name else draw(level, seed)
    with Store(table.folder).exclusively():
        replaced = table.has_card()
        _require_silence(table)
        if not as_json:
            sys.stderr.write("a system is prepared and broken: a minute, the first time some minutes more\n")
        table.ground.prepare()
        dealt = table.deal(card, seed, _now)
    symptom = filled(card.symptom, dealt.facts)
    if not as_json:
        if replaced:
            show.tell("The card that lay here is gone: one at a time.\n")
        _print_card(card, symptom, table)
    outcome = f"a card of level {card.level} is dealt by seed {seed}; the clock runs"
    document = {
        "level": card.level,
        "seed": seed,
        "symptom": symptom,
        "environment": str(table.environment),
        "replaced": replaced,
    }
    show.finish(outcome, document, as_json)


def answer(settings: Settings, cause: str, evidence: str, mitigation: str, prevention: str, as_json: bool) -> None:
    """Grade an answer and take the card. Raises NotPassed, NoCard, and UsageError for a key that is none."""
    said = Answer(cause, evidence, mitigation, prevention)
    for part, known in KEYS.items():
        if getattr(said, part) not in known:
            raise UsageError(f"--{part}: expected a key of `preflight card keys`, got {getattr(said, part)!r}")
    if not evidence.strip():
        raise UsageError(f"--evidence: expected what you saw, in your words, got {evidence!r}; the card stays dealt")
    table = Table.of(settings.home)
    dealt = table.dealt()
    card, minutes = _named(dealt.card), _minutes(dealt)
    graded = grade(card, dealt.facts, said)
    scores = table.end(_score(card, dealt, minutes, graded))
    if not as_json:
        rows = [(mark.part, f"{mark.points} of {mark.of}", mark.reason) for mark in graded.marks]
        show.table(f"Your answer to {card.name}", {"part": "left", "points": "right", "because": "left"}, rows)
        _print_path(card, dealt)
    verdict = "passed" if graded.passed else "failed"
    outcome = f"{verdict} with {graded.points} of 100 points after {minutes:.0f} minutes; {_record(scores)}"
    document = {
        "card": card.name,
        "passed": graded.passed,
        "points": graded.points,
        "minutes": minutes,
        "marks": [asdict(mark) for mark in graded.marks],
        "path": _path(card, dealt),
    }
    show.finish(outcome, document, as_json)
    if not graded.passed:
        missing = "; ".join(f"{mark.part}: {mark.reason}" for mark in graded.missing)
        raise NotPassed(
            f"expected {NEEDED} points, among them the cause, what shows it and a mitigation that helps, got "
            f"{graded.points} points ({missing}); again: preflight card deal --name {card.name}"
        )


def give_up(settings: Settings, as_json: bool) -> None:
    """Show the path and take the card. Raises NoCard."""
    table = Table.of(settings.home)
    dealt = table.dealt()
    card, minutes = _named(dealt.card), _minutes(dealt)
    table.end(_score(card, dealt, minutes, None))
    if not as_json:
        show.tell(f"It was {card.name}: {card.cause.key}, {filled(card.cause.why, dealt.facts)}.\n")
        _print_path(card, dealt)
    outcome = f"given up after {minutes:.0f} minutes; again: preflight card deal --name {card.name}"
    show.finish(
        outcome, {"card": card.name, "cause": card.cause.key, "minutes": minutes, "path": _path(card, dealt)}, as_json
    )


def check(settings: Settings, as_json: bool) -> None:
    """Say whether the system is well. Raises NoCard, StillBroken."""
    table = Table.of(settings.home)
    dealt = table.dealt()
    if not _named(dealt.card).is_mended(table.played, dealt.facts):
        raise StillBroken("the system is not well yet; look on, or: preflight card give-up")
    show.finish(f"the system is well again; now say what it was: {ANSWER}", {"mended": True}, as_json)


def keys(as_json: bool) -> None:
    """Print the vocabulary."""
    if not as_json:
        for part, known in KEYS.items():
            show.table(f"--{part}", {"key": "left", "what it says": "left"}, list(known.items()))
    counts = ", ".join(f"{len(known)} of {part}" for part, known in KEYS.items())
    show.finish(f"keys: {counts}", dict(KEYS), as_json)


def list_cards(settings: Settings, as_json: bool) -> None:
    """Print the levels and the scores."""
    table = Table.of(settings.home)
    counts = {level: sum(card.level == level for card in CARDS) for level in LEVELS}
    scores = table.scores()
    if not as_json:
        rows = [(level, counts[level], words) for level, words in LEVELS.items()]
        show.table("Incident cards", {"level": "right", "cards": "right", "how hard": "left"}, rows)
        if scores:
            heads = {"card": "left", "level": "right", "points": "right", "minutes": "right"}
            show.table("What you have played", heads, [_score_row(score) for score in scores])
    outcome = f"{len(CARDS)} cards on {len(LEVELS)} levels; deal one: preflight card deal --level 1"
    show.finish(outcome, {"cards": {str(level): count for level, count in counts.items()}, "scores": scores}, as_json)


def _named(name: str) -> Card:
    card = find_card(name)
    if card is None:
        raise UsageError(f"there is no card {name!r}; a card says its name when it is over; see: preflight card list")
    return card


def _require_silence(table: Table) -> None:
    """A service that still answers from the old system would go on in the new one."""
    if not (table.folder / HOME).exists():
        return
    try:
        with Store(table.folder / HOME).exclusively(ONE_SERVICE, LEAVING_SECONDS):
            return
    except BusyError as error:
        holders = holders_of(table.folder / HOME / ONE_SERVICE / LOCK)
        who = f"process {' and '.join(map(str, holders))}" if holders else _last_port(table.folder / HOME)
        raise BusyError(
            f"a service still answers from {table.folder / HOME}: {who}; end it, then deal again"
        ) from error


def _last_port(home: Path) -> str:
    """The port of the service that wrote to its log last, in words, where processes of others cannot be looked into."""
    logs = sorted((home / "logs").glob("service-*.log"), key=lambda log: log.stat().st_mtime)
    return f"port {logs[-1].stem.removeprefix('service-')}" if logs else "another user's process"


def _print_card(card: Card, symptom: str, table: Table) -> None:
    show.tell(f"{symptom}\n")
    rows = [
        ("the system, from this shell on", f". {table.environment}"),
        ("last night's backup", str(table.folder / "backup" / "last-night.tar")),
        ("what senders export when asked", str(table.folder / "sender")),
        ("keys to answer with", "preflight card keys"),
        ("is it well again?", "preflight card check"),
        ("your answer", ANSWER),
    ]
    show.table(f"Level {card.level}: {LEVELS[card.level]}", {"what": "left", "how": "left"}, rows)
    show.tell("All ordinary commands may be used. To look into dealt.json is cheating.")


def _print_path(card: Card, dealt: Dealt) -> None:
    rows = [(one["command"], one["see"]) for one in _path(card, dealt)]
    show.table("The way of an expert", {"command": "left", "what to see": "left"}, rows)
    mend = [_told(command, dealt) for command in card.mend]
    show.table("And mended by", {"command": "left"}, [(command,) for command in mend])


def _path(card: Card, dealt: Dealt) -> list[dict[str, str]]:
    return [{"command": _told(look.command, dealt), "see": filled(look.see, dealt.facts)} for look in card.path]


def _told(command: str, dealt: Dealt) -> str:
    """A command as one types it in a shell that acts on the card's system."""
    return filled(command, dealt.facts | {"home": "$PREFLIGHT_HOME"})


def _score(card: Card, dealt: Dealt, minutes: float, graded: Graded | None) -> dict:
    return {
        "card": card.name,
        "level": card.level,
        "seed": dealt.seed,
        "points": graded.points if graded else None,
        "passed": graded.passed if graded else False,
        "minutes": round(minutes, 1),
        "at": _now().isoformat("T", "seconds"),
    }


def _score_row(score: dict) -> tuple:
    points = "given up" if score["points"] is None else str(score["points"])
    return (score["card"], str(score["level"]), points, f"{score['minutes']:.0f}")


def _record(scores: list[dict]) -> str:
    return f"{sum(score['passed'] for score in scores)} of {len(scores)} cards passed so far"


def _minutes(dealt: Dealt) -> float:
    return (_now() - dealt.at).total_seconds() / 60


def _now() -> datetime:
    return datetime.now(UTC)
