"""How long an alarm has stood: weeks in a row in which its detector rang. Decides nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitoring.alarms import Alarm


@dataclass(frozen=True)
class Standing:
    """An alarm of the newest week, and for how many `weeks` in a row, that one included, its detector rang.

    The subject is the farthest out in the newest week: a fault that goes on may be worst elsewhere in another.
    """

    detector: str
    subject: str
    weeks: int
    reason: str
    is_provisional: bool = False


def standing_alarms(weeks: Sequence[Sequence[Alarm]]) -> tuple[Standing, ...]:
    """The alarms of the last of `weeks`, which are in order and without a gap, in the order they were raised.

    A week in which an alarm was provisional neither counts nor ends the row: nobody knows yet.
    """
    if not weeks:
        return ()
    return tuple(
        Standing(alarm.detector, alarm.subject, _in_a_row(alarm, weeks), alarm.reason, alarm.is_provisional)
        for alarm in weeks[-1]
    )


def _in_a_row(alarm: Alarm, weeks: Sequence[Sequence[Alarm]]) -> int:
    number = 0
    for raised in reversed(weeks):
        same = [other for other in raised if other.detector == alarm.detector]
        if not same:
            break
        number += not same[0].is_provisional
    return number
