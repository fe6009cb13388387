"""How the next model is fitted: which contender, with which parameters, chosen on the folds and on nothing newer."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import polars as pl

from pipelines.contenders import Choice, choose_contender, judge_contenders
from pipelines.estimators import HIST_GRADIENT_BOOSTING, ModelParameters
from pipelines.folds import FoldedRows, JudgeFolds, fold_rows, judge_folds
from pipelines.protocol import Protocol, Slices
from pipelines.trials import Tuning, warm_starts

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
    judge: JudgeFolds = judge_folds,
) -> Recipe:
    """The contender and the parameters to fit with, judged on the folds of `slices` alone.

    `parameters` are the defaults; `last` the facts of the recipe before, whose best trials are tried first; the
    study is kept in `folder`, and `judge` does its folds. Without folds, as history is too short, the defaults are
    the recipe, and no trials are made when `trials` is 0. Raises NothingLearned when no contender beats the
    yardsticks.
    """
    folded = fold_rows(labelled, slices)
    if not folded.folds:
        return _untried(parameters, slices)
    tuning = _tuned(folded, parameters, last, protocol, trials, seconds, folder, judge) if trials else None
    best = tuning.parameters if tuning else parameters
    judged = judge_contenders(folded, best)
    choice = choose_contender(
        judged, folded.judged(folded.is_late), folded.judged(folded.day), protocol.confidence, parameters.seed
    )
    chosen = replace(best, kind=choice.winner)
    facts = {
        "folds": len(folded.folds),
        "chosen": choice.winner,
        "reason": choice.reason,
        "parameters": chosen.as_dict(),
        "tuning": tuning.as_facts() if tuning else {"reason": "no trials were asked for"},
        **_table(choice),
    }
    measured = {f"seconds_{one.name}": one.seconds for one in judged}
    return Recipe(chosen, facts, measured | ({"seconds_tuning": tuning.seconds} if tuning else {}))


def _tuned(
    folded: FoldedRows,
    parameters: ModelParameters,
    last: dict | None,
    protocol: Protocol,
    trials: int,
    seconds: float,
    folder: Path,
    judge: JudgeFolds,
) -> Tuning:
    """The search, before the contenders meet: the trees compete as they would be fitted, not as they came."""
    from pipelines.tuning import tune  # Optuna takes a second to import, and not every recipe tunes

    trees = replace(parameters, kind=HIST_GRADIENT_BOOSTING)
    warm = warm_starts((last or {}).get("tuning"), trees)
    return tune(
        folded, trees, folder, trials=trials, seconds=seconds, confidence=protocol.confidence, warm=warm, judge=judge
    )


def _untried(parameters: ModelParameters, slices: Slices) -> Recipe:
    days = (slices.calibration - slices.start).days
    reason = f"nothing was compared: {days} days to learn from are too few for a fold; the defaults are used"
    chosen = {"chosen": parameters.kind, "reason": reason, "parameters": parameters.as_dict()}
    return Recipe(parameters, {"folds": 0, **chosen, "contenders": [], "tuning": {"reason": reason}})


def _table(choice: Choice) -> dict:
    rows = [asdict(standing) for standing in choice.standings]
    return {"contenders": [{name: value for name, value in row.items() if name != "seconds"} for row in rows]}
