"""What a study of hyperparameters found, as plain values, and whether it is worth leaving the default for it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from monitoring.quality import Interval, day_block_interval
from pipelines.estimators import ModelParameters
from pipelines.folds import FoldedRows

TUNED = ("learning_rate", "leaves", "feature_share", "smallest_leaf", "l2")
"""The parameters that are searched for; the number of trees is the caller's, as it decides what a fit costs."""

COMPLETE, PRUNED = "complete", "pruned"
WARM_STARTS = 3


@dataclass(frozen=True)
class Trial:
    """One try: its parameters, its mean log loss on each fold it came to, oldest first, and how it ended.

    `day_losses` are sums of log loss over the flights of each day of each fold, in that order.
    """

    number: int
    parameters: ModelParameters
    fold_losses: tuple[float, ...]
    state: str
    day_losses: tuple[float, ...] = field(repr=False)

    @property
    def log_loss(self) -> float:
        """Mean over the folds it came to; only that of a complete trial compares with others."""
        return float(np.mean(self.fold_losses))

    def as_facts(self) -> dict:
        """Plain values, without the losses of days."""
        named = {"number": self.number, "state": self.state, "fold_losses": list(self.fold_losses)}
        return {**named, "parameters": self.parameters.as_dict()}


@dataclass(frozen=True)
class Tuning:
    """What a study found. `parameters` are what to use: the best of `trials`, or the default if it gains only noise.

    `log_loss`, of the best, and `default_log_loss` are means over the folds; `gain` is what the best saves over
    the default on the same flights, above 0 better, resampling whole days. It flatters a little: the best of many
    tries was picked on the days that measure it. `stopped_by` says which budget ended the study, trials or
    seconds; `seconds` is what its trials took, and no part of being equal.
    """

    parameters: ModelParameters
    log_loss: float
    default_log_loss: float
    gain: Interval
    is_tuned: bool
    reason: str
    trials: tuple[Trial, ...]
    importances: dict[str, float]
    stopped_by: str
    seconds: float = field(compare=False)

    def as_facts(self) -> dict:
        """Everything as plain values but the seconds; `warm_starts` reads them."""
        facts = {name: value for name, value in vars(self).items() if name != "seconds"}
        trials = [trial.as_facts() for trial in self.trials]
        return facts | {"parameters": self.parameters.as_dict(), "gain": asdict(self.gain), "trials": trials}


def sum_up(
    trials: tuple[Trial, ...],
    folded: FoldedRows,
    confidence: float,
    *,
    importances: dict[str, float],
    stopped_by: str,
    seconds: float,
) -> Tuning:
    """What trials on these folds amount to; the first of them is the default, and complete."""
    default, best = trials[0], best_of(trials)
    gain = _gain(default, best, folded, confidence)
    is_tuned, reason = decide_tuned(gain, confidence)
    return Tuning(
        parameters=(best if is_tuned else default).parameters,
        log_loss=best.log_loss,
        default_log_loss=default.log_loss,
        gain=gain,
        is_tuned=is_tuned,
        reason=reason,
        trials=trials,
        importances=importances,
        stopped_by=stopped_by,
        seconds=seconds,
    )


def best_of(trials: Sequence[Trial]) -> Trial:
    """The complete trial with the lowest log loss, the first of equals."""
    return min((trial for trial in trials if trial.state == COMPLETE), key=lambda trial: trial.log_loss)


def decide_tuned(gain: Interval, confidence: float) -> tuple[bool, str]:
    """Whether to leave the default for the best trial, and why: only for a gain beyond noise."""
    found = f"the best trial saves {gain.mean:.4f} of log loss over the default, {gain.lower:+.4f} or more at"
    if gain.lower > 0:
        return True, f"{found} {confidence:.0%} confidence"
    return False, f"the default is kept, nothing beats it beyond noise: {found} {confidence:.0%} confidence"


def warm_starts(last: dict | None, default: ModelParameters) -> tuple[ModelParameters, ...]:
    """The best parameters of the last study, given its facts, with the trees, threads and seed of now."""
    complete = [trial for trial in (last or {}).get("trials", ()) if trial["state"] == COMPLETE]
    ordered = sorted(complete, key=lambda trial: np.mean(trial["fold_losses"]))
    tried = (replace(default, **{name: trial["parameters"][name] for name in TUNED}) for trial in ordered)
    return tuple(parameters for parameters in tried if parameters != default)[:WARM_STARTS]


def _gain(default: Trial, best: Trial, folded: FoldedRows, confidence: float) -> Interval:
    """What is saved a flight, as an interval: each flight of a day stands for the mean of its day."""
    counted = [np.unique(folded.day[judged], return_counts=True) for _, judged in folded.folds]
    days, flights = (np.concatenate(parts) for parts in zip(*counted, strict=True))
    saved = (np.array(default.day_losses) - np.array(best.day_losses)) / flights
    seed = default.parameters.seed
    return day_block_interval(np.repeat(saved, flights), np.repeat(days, flights), confidence, seed)
