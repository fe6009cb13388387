"""The contenders month by month: each fitted on every label known on the first, scoring the flights of the month."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from monitoring.calibration import expected_calibration_error
from pipelines.artefact_parity import LARGEST_DIFFERENCE
from pipelines.calibration_map import IDENTITY
from pipelines.contenders import SIMPLEST_FIRST, YARDSTICKS, fit_contender
from pipelines.encoding import encode_features
from pipelines.estimators import LIGHTGBM, ModelParameters
from pipelines.fitting import fit_bundle, labels_of, latency_us, prove_parity
from pipelines.worth import Month, MonthRows, judge_month, weigh_group

EXACT = 1e-9
THRESHOLD = 0.5


@dataclass(frozen=True)
class Entry:
    """A contender in one month: what its fit took, and how good it was. `ece` is 0 to 1, 0 best."""

    month: Month
    ece: float
    fit_seconds: float


@dataclass(frozen=True)
class Served:
    """What a contender is as an artefact: microseconds for one flight, and how far it is from the estimator.

    `parity` is the largest difference of probability on hard rows, `unexplained` the largest difference of the
    log-odds from what its reasons add up to.
    """

    microseconds: float
    parity: float
    unexplained: float

    @property
    def is_safe(self) -> bool:
        """Whether it became an ONNX graph, which runs nobody's code, and still answers as the estimator does."""
        return self.parity < LARGEST_DIFFERENCE

    @property
    def is_explained(self) -> bool:
        """Whether the reasons add up to the score."""
        return self.unexplained < EXACT


@dataclass(frozen=True)
class Result:
    """A contender over the months. `loses` is its log loss less that of the best, an interval of days; `auc` too."""

    name: str
    entries: tuple[Entry, ...]
    loses: object
    loses_auc: object

    def mean(self, measure: str) -> float:
        """The mean over the months of a measure of `Quality`, or of `ece` or `fit_seconds`."""
        own = measure in ("ece", "fit_seconds")
        return float(np.mean([getattr(entry if own else entry.month.quality, measure) for entry in self.entries]))


def enter(name: str, rows: MonthRows, parameters: ModelParameters) -> Entry:
    """Fit a contender on what is known at the start of a month, and score the month."""
    learned = encode_features(rows.learned)
    began = perf_counter()
    predict = fit_contender(name, rows.learned, learned, labels_of(rows.learned), parameters)
    seconds = perf_counter() - began
    probability = predict(rows.scored, encode_features(rows.scored))
    ece = expected_calibration_error(probability, labels_of(rows.scored))
    return Entry(judge_month(rows, probability), ece, seconds)


def rank(entries: dict[str, Sequence[Entry]], seed: int) -> tuple[Result, ...]:
    """All contenders beside the one of lowest mean log loss, the simplest first; 95 % intervals from days."""
    losses = {name: np.mean([entry.month.quality.log_loss for entry in of]) for name, of in entries.items()}
    best = [entry.month for entry in entries[min(losses, key=losses.get)]]
    results = []
    for name in sorted(entries, key=SIMPLEST_FIRST.index):
        beside = weigh_group(name, best, [entry.month for entry in entries[name]], seed)
        results.append(Result(name, tuple(entries[name]), beside.log_loss, beside.roc_auc))
    return tuple(results)


def serve(name: str, rows: MonthRows, parameters: ModelParameters) -> Served | None:
    """The artefact of a contender that was fitted for a month; None for a yardstick, which is never served."""
    if name in YARDSTICKS:
        return None
    fitted = fit_bundle(rows.learned, replace(parameters, kind=name), IDENTITY, THRESHOLD, {})
    encoded = encode_features(rows.scored)
    said = fitted.scorer.explain(encoded)
    unexplained = np.abs(said.bias + said.contributions.sum(axis=1) - said.log_odds).max()
    parity = prove_parity(fitted, rows.scored, parameters.seed)
    return Served(latency_us(fitted.scorer, encoded), parity.value, float(unexplained))


def conclude(results: Sequence[Result], served: dict[str, Served | None]) -> str:
    """What the numbers say, in words; the simplest servable contender within noise of the best is the main model."""
    best = min(results, key=lambda result: result.mean("log_loss"))
    fit = [result for result in results if served[result.name] and _is_servable(served[result.name])]
    chosen = next((result for result in fit if result is best or result.loses.lower <= 0), None)
    if chosen is None:
        return f"No contender that can be served is within noise of {best.name}, the best: nothing is chosen."
    worse = [other for other in results if SIMPLEST_FIRST.index(other.name) < SIMPLEST_FIRST.index(chosen.name)]
    beaten = ", ".join(f"{other.name} by {other.loses.mean:.4f} (at least {other.loses.lower:.4f})" for other in worse)
    newer = [other for other in results if SIMPLEST_FIRST.index(other.name) > SIMPLEST_FIRST.index(chosen.name)]
    return " ".join(
        [
            f"The main model is {chosen.name}: the simplest whose log loss, {chosen.mean('log_loss'):.4f}, is within "
            f"noise of the best, {best.name} with {best.mean('log_loss'):.4f}.",
            f"The best beats {beaten}." if beaten else "Nothing is simpler.",
            *(_beside(chosen, other) for other in newer),
        ]
    )


def _is_servable(served: Served) -> bool:
    return served.is_safe and served.is_explained


def _beside(chosen: Result, other: Result) -> str:
    ratio = other.mean("fit_seconds") / chosen.mean("fit_seconds")
    return (
        f"{other.name} has {other.mean('log_loss') - chosen.mean('log_loss'):+.4f} of log loss and "
        f"{other.mean('roc_auc') - chosen.mean('roc_auc'):+.4f} of AUC beside it, takes {ratio:.1f} times as long to "
        f"fit{', and is one more native library' if other.name == LIGHTGBM else ''}."
    )
