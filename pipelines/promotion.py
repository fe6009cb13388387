"""The gate: may this challenger become champion? A pure decision on numbers; each check has its bound."""

from dataclasses import asdict, dataclass

import numpy as np

from monitoring.quality import Interval, Quality, day_block_interval, loss_per_row, measure_quality


@dataclass(frozen=True)
class GateRules:
    """The bounds of the gate. `confidence` is one-sided; `largest_auc` is where a result is too good to be true."""

    confidence: float = 0.95
    fewest_flights: int = 1000
    fewest_days: int = 7
    lowest_auc: float = 0.6
    largest_auc: float = 0.88  # with the departure delay leaked into the features AUC is 0.91


@dataclass(frozen=True)
class GateEvidence:
    """Champion and challenger on the same newest rows. Without a champion, the rival is the base rate."""

    challenger: Quality
    rival: Quality
    rival_name: str
    gain: Interval


@dataclass(frozen=True)
class Check:
    """One question of the gate and its answer."""

    name: str
    value: float
    bound: str
    passed: bool

    @property
    def found(self) -> str:
        """The value as a person reads it."""
        return readable(self.value)


@dataclass(frozen=True)
class PromotionDecision:
    """Whether to promote, why, and every check that was made."""

    promote: bool
    reason: str
    checks: tuple[Check, ...]
    evidence: GateEvidence

    def as_record(self) -> dict:
        """The decision as plain values for the registry and the event log."""
        return asdict(self)


def readable(value: float) -> str:
    """A number with four digits that count; a whole one as it is.

    >>> readable(12870), readable(0.77941)
    ('12870', '0.7794')
    """
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.4g}"


def gather_evidence(
    challenger: np.ndarray,
    rival: np.ndarray,
    is_late: np.ndarray,
    day: np.ndarray,
    rival_name: str,
    rules: GateRules,
    seed: int,
) -> GateEvidence:
    """Both models' probabilities (n_rows,) of the same flights, judged on the same labels and days."""
    gain = loss_per_row(rival, is_late) - loss_per_row(challenger, is_late)
    return GateEvidence(
        challenger=measure_quality(challenger, is_late),
        rival=measure_quality(rival, is_late),
        rival_name=rival_name,
        gain=day_block_interval(gain, day, rules.confidence, seed),
    )


def decide_promotion(evidence: GateEvidence, rules: GateRules) -> PromotionDecision:
    """Promote only if every check passes; the reason names the first that did not, with its numbers."""
    auc = evidence.challenger.roc_auc or 0.0
    gain = evidence.gain
    checks = (
        Check("enough flights", evidence.challenger.flights, f"at least {rules.fewest_flights}",
              evidence.challenger.flights >= rules.fewest_flights),
        Check("enough days", gain.days, f"at least {rules.fewest_days}", gain.days >= rules.fewest_days),
        Check("ranks better than chance", auc, f"AUC at least {rules.lowest_auc}", auc >= rules.lowest_auc),
        Check("not too good to be true", auc, f"AUC at most {rules.largest_auc}", auc <= rules.largest_auc),
        Check("lowers log loss with confidence", gain.lower, f"above 0 at {rules.confidence:.0%}", gain.lower > 0),
    )  # fmt: skip
    failed = next((check for check in checks if not check.passed), None)
    measured = (
        f"log loss {evidence.challenger.log_loss:.4f} vs {evidence.rival.log_loss:.4f} of {evidence.rival_name}, "
        f"gain {gain.mean:+.4f}, at least {gain.lower:+.4f} at {rules.confidence:.0%} over {gain.days} days"
    )
    if failed is None:
        return PromotionDecision(True, measured, checks, evidence)
    return PromotionDecision(
        False, f"{failed.name}: {failed.found}, needed {failed.bound}; {measured}", checks, evidence
    )
