"""What alarms make of a decision: which action each asks for, from when it counts, and what holds it back."""

from dataclasses import replace

import pytest
from test_decision import LOST_SKILL, POLICY, decide

from monitoring.alarms import DETECTORS
from monitoring.decision import (
    ASKS_FOR,
    PAGE,
    RETRAIN,
    ROLL_BACK,
    WAIT,
    WATCH,
    Policy,
    Signals,
    decide_action,
    weeks_until_it_counts,
    what_counts,
)
from monitoring.persistence import Standing


def alarm(detector: str, weeks: int = 2, **changes: object) -> tuple[Standing, ...]:
    """One alarm that has stood for so long."""
    return (replace(Standing(detector, "some", weeks, "out of its band"), **changes),)


def quiet(**changes: object) -> Signals:
    """A quiet week, three weeks after a training."""
    usual = Signals(1.0, 3, False, 0, 0.2, 0.2, 0.0, 0.0)
    return replace(usual, **changes)


def test_every_detector_asks_for_something():
    assert set(ASKS_FOR) == set(DETECTORS)


@pytest.mark.parametrize(
    ("detector", "action"),
    [
        *((name, PAGE) for name in ("skew", "freshness", "answers", "volume", "quarantine", "coverage")),
        *((name, PAGE) for name in ("labels", "slices")),
        *((name, RETRAIN) for name in ("quality", "calibration", "estimate")),
        *((name, WATCH) for name in ("inputs", "missing", "predictions")),
    ],
)
def test_an_alarm_that_has_stood_long_enough_gets_what_it_asks_for(detector, action):
    weeks = weeks_until_it_counts(detector, POLICY)

    assert decide(alarms=alarm(detector, weeks)).action == action


@pytest.mark.parametrize(("weeks", "action"), [(1, WAIT), (2, RETRAIN), (3, RETRAIN)])
def test_lost_quality_within_its_bounds_has_to_stand_for_two_weeks(weeks, action):
    assert decide(alarms=alarm("quality", weeks)).action == action


def test_a_mismatch_counts_at_once():
    assert decide(alarms=alarm("skew", 1)).action == PAGE


@pytest.mark.parametrize(("weeks", "action"), [(1, WAIT), (2, PAGE), (3, WAIT)])
def test_somebody_is_told_once_and_then_the_week_is_decided_as_any_other(weeks, action):
    assert decide(alarms=alarm("slices", weeks)).action == action


@pytest.mark.parametrize("detector", ["quality", "labels", "slices", "calibration"])
def test_a_provisional_alarm_triggers_nothing(detector):
    assert decide(alarms=alarm(detector, is_provisional=True)).action == WAIT


def test_a_serving_bug_is_told_also_when_labels_are_missing():
    assert decide(label_coverage=0.1, alarms=alarm("skew", 1)).action == PAGE


def test_an_estimate_without_labels_trains_nothing():
    assert decide(label_coverage=0.89, alarms=alarm("estimate")).action == WAIT


@pytest.mark.parametrize(("weeks_ago", "action"), [(1, WATCH), (2, RETRAIN)])
def test_an_alarm_waits_for_the_cooldown(weeks_ago, action):
    assert decide(weeks_since_training=weeks_ago, alarms=alarm("estimate")).action == action


def test_the_reason_names_detector_subject_and_how_long():
    assert decide(alarms=alarm("estimate")).reason == "estimate some: out of its band (2 weeks)"


@pytest.mark.parametrize(("gain", "action"), [(None, RETRAIN), (0.003, RETRAIN), (0.004, RETRAIN), (0.005, ROLL_BACK)])
def test_going_back_needs_a_version_before_that_would_surely_have_been_better(gain, action):
    assert decide(gain_of_version_before=gain, **LOST_SKILL).action == action


def test_going_back_does_not_wait_for_the_cooldown():
    assert decide(weeks_since_training=1, gain_of_version_before=0.01, **LOST_SKILL).action == ROLL_BACK


def test_nobody_goes_back_while_nothing_is_lost():
    assert decide(gain_of_version_before=0.1).action == WAIT


@pytest.mark.parametrize(("trainings", "action"), [(6, RETRAIN), (7, PAGE), (8, PAGE)])
def test_what_so_many_trainings_did_not_cure_is_somebodys(trainings, action):
    assert decide(trainings_this_quarter=trainings, **LOST_SKILL).action == action


def test_a_training_that_is_only_due_waits_for_the_budget():
    decision = decide(weeks_since_training=4, trainings_this_quarter=7)

    assert (decision.action, decision.reason) == (
        WAIT,
        "last training 4 weeks ago, due after 4; 7 trainings in 13 weeks, allowed 7",
    )


@pytest.mark.parametrize(
    ("false_alarms", "tolerated", "weeks"), [(0.0, 2.0, 1), (0.03, 2.0, 1), (0.05, 2.0, 2), (0.05, 0.1, 3), (0.5, 2, 5)]
)
def test_the_more_often_a_detector_cries_wolf_the_longer_it_has_to_stand(false_alarms, tolerated, weeks):
    policy = Policy(false_alarms_per_week=false_alarms, tolerated_per_year=tolerated)

    assert weeks_until_it_counts("quality", policy) == weeks


def test_what_costs_more_to_do_for_nothing_has_to_stand_longer():
    policy = Policy(false_alarms_per_week=0.03)

    assert (weeks_until_it_counts("quality", policy), weeks_until_it_counts("slices", policy)) == (1, 2)


def test_watching_costs_nothing_and_begins_at_once():
    assert weeks_until_it_counts("inputs", Policy(false_alarms_per_week=0.9)) == 1


def test_what_counts_is_named_once_by_detector():
    signals = quiet(skill=0.0, expected_skill=0.2, alarms=alarm("quality") + alarm("slices"), share_drifted=0.5)

    assert [found.detector for found in what_counts(signals, POLICY)] == ["slices", "quality", "inputs"]


def test_on_too_few_labels_nothing_that_was_lost_counts():
    assert what_counts(quiet(label_coverage=0.5, calibration_gap=0.5), POLICY) == []


def test_nothing_counts_in_a_quiet_week():
    assert (what_counts(quiet(), POLICY), decide_action(quiet(), POLICY).action) == ([], WAIT)
