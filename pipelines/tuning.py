"""Hyperparameters of the boosted trees, searched on the folds of the protocol. The only module that imports Optuna.

A study is named by all that it depends on. Killed at any moment it goes on where it was and ends as if nothing
had happened: trial k is proposed by a sampler seeded with k, from the finished trials before it.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
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
from pipelines.estimators import ModelParameters
from pipelines.feature_catalog import NAMES
from pipelines.folds import FoldedRows, JudgeFolds, judge_folds
from pipelines.trials import COMPLETE, PRUNED, Trial, Tuning, sum_up

SPACE = {
    "learning_rate": FloatDistribution(0.03, 0.3, log=True),
    "leaves": IntDistribution(7, 127, log=True),
    "feature_share": FloatDistribution(0.2, 1.0),
    "smallest_leaf": IntDistribution(20, 500, log=True),
    "l2": FloatDistribution(1e-3, 100, log=True),
}
"""Where each of `trials.TUNED` is looked for."""

RANDOM_TRIALS = 5
NEVER_PRUNED = 3
ENOUGH_FOR_IMPORTANCE = 8
DATABASE = "studies.db"
BY_TRIALS, BY_SECONDS = "trials", "seconds"
_FOLD_LOSSES, _DAY_LOSSES = "fold_losses", "day_losses"
_ENDED = {TrialState.COMPLETE: COMPLETE, TrialState.PRUNED: PRUNED}


def tune(
    folded: FoldedRows,
    default: ModelParameters,
    folder: Path,
    *,
    trials: int,
    seconds: float,
    confidence: float,
    warm: Sequence[ModelParameters] = (),
    judge: JudgeFolds = judge_folds,
) -> Tuning:
    """The parameters with the lowest mean log loss over the folds, from so many trials, or as many as fit the seconds.

    The first trial is the default, then come those of `warm`, then what TPE proposes. The budget in seconds is of
    trials that ended, over all attempts, and is passed by one trial at most. `folder` keeps the study, so that a
    killed one goes on and a finished one returns at once; `judge` may do the folds elsewhere. Raises ValueError
    without folds or budget.
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
            _run_trial(study, folded, planned, judge)
        finished = _finished(study)[:trials]
    return sum_up(
        tuple(_trial(number, trial, planned) for number, trial in enumerate(finished)),
        folded,
        confidence,
        importances=_importances(finished, default.seed),
        stopped_by=stopped_by,
        seconds=_seconds(finished),
    )


def study_name(folded: FoldedRows, planned: Sequence[ModelParameters]) -> str:
    """The SHA-256 of all that a study depends on: rows, folds, space, search, and what is tried first with its seed."""
    inputs = {
        "rows": content_hash(folded.rows.select(NAMES).with_columns(late=folded.is_late, day=folded.day)),
        "folds": [[learned.stop, judged.stop] for learned, judged in folded.folds],
        "space": {name: repr(limits) for name, limits in SPACE.items()},
        "planned": [parameters.as_dict() for parameters in planned],
        "search": [RANDOM_TRIALS, NEVER_PRUNED, optuna.__version__],
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


@contextmanager
def _study(folder: Path, name: str) -> Iterator[optuna.Study]:
    """In SQLite, where a transaction that a kill interrupts is undone.

    A journal file survives less: the line that a kill tears apart makes it unreadable for good, and the lock that
    is left behind holds the next process up for 30 s.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # else a line per trial
    forget_unfinished_database(folder, DATABASE)
    storage = RDBStorage(f"sqlite:///{folder / DATABASE}")
    mark_migrated(folder)
    try:
        pruner = MedianPruner(n_startup_trials=NEVER_PRUNED)
        yield optuna.create_study(study_name=name, storage=storage, pruner=pruner, load_if_exists=True)
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _fail_unfinished(study: optuna.Study) -> None:
    """What a kill interrupted is done again: with the same parameters, as the same trials ended before it."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)


def _finished(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=tuple(_ENDED))


def _spent(study: optuna.Study, trials: int, seconds: float) -> str | None:
    """Which budget is used up, None while there is some of both."""
    finished = _finished(study)
    if len(finished) >= trials:
        return BY_TRIALS
    return BY_SECONDS if _seconds(finished) >= seconds else None


def _seconds(finished: Sequence[FrozenTrial]) -> float:
    return sum(trial.duration.total_seconds() for trial in finished)


def _run_trial(study: optuna.Study, folded: FoldedRows, planned: Sequence[ModelParameters], judge: JudgeFolds) -> None:
    finished = _finished(study)
    number = len(finished)
    study.sampler = _sampler(planned[0].seed, number)
    if number < len(planned) and not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        study.enqueue_trial(_nearest(planned[number]))
    trial = study.ask(SPACE)
    parameters = _parameters(number, trial.params, planned)
    default = finished[0].user_attrs[_FOLD_LOSSES] if finished else None
    losses, days = _judge(trial, judge(folded, parameters), default, len(folded.folds))
    trial.set_user_attr(_FOLD_LOSSES, losses)
    trial.set_user_attr(_DAY_LOSSES, days)
    if len(losses) == len(folded.folds):
        study.tell(trial, float(np.mean(losses)))
    else:
        study.tell(trial, state=TrialState.PRUNED)


def _judge(
    trial: optuna.Trial, judged: Iterator[tuple[float, list[float]]], default: list[float] | None, folds: int
) -> tuple[list[float], list[float]]:
    """Mean log loss of each fold, and sums of its days, the oldest fold first, until the pruner gives the trial up.

    The oldest fold learns from the fewest days, so it is the cheapest, and tells as much as the others. What the
    pruner sees is the mean so far less that of the default: folds differ by more than parameters do.
    """
    losses, days = [], []
    for fold, (loss, days_of_fold) in enumerate(judged):
        losses.append(loss)
        days += days_of_fold
        trial.report(float(np.mean(losses) - np.mean((default or losses)[: fold + 1])), step=fold)
        if fold + 1 < folds and trial.should_prune():
            break
    return losses, days


def _sampler(seed: int, number: int) -> TPESampler:
    """A sampler that depends on nothing but the number of the trial and the trials before it."""
    mixed = np.random.SeedSequence([seed, number]).generate_state(1)
    return TPESampler(n_startup_trials=RANDOM_TRIALS, seed=int(mixed[0]))


def _nearest(parameters: ModelParameters) -> dict[str, float]:
    """The point of the space nearest to parameters: the default has no l2 at all, which a logarithm cannot say."""
    known = parameters.as_dict()
    return {name: min(max(known[name], limits.low), limits.high) for name, limits in SPACE.items()}


def _parameters(number: int, proposed: dict, planned: Sequence[ModelParameters]) -> ModelParameters:
    return planned[number] if number < len(planned) else replace(planned[0], **proposed)


def _trial(number: int, trial: FrozenTrial, planned: Sequence[ModelParameters]) -> Trial:
    """`number` counts trials that ended; Optuna's own number counts those that were killed too."""
    return Trial(
        number=number,
        parameters=_parameters(number, trial.params, planned),
        fold_losses=tuple(trial.user_attrs[_FOLD_LOSSES]),
        state=_ENDED[trial.state],
        day_losses=tuple(trial.user_attrs[_DAY_LOSSES]),
    )


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
        optuna.create_trial(params=trial.params, distributions=SPACE, value=trial.intermediate_values[trial.last_step])
        for trial in finished
    )
    found = get_param_importances(seen, evaluator=FanovaImportanceEvaluator(seed=seed))
    return {name: float(share) for name, share in found.items()}
