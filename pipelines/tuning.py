"""Hyperparameters of the boosted trees, searched on the folds of the protocol. The only module that imports Optuna.

A study is named by all that it depends on. Killed at any moment it goes on where it was and ends as if nothing
had happened: trial k is proposed by a sampler seeded with k, from the finished trials before it.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import optuna
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from infra.storage import content_hash, forget_unfinished_database, mark_migrated
from monitoring.quality import Interval, day_block_interval, loss_per_row
from pipelines.estimators import ModelParameters
from pipelines.feature_catalog import NAMES
from pipelines.folds import FoldedRows, fold_probability

SPACE = {
    "learning_rate": FloatDistribution(0.03, 0.3, log=True),
    "leaves": IntDistribution(7, 127, log=True),
    "feature_share": FloatDistribution(0.2, 1.0),
    "smallest_leaf": IntDistribution(20, 500, log=True),
    "l2": FloatDistribution(1e-3, 100, log=True),
}
RANDOM_TRIALS = 5
NEVER_PRUNED = 3
ENOUGH_FOR_IMPORTANCE = 8
WARM_STARTS = 3
DATABASE = "studies.db"
TRIALS, SECONDS = "trials", "seconds"
COMPLETE, PRUNED = "complete", "pruned"
_ADVANTAGE, _FOLD_LOSSES, _DAY_LOSSES = "advantage", "fold_losses", "day_losses"
_ENDED = {TrialState.COMPLETE: COMPLETE, TrialState.PRUNED: PRUNED}

optuna.logging.disable_default_handler()  # it would print a line per trial; ours is one line per study


@dataclass(frozen=True)
class Trial:
    """One try: its parameters, its log loss on each fold it came to, oldest first, and how it ended."""

    number: int
    parameters: ModelParameters
    fold_losses: tuple[float, ...]
    state: str

    @property
    def log_loss(self) -> float:
        """Mean over the folds it came to; only that of a complete trial compares with others."""
        return float(np.mean(self.fold_losses))


@dataclass(frozen=True)
class Tuning:
    """What a study found. `parameters` are what to use: the best of `trials`, or the default if it gains only noise.

    `log_loss` and `default_log_loss` are means over the folds; `gain` is what the best saves over the default
    on the same flights, above 0 better, resampling whole days. It flatters a little: the best of many tries was
    picked on the days that measure it. `stopped_by` says which budget ended the study, trials or seconds.
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

    @property
    def best(self) -> Trial:
        """The complete trial with the lowest log loss, the first of equals."""
        return _best(self.trials)

    def as_facts(self) -> dict:
        """Everything as plain values; no wall-clock seconds in it. `warm_starts` reads them."""
        trials = [{**asdict(trial), "parameters": trial.parameters.as_dict()} for trial in self.trials]
        return {**asdict(self), "parameters": self.parameters.as_dict(), "trials": trials}


def tune(
    folded: FoldedRows,
    default: ModelParameters,
    folder: Path,
    *,
    trials: int,
    seconds: float,
    confidence: float,
    warm: Sequence[ModelParameters] = (),
) -> Tuning:
    """The parameters with the lowest mean log loss over the folds, from so many trials, or as many as fit the seconds.

    The first trial is the default, then come those of `warm`, then what TPE proposes. The budget in seconds is of
    trials that ended, over all attempts, and is passed by one trial at most. `folder` keeps the study, so that a
    killed one goes on and a finished one returns at once. Raises ValueError without folds or budget.
    """
    if not folded.folds or trials < 1 or seconds <= 0:
        raise ValueError(
            f"expected folds, a trial and some seconds, got {len(folded.folds)} folds, {trials} trials and "
            f"{seconds} seconds; give a longer history or a budget"
        )
    planned = tuple(dict.fromkeys((default, *warm)))
    with _study(folder, study_name(folded, planned)) as study:
        _fail_unfinished(study)
        while not (stopped_by := _spent(study, trials, seconds)):
            _run_trial(study, folded, planned)
        return _tuning(_finished(study)[:trials], folded, planned, stopped_by, confidence)


def study_name(folded: FoldedRows, planned: Sequence[ModelParameters]) -> str:
    """The SHA-256 of all that a study depends on: rows, folds, space, and the parameters that are tried first."""
    inputs = {
        "rows": content_hash(folded.rows.select(*NAMES).with_columns(late=folded.is_late, day=folded.day)),
        "folds": [[learned.stop, judged.stop] for learned, judged in folded.folds],
        "space": {name: repr(distribution) for name, distribution in SPACE.items()},
        "planned": [parameters.as_dict() for parameters in planned],
        "search": [RANDOM_TRIALS, NEVER_PRUNED, optuna.__version__],
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def warm_starts(last: dict | None, default: ModelParameters) -> tuple[ModelParameters, ...]:
    """The best parameters of the last study, given its facts, with the trees, threads and seed of now."""
    complete = [trial for trial in (last or {}).get("trials", ()) if trial["state"] == COMPLETE]
    ordered = sorted(complete, key=lambda trial: np.mean(trial["fold_losses"]))
    tried = (replace(default, **{name: trial["parameters"][name] for name in SPACE}) for trial in ordered)
    return tuple(parameters for parameters in tried if parameters != default)[:WARM_STARTS]


@contextmanager
def _study(folder: Path, name: str) -> Iterator[optuna.Study]:
    """SQLite and not a journal file: a line that a kill tears apart makes a journal unreadable for good, and the
    lock file that it leaves holds the next process up for 30 s; a transaction is undone."""
    forget_unfinished_database(folder, DATABASE)
    storage = RDBStorage(f"sqlite:///{folder / DATABASE}")
    mark_migrated(folder)
    try:
        yield optuna.create_study(study_name=name, storage=storage, pruner=_pruner(), load_if_exists=True)
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _pruner() -> MedianPruner:
    """Half of the trials that are worse than the median after the oldest fold or two are given up there."""
    return MedianPruner(n_startup_trials=NEVER_PRUNED, n_warmup_steps=0)


def _fail_unfinished(study: optuna.Study) -> None:
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)


def _finished(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=tuple(_ENDED))


def _spent(study: optuna.Study, trials: int, seconds: float) -> str | None:
    finished = _finished(study)
    if len(finished) >= trials:
        return TRIALS
    spent = sum(trial.duration.total_seconds() for trial in finished)
    return SECONDS if spent >= seconds else None


def _run_trial(study: optuna.Study, folded: FoldedRows, planned: Sequence[ModelParameters]) -> None:
    """The next trial. What it tells the pruner is its running mean less the default's: folds differ by more than
    parameters do, and a trial must not look good because an easy fold was among those it has seen."""
    number = len(_finished(study))
    study.sampler = _sampler(planned[0].seed, number)
    if number < len(planned) and not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        study.enqueue_trial(_nearest(planned[number]))
    trial = study.ask(SPACE)
    parameters = _parameters(number, trial.params, planned)
    yardstick = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))[:1]
    losses, days = [], []
    for fold, (_, judged) in enumerate(folded.folds):
        loss = loss_per_row(fold_probability(folded, fold, parameters), folded.is_late[judged])
        losses.append(float(loss.mean()))
        days += _day_sums(loss, folded.day[judged])
        beside = yardstick[0].user_attrs[_FOLD_LOSSES] if yardstick else losses
        trial.report(float(np.mean(losses) - np.mean(beside[: fold + 1])), step=fold)
        if fold + 1 < len(folded.folds) and trial.should_prune():
            break
    whole = len(losses) == len(folded.folds)
    trial.set_user_attr(_FOLD_LOSSES, losses)
    trial.set_user_attr(_DAY_LOSSES, days)
    study.tell(trial, float(np.mean(losses)) if whole else None, TrialState.COMPLETE if whole else TrialState.PRUNED)


def _sampler(seed: int, number: int) -> TPESampler:
    """A sampler that depends on nothing but the number of the trial and the trials before it."""
    return TPESampler(
        n_startup_trials=RANDOM_TRIALS, seed=int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
    )


def _nearest(parameters: ModelParameters) -> dict[str, float]:
    """The point of the space nearest to parameters: the default has no l2 at all, which a logarithm cannot say."""
    known = parameters.as_dict()
    return {name: min(max(known[name], limits.low), limits.high) for name, limits in SPACE.items()}


def _parameters(number: int, proposed: dict, planned: Sequence[ModelParameters]) -> ModelParameters:
    return planned[number] if number < len(planned) else replace(planned[0], **proposed)


def _day_sums(loss: np.ndarray, day: np.ndarray) -> list[float]:
    return np.bincount(np.unique(day, return_inverse=True)[1], weights=loss).tolist()


def _tuning(
    finished: list[FrozenTrial],
    folded: FoldedRows,
    planned: Sequence[ModelParameters],
    stopped_by: str,
    confidence: float,
) -> Tuning:
    trials = tuple(
        Trial(
            number,
            _parameters(number, trial.params, planned),
            tuple(trial.user_attrs[_FOLD_LOSSES]),
            _ENDED[trial.state],
        )
        for number, trial in enumerate(finished)
    )
    best = _best(trials)
    saved = [np.array(finished[number].user_attrs[_DAY_LOSSES]) for number in (0, best.number)]
    gain = _gain(saved[0] - saved[1], folded, confidence, planned[0].seed)
    is_tuned, reason = decide_tuned(gain, confidence)
    return Tuning(
        parameters=best.parameters if is_tuned else planned[0],
        log_loss=best.log_loss,
        default_log_loss=trials[0].log_loss,
        gain=gain,
        is_tuned=is_tuned,
        reason=reason,
        trials=trials,
        importances=_importances(finished, planned[0].seed),
        stopped_by=stopped_by,
    )


def decide_tuned(gain: Interval, confidence: float) -> tuple[bool, str]:
    """Whether to leave the default for the best trial, and why: only for a gain beyond noise."""
    if gain.lower > 0:
        return (
            True,
            f"tuned saves {gain.mean:.4f} of log loss over the default, {gain.lower:.4f} or more at {confidence:.0%}",
        )
    return False, (
        f"the default is kept, as nothing beats it beyond noise: the best of the trials saves {gain.mean:.4f} of "
        f"log loss, {gain.lower:+.4f} or more at {confidence:.0%}"
    )


def _best(trials: Sequence[Trial]) -> Trial:
    return min((trial for trial in trials if trial.state == COMPLETE), key=lambda trial: trial.log_loss)


def _gain(saved: np.ndarray, folded: FoldedRows, confidence: float, seed: int) -> Interval:
    """What is saved a day, (n_days,), as an interval: each flight of a day stands for the mean of its day."""
    counted = [np.unique(folded.day[judged], return_counts=True) for _, judged in folded.folds]
    days, flights = (np.concatenate(parts) for parts in zip(*counted, strict=True))
    return day_block_interval(np.repeat(saved / flights, flights), np.repeat(days, flights), confidence, seed)


def _importances(finished: list[FrozenTrial], seed: int) -> dict[str, float]:
    """The share of each hyperparameter in how far trials differ, the largest first; empty for under eight trials.

    fANOVA, as PED-ANOVA, Optuna's default, looks at the best tenth of the trials, which here is one or two.
    Pruned trials count with their mean over the folds they came to, less the default's: else a study would be
    judged by its better half alone. Source: Hutter, Hoos and Leyton-Brown 2014, ICML.
    """
    if len(finished) < ENOUGH_FOR_IMPORTANCE:
        return {}
    seen = optuna.create_study()
    seen.add_trials(
        optuna.create_trial(
            params=trial.params, distributions=SPACE, value=trial.intermediate_values[max(trial.intermediate_values)]
        )
        for trial in finished
    )
    found = get_param_importances(seen, evaluator=FanovaImportanceEvaluator(seed=seed))
    return {name: float(share) for name, share in found.items()}
