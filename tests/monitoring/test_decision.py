"""Wait, watch or retrain: every branch, from both sides and on the tie."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.decision import (
    EXPANDING,
    RECENT,
    RETRAIN,
    WAIT,
    WATCH,
    Decision,
    Policy,
    Signals,
    decide_action,
    what_counts,
)
from monitoring.persistence import Standing

POLICY = Policy(
    retrain_every_weeks=4,
    rest_after_refusal_weeks=6,
    cooldown_weeks=2,
    patience=2,
    lowest_coverage=0.9,
    skill_loss=0.125,
    calibration_gap=0.0625,
    share_drifted=0.5,
)
"""Bounds that a float holds exactly, so that a tie is one."""

QUIET = Signals(
    label_coverage=1.0,
    weeks_since_training=3,
    was_refused=False,
    refused_in_a_row=0,
    skill=0.2,
    expected_skill=0.2,
    calibration_gap=0.0,
    share_drifted=0.0,
)

LOST_SKILL = {"skill": 0.05, "expected_skill": 0.25}


def decide(**changes: float) -> Decision:
    """The decision in a quiet week, three weeks after a training, with these signals changed."""
    return decide_action(replace(QUIET, **changes), POLICY)


def test_a_quiet_week_is_waited_out():
    assert decide() == Decision(WAIT, "quality holds")


@pytest.mark.parametrize(("coverage", "action"), [(0.91, RETRAIN), (0.9, RETRAIN), (0.89, WAIT), (0.0, WAIT)])
def test_nothing_is_decided_on_too_few_labels(coverage, action):
    assert decide(label_coverage=coverage, **LOST_SKILL).action == action


def test_waiting_for_labels_says_how_many_there_are():
    assert decide(label_coverage=0.5).reason == "labels of 50% of the flights, needed 90%"


@pytest.mark.parametrize(("skill", "action"), [(0.126, WAIT), (0.125, WAIT), (0.124, RETRAIN)])
def test_skill_may_fall_by_the_bound_and_no_more(skill, action):
    assert decide(skill=skill, expected_skill=0.25).action == action


def test_skill_above_what_was_expected_is_no_reason_to_retrain():
    assert decide(skill=0.9, expected_skill=0.1).action == WAIT


@pytest.mark.parametrize(
    ("gap", "action"),
    [(0.0625, WAIT), (-0.0625, WAIT), (0.063, RETRAIN), (-0.063, RETRAIN)],
)
def test_probabilities_may_be_off_by_the_bound_either_way_and_no_more(gap, action):
    assert decide(calibration_gap=gap).action == action


def test_retraining_says_what_degraded():
    assert decide(calibration_gap=0.1, **LOST_SKILL).reason == (
        "skill fell to 0.050 from 0.250 and mean probability is +0.100 off the late share"
    )


@pytest.mark.parametrize(("weeks", "action"), [(1, WATCH), (2, RETRAIN), (3, RETRAIN)])
def test_lost_quality_is_only_watched_until_the_cooldown_is_over(weeks, action):
    assert decide(weeks_since_training=weeks, **LOST_SKILL).action == action


def test_watching_lost_quality_says_what_degraded_and_why_it_rests():
    assert decide(weeks_since_training=1, **LOST_SKILL).reason == (
        "skill fell to 0.050 from 0.250; trained 1 week ago, cooldown is 2"
    )


def test_a_quiet_week_within_the_cooldown_is_waited_out():
    assert decide(weeks_since_training=1) == Decision(WAIT, "trained 1 week ago, cooldown is 2")


def test_drift_within_the_cooldown_is_waited_out():
    assert decide(weeks_since_training=1, share_drifted=1.0).action == WAIT


@pytest.mark.parametrize(("weeks", "action"), [(3, WAIT), (4, RETRAIN), (5, RETRAIN)])
def test_a_promoted_model_is_due_after_its_weeks(weeks, action):
    assert decide(weeks_since_training=weeks).action == action


@pytest.mark.parametrize(("weeks", "action"), [(5, WAIT), (6, RETRAIN), (7, RETRAIN)])
def test_after_a_refusal_the_next_challenger_rests_longer(weeks, action):
    assert decide(weeks_since_training=weeks, was_refused=True, refused_in_a_row=1).action == action


def test_lost_quality_does_not_wait_for_the_rest_after_a_refusal():
    assert decide(was_refused=True, refused_in_a_row=1, **LOST_SKILL).action == RETRAIN


def test_a_model_that_is_due_says_how_old_it_is():
    assert decide(weeks_since_training=5).reason == "last training 5 weeks ago, due after 4"


@pytest.mark.parametrize(("refused", "window"), [(0, EXPANDING), (1, EXPANDING), (2, RECENT), (3, RECENT)])
def test_after_enough_refusals_the_next_challenger_forgets_the_past(refused, window):
    assert decide(refused_in_a_row=refused, **LOST_SKILL).window == window


def test_forgetting_says_why():
    assert decide(refused_in_a_row=2, **LOST_SKILL).reason.endswith(
        "; 2 challengers with all of history were refused, now the newest weeks alone"
    )


@pytest.mark.parametrize(("share", "action"), [(0.49, WAIT), (0.5, WATCH), (1.0, WATCH)])
def test_drift_alone_is_watched_from_its_bound_on(share, action):
    assert decide(share_drifted=share).action == action


def test_drifted_features_stay_on_record_beside_an_alarm_about_one_of_them():
    one = Standing("inputs", "seats", 1, "out of its band")

    counted = what_counts(replace(QUIET, share_drifted=0.7, alarms=(one,)), Policy())

    assert [alarm.subject for alarm in counted] == ["seats", "features"]


def test_watching_drift_says_how_much_of_it_there_is():
    assert decide(share_drifted=0.75).reason == "75% of the features drifted, quality holds"


SHARES = st.floats(0, 1)
ANY_SIGNALS = st.builds(
    Signals,
    label_coverage=SHARES,
    weeks_since_training=st.integers(0, 60),
    was_refused=st.booleans(),
    refused_in_a_row=st.integers(0, 9),
    skill=st.floats(-1, 1),
    expected_skill=st.floats(-1, 1),
    calibration_gap=st.floats(-1, 1),
    share_drifted=SHARES,
)


@given(ANY_SIGNALS)
def test_every_decision_has_a_reason_and_a_window_exactly_when_it_retrains(signals):
    decision = decide_action(signals, POLICY)

    assert (decision.reason != "", decision.window is not None) == (True, decision.action == RETRAIN)


@given(ANY_SIGNALS, SHARES)
def test_drift_never_decides_whether_to_retrain(signals, share):
    drifted = replace(signals, share_drifted=share)

    assert (decide_action(drifted, POLICY).action == RETRAIN) == (decide_action(signals, POLICY).action == RETRAIN)


@given(ANY_SIGNALS)
def test_nothing_is_trained_twice_within_the_cooldown(signals):
    fresh = replace(signals, weeks_since_training=1)

    assert decide_action(fresh, POLICY).action != RETRAIN


@given(ANY_SIGNALS, st.floats(0, 1))
def test_losing_more_skill_never_calms_a_decision(signals, more):
    order = [WAIT, WATCH, RETRAIN]
    worse = replace(signals, skill=signals.skill - more)

    before, after = (order.index(decide_action(each, POLICY).action) for each in (signals, worse))

    assert after >= before
