"""What an incident card is, and how an answer to it is graded: pure functions, the system is not asked."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from practice.cards.scratch import Scratch
from practice.drills.ground import Played

Facts = Mapping[str, str]
"""What was computed when the card was dealt, by name: the batch, the version, the week."""

POINTS = {"cause": 40, "evidence": 30, "mitigation": 20, "prevention": 10}
NEEDED = 70
"""Points of a hundred that pass, cause and evidence among them: to be right by luck is not enough."""


@dataclass(frozen=True)
class Look:
    """A command of the expert's, and what to see in what it says. Both may name facts: `{batch}`."""

    command: str
    see: str


@dataclass(frozen=True)
class Rubric:
    """The key that is right and why; `nearly` are keys that are half right, each with what is missing."""

    key: str
    why: str
    nearly: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Card:
    """An incident. `break_it` breaks the scratch system and returns the facts that all texts of the card may name.

    `shown` are groups of words: whoever quotes all words of one group has looked. `mend` are the commands that carry
    out the mitigation, and `is_mended` says whether the system is well again.
    """

    name: str
    level: int
    symptom: str
    break_it: Callable[[Scratch], dict[str, str]]
    cause: Rubric
    shown: tuple[tuple[str, ...], ...]
    evidence: str
    mitigation: Rubric
    prevention: Rubric
    path: tuple[Look, ...]
    mend: tuple[str, ...]
    is_mended: Callable[[Played, Facts], bool]


@dataclass(frozen=True)
class Answer:
    """What a player says: three keys of the vocabulary, and what was seen, in words of their own."""

    cause: str
    evidence: str
    mitigation: str
    prevention: str


@dataclass(frozen=True)
class Mark:
    """The points of one part of an answer, and why."""

    part: str
    points: int
    of: int
    reason: str


@dataclass(frozen=True)
class Graded:
    """All marks of an answer."""

    marks: tuple[Mark, ...]

    @property
    def points(self) -> int:
        """Points of a hundred."""
        return sum(mark.points for mark in self.marks)

    @property
    def passed(self) -> bool:
        """Whether the cause is right, something shows that it is, and enough of the rest is right."""
        cause, evidence, *_ = self.marks
        return self.points >= NEEDED and cause.points == cause.of and evidence.points == evidence.of


def grade(card: Card, facts: Facts, answer: Answer) -> Graded:
    """The marks of an answer, cause first."""
    return Graded(
        (
            _choice("cause", card.cause, facts, answer.cause),
            _evidence(card, facts, answer.evidence),
            _choice("mitigation", card.mitigation, facts, answer.mitigation),
            _choice("prevention", card.prevention, facts, answer.prevention),
        )
    )


def expert_answer(card: Card, facts: Facts) -> Answer:
    """What the expert says."""
    return Answer(card.cause.key, filled(card.evidence, facts), card.mitigation.key, card.prevention.key)


def filled(text: str, facts: Facts) -> str:
    """A text of a card with the facts of this dealing in it."""
    return text.format_map(facts)


def quotes(text: str, word: str) -> bool:
    """Whether a text quotes a word or a few, in whatever case and however its lines are broken.

    A number has to stand alone; anything else has to begin where a word does.

    >>> quotes("the registry says version 13", "3"), quotes("the registry says version 3.", "3")
    (False, True)
    >>> quotes("at least 0.3, got 0", "3"), quotes("at least 0.3", "0")
    (False, False)
    >>> quotes("SHA-256 ab12cd34ef56..., expected", "AB12CD34")
    True
    """
    begin, end = (r"(?<![\w.])", r"(?![\w]|\.\d)") if word.isdigit() else (r"(?<!\w)", "")
    parts = r"\s+".join(map(re.escape, word.split()))
    return re.search(rf"{begin}{parts}{end}", text, re.IGNORECASE) is not None


def _choice(part: str, rubric: Rubric, facts: Facts, said: str) -> Mark:
    of = POINTS[part]
    if said == rubric.key:
        return Mark(part, of, of, filled(rubric.why, facts))
    if said in rubric.nearly:
        return Mark(part, of // 2, of, f"{filled(rubric.nearly[said], facts)}; better: {rubric.key}")
    return Mark(part, 0, of, f"not {said} but {rubric.key}: {filled(rubric.why, facts)}")


def _evidence(card: Card, facts: Facts, said: str) -> Mark:
    of = POINTS["evidence"]
    groups = [[filled(word, facts) for word in group] for group in card.shown]
    found = next((group for group in groups if all(quotes(said, word) for word in group)), None)
    if found:
        return Mark("evidence", of, of, f"it quotes {' and '.join(found)}, which only who looked can know")
    wanted = " or ".join(dict.fromkeys(" with ".join(group) for group in groups))
    return Mark("evidence", 0, of, f"it has to quote what was seen here: {wanted}")
