"""Evidence for the gate with defaults that pass: a test turns one thing and sees what follows."""

import numpy as np
import polars as pl

from data_checks import schema as s
from monitoring.calibration import Estimate, Reliability
from monitoring.decision_cost import CostTable
from monitoring.quality import Interval, Quality
from pipelines.evidence import Artefact, GateEvidence, JudgedFlights, Looking, gather_evidence

COSTS = CostTable(missed_late=3, false_alarm=1)


def quality(flights: int = 5000, roc_auc: float | None = 0.7, log_loss: float = 0.40) -> Quality:
    """The quality of a model."""
    return Quality(flights, late_share=0.2, mean_probability=0.2, roc_auc=roc_auc, log_loss=log_loss, brier=0.12)


def artefact(**changes: object) -> Artefact:
    """An artefact as it should be, judged against a champion."""
    asked = {
        "sha256": "a" * 64, "parity": 1e-15, "size_bytes": 1_000_000, "latency_us": 20.0, "features_sha256": "f" * 64,
        "expected_features_sha256": "f" * 64, "rival_sha256": "b" * 64,
    }  # fmt: skip
    return Artefact(**asked | changes)


def evidence(
    lower: float = 0.002, days: int = 14, mean: float = 0.01, rival: Quality | None = None, **challenger: object
) -> GateEvidence:
    """A challenger that may be promoted: it gains 0.01, and at least 0.002 with confidence."""
    return GateEvidence(
        challenger=quality(**challenger),
        rival=rival or quality(log_loss=0.41),
        rival_name="version 3",
        gain=Interval(mean=mean, lower=lower, share_positive=0.99, days=days),
        gain_resampled=Interval(mean=mean, lower=0.003, share_positive=0.995, days=days),
        reliability=Reliability((), ece=Estimate(0.02, 0.01, 0.03), brier=Estimate(0.12, 0.11, 0.13)),
        cost_per_thousand=400.0,
        rival_cost_per_thousand=410.0,
        cost_saved=Interval(mean=10.0, lower=2.0, share_positive=0.99, days=days),
        cost_saved_at_most=18.0,
        slices=(),
        slices_left_out=("weather severe",),
        fairness=(),
        artefact=artefact(),
    )


def judged_flights(is_late: np.ndarray, day: np.ndarray, slices: dict | None = None) -> JudgedFlights:
    """Flights of one carrier to one place, in no slice unless one is given."""
    places = pl.DataFrame({s.CARRIER: ["UA"] * len(day), s.DESTINATION: ["LAX"] * len(day)})
    return JudgedFlights(is_late, day, pl.DataFrame(slices or {}), places)


def gathered(
    challenger: np.ndarray, rival: np.ndarray, is_late: np.ndarray, day: np.ndarray, confidence: float = 0.95
) -> GateEvidence:
    """The evidence of probabilities, with an artefact as it should be."""
    looking = Looking(confidence=confidence, seed=1)
    return gather_evidence(challenger, rival, "version 3", judged_flights(is_late, day), artefact(), COSTS, looking)
