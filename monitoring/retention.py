"""Which Evidently reports are kept: each is 4 MB, and their numbers stay in the event log and in tables of our own."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Dropped:
    """The report of a week that goes, with the reason."""

    week: str
    reason: str


def choose_dropped(weeks: Sequence[str], kept: int) -> tuple[Dropped, ...]:
    """The reports that go so that the newest `kept` stay, the oldest first.

    >>> choose_dropped(["2013-04-29", "2013-05-27"], 1)[0].reason
    'older than the 1 newest that are kept'
    """
    older = sorted(weeks)[: max(len(weeks) - kept, 0)]
    return tuple(Dropped(week, f"older than the {kept} newest that are kept") for week in older)
