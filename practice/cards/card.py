"""What an incident card is, and how an answer to it is graded: pure functions, the system is not asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from practice.cards.evidence import Sign, judge
from practice.cards.scratch import Scratch
from practice.drills.ground import Played

Facts = Mapping[str, str]
"""What was computed when the card was dealt, by name: the batch, the version, the week."""

POINTS = {"cause": 40, "evidence": 30, "mitigation": 20, "prevention": 10}
NEEDED = 80
"""Points of a hundred that pass: the cause, what shows it, and half of the mitigation are as many."""


@dataclass(frozen=True)
class Look:
    """A command of the expert's, and what to see in what it says. Both may name facts: `{batch}`."""

    command: str
    see: str


@dataclass(frozen=True)
class Rubric:
    """The key that is right and why.

    `nearly` are keys that are half right, each with what is missing; `harmful` are mitigations that leave the system
    broken or make it worse, each with how.
    """

    key: str
    why: str
    nearly: Mapping[str, str] = field(default_factory=dict)
    harmful: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Card:
    """An incident. `break_it` breaks the scratch system and returns the facts that all texts of the card may name.

    `shown` are signs of which one is enough: whoever says it has looked. `mend` are the commands that carry out the
    mitigation, and `is_mended` says whether the system is well again.
    """

    name: str
    level: int
    symptom: str
    break_it: Callable[[Scratch], dict[str, str]]
    cause: Rubric
    shown: tuple[Sign, ...]
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
        """Whether the cause is right, something shows that it is, and the mitigation helps."""
        return self.points >= NEEDED and not self.missing

    @property
    def missing(self) -> tuple[Mark, ...]:
        """What keeps an answer from passing: cause or evidence not right, a mitigation that does not help."""
        cause, evidence, mitigation, _ = self.marks
        unproven = [mark for mark in (cause, evidence) if mark.points < mark.of]
        return (*unproven, *([] if mitigation.points else [mitigation]))


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


def _choice(part: str, rubric: Rubric, facts: Facts, said: str) -> Mark:
    of = POINTS[part]
    if said == rubric.key:
        return Mark(part, of, of, filled(rubric.why, facts))
    if said in rubric.nearly:
        return Mark(part, of // 2, of, f"{filled(rubric.nearly[said], facts)}; better: {rubric.key}")
    if said in rubric.harmful:
        return Mark(part, 0, of, f"{said} does harm: {filled(rubric.harmful[said], facts)}; better: {rubric.key}")
    return Mark(part, 0, of, f"not {said} but {rubric.key}: {filled(rubric.why, facts)}")


def _evidence(card: Card, facts: Facts, said: str) -> Mark:
    of = POINTS["evidence"]
    judged = judge(said, [sign.filled(facts) for sign in card.shown])
    return Mark("evidence", of if judged.shows else 0, of, judged.reason)
