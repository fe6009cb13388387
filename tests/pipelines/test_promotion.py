"""Every check of the gate from both sides and on the tie; the numbers are plain, no model is fitted."""

import numpy as np
import pytest
from gate_builders import evidence, gathered
from hypothesis import given
from hypothesis import strategies as st

from pipelines.promotion import GateRules, PromotionDecision, decide_promotion

RULES = GateRules(fewest_flights=1000, fewest_days=7, lowest_auc=0.6, largest_auc=0.88)


def verdict(**changes) -> PromotionDecision:
    return decide_promotion(evidence(**changes), RULES)


def test_a_challenger_that_passes_every_check_is_promoted():
    assert verdict().promote


def test_the_reason_of_a_promotion_says_what_was_gained():
    assert verdict().reason == (
        "log loss 0.4000 vs 0.4100 of version 3, gain +0.0100, at least +0.0020 at 95% over 14 days"
    )


@pytest.mark.parametrize(
    ("changes", "promote"),
    [
        ({"lower": 1e-9}, True),
        ({"lower": 0.0}, False),
        ({"lower": -1e-9}, False),
        ({"lower": float("nan")}, False),
        ({"flights": 1001}, True),
        ({"flights": 1000}, True),
        ({"flights": 999}, False),
        ({"days": 8}, True),
        ({"days": 7}, True),
        ({"days": 6}, False),
        ({"roc_auc": 0.6001}, True),
        ({"roc_auc": 0.6}, True),
        ({"roc_auc": 0.5999}, False),
        ({"roc_auc": None}, False),
        ({"roc_auc": 0.8799}, True),
        ({"roc_auc": 0.88}, True),
        ({"roc_auc": 0.8801}, False),
        ({"roc_auc": float("nan")}, False),
    ],
    ids=str,
)
def test_a_check_passes_at_its_bound_but_a_gain_must_be_above_nothing(changes, promote):
    assert verdict(**changes).promote == promote


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"flights": 999}, "enough flights: 999, needed at least 1000; log loss 0.4000"),
        ({"days": 6}, "enough days: 6, needed at least 7; "),
        ({"roc_auc": 0.55}, "ranks better than chance: 0.55, needed AUC at least 0.6; "),
        ({"roc_auc": 0.91}, "not too good to be true: 0.91, needed AUC at most 0.88; "),
        ({"lower": -0.004}, "lowers log loss with confidence: -0.004, needed above 0 at 95%; "),
        ({"flights": 999, "days": 6, "lower": -1.0}, "enough flights: "),
        ({"days": 6, "roc_auc": 0.99}, "enough days: "),
        ({"roc_auc": 0.99, "lower": -1.0}, "not too good to be true: "),
    ],
    ids=str,
)
def test_the_reason_of_a_refusal_names_the_first_check_that_failed_with_its_numbers(changes, reason):
    assert verdict(**changes).reason.startswith(reason)


def test_a_refusal_says_what_was_measured_too():
    assert "gain +0.0100, at least +0.0000 at 95% over 14 days" in verdict(lower=0.0).reason


def test_every_check_is_recorded_even_after_one_has_failed():
    checks = verdict(flights=1, lower=-1.0).checks

    failed = [check.name for check in checks if not check.passed]
    assert failed == ["enough flights", "lowers log loss with confidence"]


def test_a_record_of_the_decision_is_made_of_plain_values():
    record = verdict().as_record()

    assert (record["promote"], record["evidence"]["gain"]["days"], record["checks"][0]["value"]) == (True, 14, 1.0)


DAYS, PER_DAY = 14, 100


def judged(seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True probability, label and day of 1,400 flights; some days are worse than others."""
    random = np.random.default_rng(seed)
    day = np.repeat(np.arange(DAYS), PER_DAY)
    truth = np.clip(random.uniform(0.05, 0.5, DAYS)[day] + random.normal(0, 0.15, day.size), 0.02, 0.98)
    return truth, (random.random(day.size) < truth).astype(int), day


def gate(challenger: np.ndarray, rival: np.ndarray, is_late: np.ndarray, day: np.ndarray) -> PromotionDecision:
    return decide_promotion(gathered(challenger, rival, is_late, day), RULES)


def test_a_challenger_that_knows_more_than_the_base_rate_wins():
    truth, is_late, day = judged()

    assert gate(truth, np.full(truth.size, is_late.mean()), is_late, day).promote


def test_a_challenger_that_ties_the_champion_is_refused():
    truth, is_late, day = judged()

    assert gate(truth, truth.copy(), is_late, day).reason.startswith(
        "lowers log loss with confidence: 0, needed above 0"
    )


@given(st.integers(0, 10_000), st.floats(1e-6, 0.999))
def test_a_challenger_that_is_worse_on_every_flight_never_wins(seed, worse):
    truth, is_late, day = judged(seed)
    towards_the_lie = truth + worse * ((1 - is_late) - truth)

    assert not gate(towards_the_lie, truth, is_late, day).promote


@given(st.integers(0, 10_000))
def test_of_two_models_at_most_one_beats_the_other(seed):
    truth, is_late, day = judged(seed)
    other = np.clip(truth + np.random.default_rng(seed).normal(0, 0.05, truth.size), 0.01, 0.99)

    wins = gate(other, truth, is_late, day).promote, gate(truth, other, is_late, day).promote

    assert wins != (True, True)


@given(st.integers(0, 10_000))
def test_the_order_of_the_flights_does_not_matter(seed):
    truth, is_late, day = judged()
    order = np.random.default_rng(seed).permutation(truth.size)
    rival = np.full(truth.size, 0.3)

    shuffled = gathered(truth[order], rival, is_late[order], day[order])

    assert shuffled.gain.lower == pytest.approx(gathered(truth, rival, is_late, day).gain.lower)


def test_a_stricter_confidence_asks_for_more():
    truth, is_late, day = judged()
    rival = np.full(truth.size, is_late.mean())

    lower = [gathered(truth, rival, is_late, day, confidence=sure).gain.lower for sure in (0.8, 0.95, 0.99)]

    assert lower == sorted(lower, reverse=True)


def test_a_model_that_knows_the_answer_is_too_good_to_be_true():
    truth, is_late, day = judged()

    assert gate(np.where(is_late == 1, 0.9, 0.1), truth, is_late, day).reason.startswith("not too good to be true: 1")


def test_the_evidence_holds_both_models_on_the_same_flights():
    truth, is_late, day = judged()

    found = gathered(truth, np.full(truth.size, 0.3), is_late, day)

    assert (found.challenger.flights, found.rival.flights, found.rival.mean_probability, found.rival_name) == (
        1400, 1400, pytest.approx(0.3), "version 3",
    )  # fmt: skip
