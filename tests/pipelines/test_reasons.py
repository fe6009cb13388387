"""Reasons: they add up to what the model said, calibrated or not, and say it in words."""

import ast
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import reasons as module
from pipelines.calibration_map import IDENTITY, CalibrationMap, sigmoid
from pipelines.feature_catalog import FEATURES, Feature
from pipelines.reasons import InexactReasons, Reasons, give_reasons, sum_by_group, tell_reason

LATE_LANDING = Feature("aircraft_last_arrival_delay_min", "inbound", "min", "delay of its last landing", "")
SLACK = Feature("aircraft_turn_slack_min", "inbound", "min", "slack of the turn", "")
CARRIER = Feature("carrier", "plan", "", "airline", "")
THREE = (LATE_LANDING, SLACK, CARRIER)

AFFINE = CalibrationMap("affine", slope=2.0, intercept=-0.5)
ISOTONIC = CalibrationMap("isotonic", x=(-2.0, 0.0, 2.0), y=(0.1, 0.2, 0.8))
MAPS = (IDENTITY, AFFINE, ISOTONIC)


def reasons_of(
    contributions=(0.61, -0.2, 0.1), values=(74.0, 12.0, "UA"), bias=-1.0, calibration=IDENTITY, catalog=THREE
) -> Reasons:
    """The reasons of a flight whose model is exact."""
    added = np.array(contributions)
    log_odds = float(bias + added.sum())
    return give_reasons(
        values,
        added,
        bias,
        log_odds=log_odds,
        probability=float(calibration.apply(np.float64(log_odds))),
        calibration=calibration,
        catalog=catalog,
    )


def test_a_flight_worked_out_by_hand():
    found = reasons_of()

    assert [reason.words for reason in found.codes(2)] == [
        "the aircraft's last landing out there was 74 min late: +0.61",
        "slack of the aircraft's turn (12 min): -0.20",
    ]
    assert [(group.group, round(group.contribution, 9), group.speaks_for) for group in found.groups] == [
        ("inbound", 0.41, "late"),
        ("plan", 0.1, "late"),
    ]
    assert found.score == pytest.approx(-0.49)
    assert found.groups[0].probability_without == pytest.approx(1 / (1 + np.exp(0.9)))


contributions = st.lists(st.floats(-5, 5), min_size=len(FEATURES), max_size=len(FEATURES))


@given(contributions, st.floats(-5, 5), st.sampled_from(MAPS))
def test_bias_and_contributions_are_the_score_and_the_score_is_the_probability(added, bias, calibration):
    found = reasons_of(added, [None] * len(FEATURES), bias, calibration, FEATURES)

    left = ISOTONIC if calibration is ISOTONIC else IDENTITY
    for parts in (found.features, found.groups):
        assert abs(found.bias + sum(part.contribution for part in parts) - found.score) < 1e-9
    assert abs(left.apply(np.float64(found.score)) - found.probability) < 1e-9
    assert abs(calibration.apply(np.float64(bias + sum(added))) - found.probability) < 1e-9


def test_an_affine_map_scales_every_contribution_and_stays_a_sum():
    found = reasons_of(calibration=AFFINE)

    assert found.additive
    assert found.bias == pytest.approx(2 * -1.0 - 0.5)
    assert {reason.feature: round(reason.contribution, 9) for reason in found.features} == {
        "aircraft_last_arrival_delay_min": 1.22, "aircraft_turn_slack_min": -0.4, "carrier": 0.2
    }  # fmt: skip


def test_an_isotonic_map_is_a_step_of_its_own_after_the_sum():
    found = reasons_of(calibration=ISOTONIC)

    assert not found.additive
    assert found.score == pytest.approx(-0.49)
    assert found.probability_before == pytest.approx(float(sigmoid(np.float64(-0.49))))
    assert found.probability == pytest.approx(0.2 - 0.1 * 0.49 / 2)
    assert found.groups[0].probability_without == pytest.approx(0.2 - 0.1 * 0.9 / 2)


@pytest.mark.parametrize(("log_odds", "probability"), [(-0.5, 0.5), (0.0, 0.5 + 2e-9), (float("nan"), 0.5)])
def test_reasons_that_do_not_add_up_to_what_was_said_are_refused(log_odds, probability):
    with pytest.raises(InexactReasons, match="reasons add up to"):
        give_reasons(
            (1.0, 1.0, "UA"),
            np.zeros(3),
            0.0,
            log_odds=log_odds,
            probability=probability,
            calibration=IDENTITY,
            catalog=THREE,
        )


def test_a_feature_that_adds_nothing_is_no_reason():
    assert [reason.feature for reason in reasons_of((0.0, 0.3, 0.0)).codes(3)] == ["aircraft_turn_slack_min"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (74.0, "the aircraft's last landing out there was 74 min late"),
        (-5.26, "the aircraft's last landing out there was 5.3 min early"),
        (0.0, "the aircraft's last landing out there was on time"),
        (-0.01, "the aircraft's last landing out there was on time"),
        (float("nan"), "delay of its last landing (not known)"),
        (None, "delay of its last landing (not known)"),
    ],
)
def test_a_delay_is_told_as_late_early_on_time_or_not_known(value, words):
    assert tell_reason(LATE_LANDING, value) == words


def test_a_missing_value_is_null_whether_it_comes_as_none_or_nan():
    assert [reason.value for reason in reasons_of(values=(None, float("nan"), "UA")).features] == [None, None, "UA"]


@pytest.mark.parametrize(
    ("feature", "value", "words"),
    [
        (Feature("departure_minute_of_day", "plan", "min", "leaves", ""), 1439.0, "leaves (23:59)"),
        (Feature("departure_weekday", "plan", "", "day", ""), 7.0, "day (Sunday)"),
        (Feature("share", "network", "share", "late", ""), 0.456, "late (45.6%)"),
        (Feature("hours", "inbound", "h", "since", ""), 1.51667, "since (1.52 h)"),
        (CARRIER, "UA", "airline (UA)"),
    ],
)
def test_a_value_is_told_as_a_person_says_it(feature, value, words):
    assert tell_reason(feature, value) == words


def test_every_feature_with_words_of_its_own_is_in_the_catalog():
    assert {*module._DELAYS, *module._MEANINGS, module._CLOCK, module._WEEKDAY} <= {
        feature.name for feature in FEATURES
    }


def test_groups_of_many_flights_are_sums_over_their_features():
    added = np.array([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]])

    assert {name: sums.tolist() for name, sums in sum_by_group(added, THREE).items()} == {
        "inbound": [3.0, 24.0], "plan": [4.0, 32.0]
    }  # fmt: skip


def test_reasons_import_nothing_heavy():
    tree = ast.parse(Path(module.__file__).read_text())
    imported = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}

    assert imported == {
        *("collections.abc", "dataclasses", "numpy"),
        *("infra.errors", "pipelines.calibration_map", "pipelines.feature_catalog"),
    }
