"""Every check of the gate on both sides of its bound and on the tie; the numbers are plain, no model is fitted."""

from dataclasses import replace

import pytest

from monitoring.calibration import Estimate, Reliability
from monitoring.fairness import LARGE, SMALL, Gap
from monitoring.quality import Interval, Quality
from pipelines.evidence import Artefact, Fairness, GateEvidence, SliceResult
from pipelines.promotion import Check, GateRules, PromotionDecision, decide_promotion

RULES = GateRules()
TINY = 1e-9


def gap(missed: float, false_alarms: float = 0.0) -> Gap:
    """So much more is missed among the small, and so much more warned of."""
    return Gap("carriers", {SMALL: 10, LARGE: 10}, {SMALL: 0.5 + missed, LARGE: 0.5}, {SMALL: false_alarms, LARGE: 0.0})


FILE = Artefact("a", 1e-16, 70_000, 20.0, "features", "features", rival_sha256="b")
SLICE = SliceResult("origin", "JFK", 400, 80, roc_auc=0.7, gain=0.01, gain_at_most=0.02)
FAIR = Fairness("carriers", gap(0.0), gap(0.0))
GOOD = GateEvidence(
    challenger=Quality(5000, 0.2, 0.2, roc_auc=0.7, log_loss=0.40, brier=0.12),
    rival=Quality(5000, 0.2, 0.2, roc_auc=0.69, log_loss=0.41, brier=0.12),
    rival_name="version 3",
    gain=Interval(mean=0.01, lower=0.002, share_positive=0.99, days=14),
    gain_resampled=Interval(mean=0.01, lower=0.003, share_positive=0.99, days=14),
    reliability=Reliability((), Estimate(0.02, 0.01, 0.03), Estimate(0.12, 0.11, 0.13)),
    cost_per_thousand=400.0,
    rival_cost_per_thousand=410.0,
    cost_saved=Interval(10.0, 2.0, 0.99, 14),
    cost_saved_at_most=18.0,
    slices=(SLICE,),
    slices_left_out=("weather severe",),
    fairness=(FAIR,),
    artefact=FILE,
)


def file(**changes: object) -> dict:
    return {"artefact": replace(FILE, **changes)}


def challenger(**changes: object) -> dict:
    return {"challenger": replace(GOOD.challenger, **changes)}


def gain(**changes: object) -> dict:
    return {"gain": replace(GOOD.gain, **changes)}


def drawn(**changes: object) -> dict:
    return {"gain_resampled": replace(GOOD.gain_resampled, **changes)}


def slices(**changes: object) -> dict:
    return {"slices": (SLICE, replace(SLICE, name="EWR", **changes))}


def fairness(of_challenger: Gap, of_rival: Gap) -> dict:
    return {"fairness": (Fairness("carriers", of_challenger, of_rival),)}


def error(value: float) -> dict:
    return {"reliability": replace(GOOD.reliability, ece=Estimate(value, 0, 1))}


def decided(rules: GateRules = RULES, **changes: object) -> PromotionDecision:
    return decide_promotion(replace(GOOD, **changes), rules)


def failed(decision: PromotionDecision) -> list[str]:
    return [check.name for check in decision.checks if not check.passed]


NAN = float("nan")
STALE = {"sha256": "b", "rival_sha256": "b"}
BOUNDS = {
    "same features as the contract": [(file(features_sha256="other"), False), (file(), True)],
    "answers as the model that was fitted": [
        (file(parity=1e-6 - TINY), True),
        (file(parity=1e-6), True),
        (file(parity=1e-6 + TINY), False),
        (file(parity=float("nan")), False),
    ],
    "not yesterday's model": [
        (file(**STALE), False),
        (file(same_answers_as_rival=True), False),
        (file(**STALE, new_data_since_rival=False), True),
        (file(same_answers_as_rival=True, new_data_since_rival=False), True),
    ],
    "small enough": [
        (file(size_bytes=19_999_999), True),
        (file(size_bytes=20_000_000), True),
        (file(size_bytes=20_000_001), False),
    ],
    "fast enough": [
        (file(latency_us=4999.0), True),
        (file(latency_us=5000.0), True),
        (file(latency_us=5001.0), False),
    ],
    "enough flights": [
        (challenger(flights=1001), True),
        (challenger(flights=1000), True),
        (challenger(flights=999), False),
    ],
    "enough days": [(gain(days=8), True), (gain(days=7), True), (gain(days=6), False)],
    "fresh to both": [(file(rival_has_seen_days=0), True), (file(rival_has_seen_days=1), False)],
    "ranks better than chance": [
        (challenger(roc_auc=0.6 + TINY), True),
        (challenger(roc_auc=0.6), True),
        (challenger(roc_auc=0.6 - TINY), False),
        (challenger(roc_auc=None), False),
    ],
    "not too good to be true": [
        (challenger(roc_auc=0.88 - TINY), True),
        (challenger(roc_auc=0.88), True),
        (challenger(roc_auc=0.88 + TINY), False),
    ],
    "means what it says": [(error(0.15 - TINY), True), (error(0.15), True), (error(0.15 + TINY), False)],
    "lowers log loss enough to matter": [(gain(mean=TINY), True), (gain(mean=0.0), True), (gain(mean=-TINY), False)],
    "lowers log loss with confidence": [
        (gain(lower=TINY), True),
        (gain(lower=0.0), False),
        (gain(lower=-TINY), False),
        (gain(lower=float("nan")), False),
    ],
    "still does when days are drawn again": [(drawn(lower=0.0), False), (drawn(lower=1e-9), True)],
    "decisions do not surely cost more": [
        ({"cost_saved_at_most": TINY}, True),
        ({"cost_saved_at_most": 0.0}, True),
        ({"cost_saved_at_most": -TINY}, False),
    ],
    "no slice is ranked worse than chance": [
        (slices(roc_auc=0.5 + TINY), True),
        (slices(roc_auc=0.5), True),
        (slices(roc_auc=0.5 - TINY), False),
    ],
    "no slice is surely worse": [
        (slices(gain_at_most=-0.005 + TINY), True),
        (slices(gain_at_most=-0.005), True),
        (slices(gain_at_most=-0.005 - TINY), False),
    ],
    "small and large carriers fare alike": [
        (fairness(gap(0.0, 0.3 - TINY), gap(0.0, 0.3)), True),
        (fairness(gap(0.0, 0.3), gap(0.0, 0.3)), True),
        (fairness(gap(0.0, 0.3 + TINY), gap(0.0, 0.3)), False),
    ],
    "no wider gap between carriers": [
        (fairness(gap(0.0, 0.1 - TINY), gap(0.0)), True),
        (fairness(gap(0.0, 0.1), gap(0.0)), True),
        (fairness(gap(0.0, 0.1 + TINY), gap(0.0)), False),
        (fairness(gap(0.0), gap(0.0, 0.25)), True),
    ],
}


@pytest.mark.parametrize(
    ("name", "changes", "passes"),
    [
        pytest.param(name, *case, id=f"{name} {place}")
        for name, cases in BOUNDS.items()
        for place, case in enumerate(cases)
    ],
)
def test_a_check_passes_up_to_its_bound_and_alone_decides(name, changes, passes):
    decision = decided(**changes)

    assert (failed(decision), decision.promote) == ([] if passes else [name], passes)


@pytest.mark.parametrize(
    "changes",
    [
        file(parity=NAN), challenger(roc_auc=NAN), error(NAN), gain(mean=NAN), gain(lower=NAN), drawn(lower=NAN),
        {"cost_saved_at_most": NAN}, slices(roc_auc=NAN), slices(gain_at_most=NAN), fairness(gap(NAN), gap(0.0)),
    ],
    ids=lambda changes: next(iter(changes)),
)  # fmt: skip
def test_what_is_no_number_passes_no_check(changes):
    assert not decided(**changes).promote


def test_every_check_there_is_has_its_bound_tried():
    assert [check.name for check in decided().checks] == list(BOUNDS)


def test_a_check_says_value_bound_verdict_and_a_sentence():
    (found,) = [check for check in decided(**slices(roc_auc=0.45)).checks if not check.passed]

    assert found == Check(
        "no slice is ranked worse than chance", 0.45, "AUC at least 0.5", False,
        "lowest of 2 slices: origin EWR, AUC 0.450",
    )  # fmt: skip


def test_only_what_a_clock_has_measured_is_not_reproducible():
    assert [check.name for check in decided().checks if not check.is_reproducible] == ["fast enough"]


def test_of_no_slices_and_no_groups_nothing_is_asked():
    names = [check.name for check in decided(slices=(), fairness=()).checks]

    assert names == list(BOUNDS)[:-4]


def test_a_gap_wider_than_the_base_rates_is_no_matter_since_that_says_the_same_of_everybody():
    first = decided(**file(rival_sha256=None), **fairness(gap(0.0, 0.25), gap(0.0)))

    assert first.promote
    assert "no wider gap between carriers" not in [check.name for check in first.checks]


def test_a_least_gain_that_is_set_is_asked_for():
    rules = replace(RULES, least_gain=0.01)

    assert [decided(rules, **gain(mean=mean)).promote for mean in (0.011, 0.01, 0.0099)] == [True, True, False]


def test_the_reason_names_the_first_check_that_failed_and_the_rest_are_recorded_all_the_same():
    decision = decided(**challenger(flights=3, roc_auc=0.99), **gain(lower=-1.0))

    assert decision.reason.startswith("enough flights: 3, needed at least 1000; log loss ")
    assert failed(decision) == ["enough flights", "not too good to be true", "lowers log loss with confidence"]
