"""How the next model is fitted: which contender, with which parameters, chosen on the folds and on nothing newer."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import polars as pl

from pipelines.contenders import Choice, choose_contender, judge_contenders
from pipelines.estimators import HIST_GRADIENT_BOOSTING, LIGHTGBM, ModelParameters
from pipelines.folds import FoldedRows, fold_rows
from pipelines.protocol import Protocol, Slices
from pipelines.trials import warm_starts

TREES = (HIST_GRADIENT_BOOSTING, LIGHTGBM)
DEFAULT_TRIALS = 12
DEFAULT_SECONDS = 60.0


@dataclass(frozen=True)
class Recipe:
    """The parameters to fit with, and how they were found.

    `facts` are plain values for the event log: equal for equal rows unless a budget in seconds ended the search.
    `measured` are wall-clock seconds, which never are.
    """

    parameters: ModelParameters
    facts: dict
    measured: dict[str, float] = field(default_factory=dict)


def choose_recipe(
    labelled: pl.DataFrame,
    slices: Slices,
    protocol: Protocol,
    parameters: ModelParameters,
    last: dict | None,
    *,
    trials: int = DEFAULT_TRIALS,
    seconds: float = DEFAULT_SECONDS,
    folder: Path,
) -> Recipe:
    """The contender and the parameters to fit with, judged on the folds of `slices` alone.

    `parameters` are the defaults; `last` the facts of the recipe before, whose best trials are tried first; the
    study is kept in `folder`. Without folds, as history is too short, the defaults are the recipe, and no trials
    are made when `trials` is 0. Raises NothingLearned when no contender beats the yardsticks.
    """
    folded = fold_rows(labelled, slices)
    if not folded.folds:
        return _untried(parameters, slices)
    judged = judge_contenders(folded, parameters)
    choice = choose_contender(
        judged, folded.judged(folded.is_late), folded.judged(folded.day), protocol.confidence, parameters.seed
    )
    chosen = replace(parameters, kind=choice.winner)
    measured = {f"seconds_{one.name}": one.seconds for one in judged}
    facts = {"folds": len(folded.folds), "chosen": choice.winner, "reason": choice.reason, **_table(choice)}
    if choice.winner not in TREES or trials < 1:
        why = f"{choice.winner} has nothing to tune" if choice.winner not in TREES else "no trials were asked for"
        return Recipe(chosen, {**facts, "parameters": chosen.as_dict(), "tuning": {"reason": why}}, measured)
    return _tuned(folded, chosen, facts, measured, last, protocol, trials, seconds, folder)


def _tuned(
    folded: FoldedRows,
    chosen: ModelParameters,
    facts: dict,
    measured: dict,
    last: dict | None,
    protocol: Protocol,
    trials: int,
    seconds: float,
    folder: Path,
) -> Recipe:
    from pipelines.tuning import tune  # Optuna takes a second to import, and not every recipe tunes

    warm = warm_starts((last or {}).get("tuning"), chosen) if (last or {}).get("chosen") == chosen.kind else ()
    tuning = tune(folded, chosen, folder, trials=trials, seconds=seconds, confidence=protocol.confidence, warm=warm)
    facts |= {"parameters": tuning.parameters.as_dict(), "tuning": tuning.as_facts()}
    return Recipe(tuning.parameters, facts, measured | {"seconds_tuning": tuning.seconds})


def _untried(parameters: ModelParameters, slices: Slices) -> Recipe:
    days = (slices.calibration - slices.start).days
    reason = f"nothing was compared: {days} days to learn from are too few for a fold; the defaults are used"
    chosen = {"chosen": parameters.kind, "reason": reason, "parameters": parameters.as_dict()}
    return Recipe(parameters, {"folds": 0, **chosen, "contenders": [], "tuning": {"reason": reason}})


def _table(choice: Choice) -> dict:
    rows = [asdict(standing) for standing in choice.standings]
    return {"contenders": [{name: value for name, value in row.items() if name != "seconds"} for row in rows]}
