"""Whether a refit is the model that was judged: each check on both sides and on the tie; and its record."""

import numpy as np
import pytest

from infra.records import require_signed
from pipelines.gate_record import event_of, gate_record, refit_record
from pipelines.promotion import GateRules
from pipelines.refit import LOWEST_AGREEMENT, refit_checks

LATE = np.array([0, 0, 0, 0, 1, 1])
JUDGED = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
BETTER = np.array([0.05, 0.1, 0.2, 0.3, 0.6, 0.7])
JUDGED_RECORD = {"version": 1, "promote": True, "reason": "it gains", "champion": None, "sha256": "0"}


def outcome(refitted: np.ndarray, parity: float = 0.0) -> list[bool]:
    """Passed or not: parity, ranks, learned."""
    return [check.passed for check in refit_checks(JUDGED, refitted, LATE, parity, GateRules())]


@pytest.mark.parametrize(("parity", "passed"), [(1e-6 - 1e-9, True), (1e-6, True), (1e-6 + 1e-9, False)])
def test_a_refits_artefact_answers_as_its_model(parity, passed):
    assert outcome(BETTER, parity) == [passed, True, True]


def test_the_rank_correlation_is_spearmans():
    """Two neighbours swapped of six: 1 - 6 * 2 / (6 * 35)."""
    swapped = BETTER[[1, 0, 2, 3, 4, 5]]

    assert refit_checks(JUDGED, swapped, LATE, 0.0, GateRules())[1].value == pytest.approx(1 - 12 / 210)


@pytest.mark.parametrize(("bound", "passed"), [(-1e-9, True), (0.0, True), (1e-9, False)])
def test_ranks_agree_up_to_the_bound(monkeypatch, bound, passed):
    swapped = BETTER[[1, 0, 2, 3, 4, 5]]
    agreement = refit_checks(JUDGED, swapped, LATE, 0.0, GateRules())[1].value
    monkeypatch.setattr("pipelines.refit.LOWEST_AGREEMENT", agreement + bound)

    assert outcome(swapped)[1] is passed


def test_a_model_that_ranks_otherwise_is_another_model():
    assert outcome(1 - BETTER)[1] is False
    assert LOWEST_AGREEMENT > 0


@pytest.mark.parametrize(("refitted", "passed"), [(BETTER, True), (JUDGED, False), (JUDGED + 0.001, False)])
def test_a_refit_knows_the_rows_that_judged_better_than_the_candidate_did(refitted, passed):
    assert outcome(refitted)[2] is passed


@pytest.mark.parametrize(
    ("judged", "checked", "promote", "reason"),
    [(True, True, True, "it gains"), (True, False, False, "ranks: 0.1"), (False, True, False, "it gains")],
)
def test_a_refit_may_serve_when_its_judged_self_was_let_in_and_its_own_checks_pass(judged, checked, promote, reason):
    checks = [{"name": "ranks", "passed": checked, "sentence": "0.1"}]

    record = refit_record({**JUDGED_RECORD, "promote": judged}, {"version": 2}, checks)

    assert (record["promote"], record["reason"]) == (promote, reason)
    assert (record["judged_version"], record["judged_record_sha256"], record["kind"]) == (1, "0", "refit")
    assert require_signed(record, "it") is record


def test_the_event_of_a_record_holds_nothing_that_a_clock_has_measured():
    checks = [{"name": "fast", "is_reproducible": False}, {"name": "right", "is_reproducible": True}]
    evidence = dict.fromkeys(
        ("challenger", "rival", "rival_name", "gain", "cost_per_thousand", "rival_cost_per_thousand", "slices"), 1
    )
    facts = {"version": 1, "champion": None, "window": "expanding", "decided_on": "2013-07-01"}
    record = gate_record({"promote": True, "reason": "", "checks": checks, "evidence": evidence}, facts)

    event = event_of(record)

    assert event["checks"] == [{"name": "right"}]
    assert "slices" not in event["evidence"]
