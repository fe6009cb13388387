"""Alarms against the truth: worse weeks are told by their intervals, records count, estimates are held to what came."""

import pytest

from monitoring.alarm_record import estimate_record, estimates_by_month, judge_detectors, mark_alarms, worse_weeks


def week(number: int, skill: float = 0.2, upper: float | None = None, alarms: tuple[str, ...] = ()) -> dict:
    return {
        "week": f"week {number}",
        "estimate": {"skill": skill + 0.01},
        "realised": {"skill": skill},
        "intervals": {"skill": [skill - 0.05, skill + 0.05 if upper is None else upper]},
        "bands": {"inputs": {}, "quality": {}, "estimate": {}},
        "alarms": [{"detector": name, "week": f"week {number}"} for name in alarms],
    }


FOUR = [week(number) for number in range(4)]


@pytest.mark.parametrize(("upper", "is_worse"), [(0.199, True), (0.2, False), (0.21, False)])
def test_a_week_is_worse_when_its_whole_interval_lies_below_the_median_of_those_before(upper, is_worse):
    assert worse_weeks([*FOUR, week(4, skill=0.1, upper=upper)]) == {"week 4": is_worse}


def test_of_the_first_weeks_and_those_without_labels_nothing_is_told():
    blind = {name: value for name, value in week(5).items() if name not in ("realised", "intervals")}

    assert worse_weeks([*FOUR, blind]) == {}


def test_a_detector_is_judged_by_the_weeks_that_can_be_told():
    weeks = [week(0, alarms=("inputs",)), *FOUR[1:], week(4, 0.1, 0.1, ("inputs",)), week(5, alarms=("inputs",))]

    inputs, estimate, quality = judge_detectors([*weeks, week(6, 0.1, 0.1)])

    assert (inputs.detector, inputs.alarms, inputs.right, inputs.worse_weeks) == ("inputs", 2, 1, 2)
    assert (inputs.precision, inputs.recall) == (0.5, 0.5)
    assert (estimate.detector, estimate.precision, estimate.recall) == ("estimate", None, 0.0)
    assert quality.detector == "quality", "those that need labels come last"


def test_alarms_are_marked_true_false_or_untold():
    weeks = [week(0, alarms=("inputs",)), *FOUR[1:], week(4, 0.1, 0.1, ("inputs",)), week(5, alarms=("inputs",))]

    assert [alarm["is_true"] for alarm in mark_alarms(weeks)] == [None, True, False]


def test_estimates_are_held_to_what_came():
    found = estimate_record([week(number, skill=number / 10) for number in range(5)], "skill")

    assert found["weeks"] == 5
    assert found["mean_error"] == pytest.approx(0.01)
    assert found["correlation"] == pytest.approx(1)


def test_months_are_told_by_their_weeks_weighed_by_labelled_flights():
    weeks = [
        {
            "week": week,
            "coverage": {"labelled": labels},
            "estimate": {"log_loss": told},
            "realised": {"log_loss": came},
        }
        for week, labels, told, came in (
            ("2013-04-01", 100, 0.4, 0.5),
            ("2013-04-29", 300, 0.8, 0.9),
            ("2013-05-06", 100, 0.1, 0.2),
        )
    ]
    without_labels = {"week": "2013-05-13", "coverage": {"labelled": 0}, "estimate": {"log_loss": 9.0}}

    found = estimates_by_month([*weeks, without_labels], "log_loss")

    assert found == {"2013-04": (pytest.approx(0.7), pytest.approx(0.8)), "2013-05": (0.1, 0.2)}
