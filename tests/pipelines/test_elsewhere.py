"""Folds judged beside each other give the search that folds give one after the other, to the last bit."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import few_days
import pytest

from infra.processes import processes
from pipelines.elsewhere import Judged, judge_beside
from pipelines.estimators import ModelParameters
from pipelines.folds import FoldedRows, judge_fold, judge_folds
from pipelines.trials import PRUNED
from pipelines.tuning import tune

TRIALS = 8


def of_made_up_flights(parameters: ModelParameters, fold: int) -> Judged:
    return judge_fold(few_days.folded(), fold, parameters)


def beside(spread: Callable) -> Callable[[FoldedRows, ModelParameters], Iterator[Judged]]:
    return partial(judge_beside, spread, of_made_up_flights)


def in_order(rule: Callable, partitions: Sequence) -> Iterator[tuple]:
    return ((partition, rule(partition)) for partition in partitions)


def backwards(rule: Callable, partitions: Sequence) -> Iterator[tuple]:
    return in_order(rule, partitions[::-1])


@pytest.mark.parametrize("spread", [in_order, backwards])
def test_folds_come_oldest_first_in_whatever_order_they_are_done(spread):
    folded = few_days.folded()

    found = list(beside(spread)(folded, few_days.QUICK))

    assert found == list(judge_folds(folded, few_days.QUICK))


def test_what_the_pruner_does_not_want_is_given_up():
    given_up = []

    def watched(rule, partitions):
        try:
            yield from backwards(rule, partitions)
        finally:
            given_up.append(True)

    judged = beside(watched)(few_days.folded(), few_days.QUICK)
    next(judged)
    judged.close()

    assert given_up == [True]


def test_a_search_over_two_processes_is_the_search_over_one(tmp_path):
    asked = {"trials": TRIALS, "seconds": 600, "confidence": 0.95}

    alone = tune(few_days.folded(), few_days.QUICK, tmp_path / "alone", **asked)
    with processes(2) as spread:
        together = tune(few_days.folded(), few_days.QUICK, tmp_path / "beside", **asked, judge=beside(spread))

    assert together == alone
    assert PRUNED in {trial.state for trial in alone.trials}
