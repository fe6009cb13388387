"""How long an alarm has stood: in a row, by detector, provisional weeks left out."""

from monitoring.alarms import Alarm
from monitoring.persistence import Standing, standing_alarms


def alarm(detector: str = "quality", subject: str = "log_loss", is_provisional: bool = False) -> Alarm:
    """An alarm of some week."""
    return Alarm(detector, subject, "2013-07-01", 0.5, 0.4, "out of its band", is_provisional)


def weeks_of(*weeks: list[Alarm]) -> list[int]:
    """How long each alarm of the last week has stood."""
    return [standing.weeks for standing in standing_alarms(weeks)]


def test_an_alarm_of_one_week_has_stood_for_one():
    assert standing_alarms([[], [alarm()]]) == (Standing("quality", "log_loss", 1, "out of its band"),)


def test_weeks_in_a_row_are_counted_back_to_the_last_calm_one():
    assert weeks_of([alarm()], [], [alarm()], [alarm()]) == [2]


def test_a_fault_whose_farthest_subject_changes_goes_on():
    assert weeks_of([alarm(subject="B6")], [alarm(subject="AA")], [alarm(subject="B6")]) == [3]


def test_another_detector_is_another_row():
    assert weeks_of([alarm("slices")], [alarm(), alarm("slices")]) == [1, 2]


def test_what_was_raised_before_and_is_calm_now_does_not_stand():
    assert weeks_of([alarm()], []) == []


def test_a_provisional_week_neither_counts_nor_ends_the_row():
    assert weeks_of([alarm()], [alarm(is_provisional=True)], [alarm()]) == [2]


def test_a_provisional_alarm_says_so():
    (standing,) = standing_alarms([[alarm(is_provisional=True)]])

    assert standing.is_provisional


def test_without_weeks_nothing_stands():
    assert standing_alarms([]) == ()
