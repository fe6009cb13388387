"""How often the gate promotes when nobody is better: twins of one recipe and the same rows, judged by its rules."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations

import numpy as np
from scipy.stats import binomtest

from infra.errors import PreflightError
from monitoring.decision_cost import CostTable
from pipelines.definitions import features_sha256
from pipelines.evidence import Artefact, JudgedFlights, Looking, gather_evidence
from pipelines.promotion import GateRules, PromotionDecision, decide_promotion

ROUNDS = 4000
CONFIDENCE = 0.95


class NothingToTry(PreflightError, ValueError):  # noqa: N818
    """The data is too short for one window of the gate."""


@dataclass(frozen=True)
class Bench:
    """What every trial is judged by."""

    rules: GateRules
    looking: Looking
    costs: CostTable
    seed: int


@dataclass(frozen=True)
class Trial:
    """One of two twins was a challenger of the other: what the gate said, and the first check that failed."""

    monday: date
    kind: str
    promoted: bool
    gain: float
    failed: str | None


@dataclass(frozen=True)
class Rate:
    """A share of trials with two 95 % intervals: as if trials were independent, and of windows drawn again."""

    trials: int
    promoted: int
    wilson: tuple[float, float]
    by_window: tuple[float, float]

    @property
    def share(self) -> float:
        """Promotions per trial, 0 to 1."""
        return self.promoted / self.trials


def try_twins(
    monday: date, kind: str, answers: Sequence[np.ndarray], flights: JudgedFlights, bench: Bench
) -> list[Trial]:
    """Every pair of twins before the gate once, who challenges whom being chosen at random.

    `answers` are the probabilities (n_rows,) of each twin for the flights. Both ways round would be two trials of
    which at most one can promote.
    """
    dice = np.random.default_rng([bench.seed, monday.toordinal(), *kind.encode()])
    trials = []
    for pair in combinations(answers, 2):
        first = int(dice.integers(2))
        decision = judge_twin(pair[first], pair[1 - first], flights, bench)
        failed = next((check.name for check in decision.checks if not check.passed), None)
        trials.append(Trial(monday, kind, decision.promote, decision.evidence.gain.mean, failed))
    return trials


def judge_twin(challenger: np.ndarray, champion: np.ndarray, flights: JudgedFlights, bench: Bench) -> PromotionDecision:
    """The gate's decision by its own rules. No file is made for a twin, so those checks pass: they judge files."""
    file = Artefact("challenger", 0.0, 0, 0.0, features_sha256(), features_sha256(), "champion")
    evidence = gather_evidence(challenger, champion, "the twin", flights, file, bench.costs, bench.looking)
    return decide_promotion(evidence, bench.rules)


def rate_of(trials: Sequence[Trial], seed: int) -> Rate:
    """How often the gate promoted. Raises NothingToTry without a trial.

    Trials of one window share its days, so that the honest interval draws windows again; where no window promotes,
    or each one alike, it has no width, and the other one is to be read. Source of that: Wilson 1927, JASA 22.
    """
    if not trials:
        raise NothingToTry(
            "expected one trial of the gate or more, got none: it needs ten weeks of days before its first window has "
            "ended; choose a longer PREFLIGHT_FIRST_DAY to PREFLIGHT_LAST_DAY"
        )
    promoted = sum(trial.promoted for trial in trials)
    wilson = binomtest(promoted, len(trials)).proportion_ci(CONFIDENCE, method="wilson")
    return Rate(len(trials), promoted, (float(wilson.low), float(wilson.high)), _by_window(trials, seed))


def failed_at(trials: Sequence[Trial]) -> Mapping[str, int]:
    """At which check the refused ones failed first, the most frequent first."""
    return dict(Counter(trial.failed for trial in trials if trial.failed).most_common())


def _by_window(trials: Sequence[Trial], seed: int) -> tuple[float, float]:
    windows = sorted({trial.monday for trial in trials})
    tried = np.array([sum(trial.monday == window for trial in trials) for window in windows])
    promoted = np.array([sum(trial.promoted for trial in trials if trial.monday == window) for window in windows])
    drawn = np.random.default_rng(seed).integers(0, len(windows), (ROUNDS, len(windows)))
    shares = promoted[drawn].sum(axis=1) / tried[drawn].sum(axis=1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(shares, [tail, 1 - tail])
    return float(low), float(high)
