"""Which changed packages break a command: the smallest set of them, found by halving what two locks differ in.

The rule alone: it asks an oracle and knows neither packages nor processes (`infra/newest.py` does).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

Breaks = Callable[[frozenset[str]], bool]
"""Whether the command breaks when just these changes are taken, and all others left."""


class Answer(StrEnum):
    """How a search ended."""

    FOUND = "found"
    NONE = "none"
    BROKEN_BEFORE = "broken before"
    FLAKY = "flaky"


@dataclass(frozen=True)
class Culprit:
    """How a search ended, why, and the smallest set that breaks; empty unless it was found."""

    answer: Answer
    reason: str
    changes: tuple[str, ...] = ()


def find_culprit(changes: Sequence[str], breaks: Breaks) -> Culprit:
    """The smallest set of changes that breaks, in about log2(changes) questions for each of them.

    Smallest means that it breaks again when it is asked again, and does not when any one of it is left. An
    oracle that contradicts itself is called flaky, and nobody is accused.

    >>> find_culprit(["a", "b", "c"], lambda taken: {"a", "c"} <= taken).changes
    ('a', 'c')
    """
    everything = frozenset(changes)
    if not breaks(everything):
        return Culprit(Answer.NONE, f"nothing breaks with all {len(changes)} changes")
    if breaks(frozenset()):
        return Culprit(Answer.BROKEN_BEFORE, "it breaks with none of the changes; mend that first")
    if not breaks(everything):
        return Culprit(Answer.FLAKY, f"with all {len(changes)} changes it broke once and not again")
    return _confirmed(smallest_breaking(changes, breaks), breaks)


def smallest_breaking(changes: Sequence[str], breaks: Breaks) -> list[str]:
    """The changes of which all are needed to break, given that all together do and none does not.

    Each round halves its way to the shortest beginning of `changes` that breaks beside what is known to be
    needed; its last change is needed too.
    """
    needed: list[str] = []
    rest = list(changes)
    while rest and not (needed and breaks(frozenset(needed))):
        holds, broken = 0, len(rest)
        while broken - holds > 1:
            middle = (holds + broken) // 2
            if breaks(frozenset(needed + rest[:middle])):
                broken = middle
            else:
                holds = middle
        needed.append(rest[broken - 1])
        rest = rest[: broken - 1]
    return sorted(needed)


def _confirmed(found: Sequence[str], breaks: Breaks) -> Culprit:
    if not breaks(frozenset(found)):
        return Culprit(Answer.FLAKY, f"{', '.join(found)} broke it once and not again")
    for each in found:
        if breaks(frozenset(found) - {each}):
            return Culprit(Answer.FLAKY, f"{', '.join(found)} were needed at first, later it broke without {each}")
    return Culprit(Answer.FOUND, "it breaks with these again, and with each one of them left it does not", tuple(found))
