"""The folds of a search judged beside each other, by processes that read the rows themselves; bit by bit the same.

Trials stay one after the other: each is proposed from those before it, and pruned by them. The folds of one trial
depend on nothing of each other, only the pruner may find that the later ones were not worth the while.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial

from infra.processes import Spread
from infra.settings import Settings
from pipelines.clock import Week
from pipelines.context import open_context
from pipelines.estimators import ModelParameters
from pipelines.folds import FoldedRows, fold_rows, judge_fold
from pipelines.protocol import Slices
from pipelines.rows import labelled_rows

Judged = tuple[float, list[float]]


def judge_beside(
    spread: Spread, rule: Callable[[ModelParameters, int], Judged], folded: FoldedRows, parameters: ModelParameters
) -> Iterator[Judged]:
    """As `judge_folds`, by `rule` of parameters and fold, all folds at once; who stops listening cancels the rest."""
    newest_first = range(len(folded.folds))[::-1]  # it learns from the most days, and would be waited for last
    found: dict[int, Judged] = {}
    wanted = 0
    for fold, judged in spread(partial(rule, parameters), newest_first):
        found[fold] = judged
        while wanted in found:
            yield found[wanted]
            wanted += 1


def judge_fold_of(settings: Settings, week: Week, slices: Slices, parameters: ModelParameters, fold: int) -> Judged:
    """A fold of the search at the end of a week, in whatever process this is called: it reads the rows once."""
    return judge_fold(_folded(settings, week, slices), fold, parameters)


@lru_cache(maxsize=1)
def _folded(settings: Settings, week: Week, slices: Slices) -> FoldedRows:
    return fold_rows(labelled_rows(open_context(settings), week, slices), slices)
