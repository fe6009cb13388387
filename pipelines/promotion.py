"""The gate: may this challenger become champion? A pure decision on numbers; each check has its bound."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import inf, isnan

from monitoring.figures import readable
from pipelines.evidence import Fairness, GateEvidence, SliceResult


@dataclass(frozen=True)
class GateRules:
    """The bounds of the gate; where they come from is told in docs/decisions/0015-gate.md.

    Both confidences are one-sided: how sure a gain has to be, and a harm. `largest_auc` is where a result is too good
    to be true.
    """

    confidence: float = 0.95
    harm_confidence: float = 0.95
    least_gain: float = 0.0
    fewest_flights: int = 1000
    fewest_days: int = 7
    lowest_auc: float = 0.6
    largest_auc: float = 0.88  # with the departure delay leaked into the features AUC is 0.91
    lowest_slice_auc: float = 0.5
    largest_slice_loss: float = 0.005
    largest_calibration_error: float = 0.15
    largest_gap: float = 0.3
    largest_gap_rise: float = 0.1
    largest_parity: float = 1e-6
    largest_bytes: int = 20_000_000
    largest_latency_us: float = 5000.0


@dataclass(frozen=True)
class Check:
    """One question of the gate and its answer. `is_reproducible` is false for what a clock measured."""

    name: str
    value: float
    bound: str
    passed: bool
    sentence: str
    is_reproducible: bool = True

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
        """The decision as plain values for the registry."""
        return asdict(self)


def decide_promotion(evidence: GateEvidence, rules: GateRules) -> PromotionDecision:
    """Promote only if every check passes; the reason names the first that did not, with its numbers."""
    checks = tuple(_checks(evidence, rules))
    failed = next((check for check in checks if not check.passed), None)
    gain = evidence.gain
    measured = (
        f"log loss {evidence.challenger.log_loss:.4f} vs {evidence.rival.log_loss:.4f} of {evidence.rival_name}, "
        f"gain {gain.mean:+.4f}, at least {gain.lower:+.4f} at {rules.confidence:.0%} over {gain.days} days"
    )
    if failed is None:
        return PromotionDecision(True, measured, checks, evidence)
    reason = f"{failed.name}: {failed.found}, needed {failed.bound}; {measured}"
    return PromotionDecision(False, reason, checks, evidence)


def _checks(evidence: GateEvidence, rules: GateRules) -> Iterator[Check]:
    """Every check, in the order in which a reader asks: is it the right thing, is it sound, is it better, for whom."""
    yield from _artefact_checks(evidence, rules)
    yield from _sanity_checks(evidence, rules)
    yield from _gain_checks(evidence, rules)
    yield from _slice_checks(evidence.slices, evidence.slices_left_out, rules)
    yield from _fairness_checks(evidence.fairness, evidence.artefact.rival_sha256 is not None, rules)


def _artefact_checks(evidence: GateEvidence, rules: GateRules) -> Iterator[Check]:
    file = evidence.artefact
    yield Check("same features as the contract", float(file.features_sha256 == file.expected_features_sha256), "1",
                file.features_sha256 == file.expected_features_sha256,
                f"the artefact was made for feature definitions {file.features_sha256[:12]}, "
                f"those of today are {file.expected_features_sha256[:12]}")  # fmt: skip
    yield Check("answers as the model that was fitted", file.parity, f"at most {rules.largest_parity:g}",
                file.parity <= rules.largest_parity,
                f"artefact and scikit-learn differ by at most {file.parity:.1e} in probability")  # fmt: skip
    stale = file.new_data_since_rival and (file.sha256 == file.rival_sha256 or file.same_answers_as_rival)
    yield Check("not yesterday's model", float(stale), "0", not stale,
                "the data changed and the answers did not: training returned the champion"
                if stale else "its answers are not the champion's")  # fmt: skip
    yield Check("small enough", file.size_bytes, f"at most {rules.largest_bytes} bytes",
                file.size_bytes <= rules.largest_bytes, f"its files take {file.size_bytes / 1e6:.1f} MB")  # fmt: skip
    yield Check("fast enough", file.latency_us, f"at most {rules.largest_latency_us:g} us",
                file.latency_us <= rules.largest_latency_us,
                f"one flight takes {file.latency_us:.0f} us at the median", is_reproducible=False)  # fmt: skip


def _sanity_checks(evidence: GateEvidence, rules: GateRules) -> Iterator[Check]:
    auc, flights = evidence.challenger.roc_auc or 0.0, evidence.challenger.flights
    yield Check("enough flights", flights, f"at least {rules.fewest_flights}", flights >= rules.fewest_flights,
                f"{flights} flights with a label")  # fmt: skip
    days = evidence.gain.days
    yield Check("enough days", days, f"at least {rules.fewest_days}", days >= rules.fewest_days,
                f"{days} days, the unit that varies")  # fmt: skip
    seen = evidence.artefact.rival_has_seen_days
    yield Check("fresh to both", seen, "0 days", seen == 0,
                f"the champion has learned from {seen} of the days that judge")  # fmt: skip
    yield Check("ranks better than chance", auc, f"AUC at least {rules.lowest_auc}", auc >= rules.lowest_auc,
                f"AUC {auc:.4f}")  # fmt: skip
    yield Check("not too good to be true", auc, f"AUC at most {rules.largest_auc}", auc <= rules.largest_auc,
                "an AUC as of a model that knows how late the flight left" if auc > rules.largest_auc
                else f"AUC {auc:.4f} can be had without knowing the future")  # fmt: skip
    error = evidence.reliability.ece
    yield Check("means what it says", error.value, f"at most {rules.largest_calibration_error}",
                error.value <= rules.largest_calibration_error,
                f"probabilities are {error.value:.3f} off the shares on average "
                f"({error.lower:.3f} to {error.upper:.3f})")  # fmt: skip


def _gain_checks(evidence: GateEvidence, rules: GateRules) -> Iterator[Check]:
    gain, name = evidence.gain, evidence.rival_name
    yield Check("lowers log loss enough to matter", gain.mean, f"at least {rules.least_gain:g}",
                gain.mean >= rules.least_gain, f"mean gain over {name} is {gain.mean:+.4f}")  # fmt: skip
    yield Check("lowers log loss with confidence", gain.lower, f"above 0 at {rules.confidence:.0%}", gain.lower > 0,
                f"by how days differ, the gain is at least {gain.lower:+.4f}")  # fmt: skip
    drawn = evidence.gain_resampled
    yield Check("still does when days are drawn again", drawn.lower, f"above 0 at {rules.confidence:.0%}",
                drawn.lower > 0, f"in {drawn.share_positive:.1%} of the bootstrap's rounds it gains")  # fmt: skip
    worse = evidence.cost_saved_at_most
    yield Check("decisions do not surely cost more", worse, f"at least 0 at {rules.harm_confidence:.0%}", worse >= 0,
                f"{evidence.cost_per_thousand:.0f} per thousand flights against "
                f"{evidence.rival_cost_per_thousand:.0f} of {name}")  # fmt: skip


def _slice_checks(slices: tuple[SliceResult, ...], left_out: tuple[str, ...], rules: GateRules) -> Iterator[Check]:
    if not slices:
        return
    lowest = min(slices, key=lambda one: _no_number_first(one.roc_auc))
    yield Check("no slice is ranked worse than chance", lowest.roc_auc, f"AUC at least {rules.lowest_slice_auc}",
                lowest.roc_auc >= rules.lowest_slice_auc,
                f"lowest of {len(slices)} slices: {lowest.family} {lowest.name}, AUC {lowest.roc_auc:.3f}")  # fmt: skip
    worst = min(slices, key=lambda one: _no_number_first(one.gain_at_most))
    bound = f"at least {-rules.largest_slice_loss:g} at {rules.harm_confidence:.0%}"
    yield Check("no slice is surely worse", worst.gain_at_most, bound, worst.gain_at_most >= -rules.largest_slice_loss,
                f"worst of {len(slices)} slices: {worst.family} {worst.name}, gain {worst.gain:+.4f}, "
                f"at most {worst.gain_at_most:+.4f}; too little to judge: {', '.join(left_out) or 'none'}")  # fmt: skip


def _no_number_first(value: float) -> float:
    return -inf if isnan(value) else value  # min() passes over a NaN that is not the first


def _fairness_checks(families: tuple[Fairness, ...], has_champion: bool, rules: GateRules) -> Iterator[Check]:
    """A rival that is the base rate says the same of everybody: its gaps are no measure."""
    for one in families:
        gap = one.challenger
        said = (
            f"small {one.family} against large: {gap.missed_gap:+.3f} of late flights missed, "
            f"{gap.false_alarm_gap:+.3f} of the others warned of"
        )
        yield Check(f"small and large {one.family} fare alike", gap.worst, f"gap at most {rules.largest_gap}",
                    gap.worst <= rules.largest_gap, said)  # fmt: skip
        if not has_champion:
            continue
        yield Check(f"no wider gap between {one.family}", one.rise, f"at most {rules.largest_gap_rise} wider",
                    one.rise <= rules.largest_gap_rise,
                    f"the worst gap is {gap.worst:.3f}, the champion's {one.rival.worst:.3f}")  # fmt: skip
