"""A study of hyperparameters: the same every time, through a kill too, within its budget, and honest about its gain."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import few_days
import numpy as np
import optuna
import pytest

from monitoring.quality import Interval, day_block_interval, loss_per_row
from pipelines import folds, tuning
from pipelines.folds import fold_probability, fold_rows
from pipelines.trials import COMPLETE, PRUNED, TUNED, Trial, best_of, decide_tuned, warm_starts
from pipelines.tuning import BY_SECONDS, BY_TRIALS, ENOUGH_FOR_IMPORTANCE, SPACE, tune

TRIALS = 10


def tuned(folder: Path, trials: int = TRIALS, seconds: float = 600, folded=None, **more):
    """A study of the made-up flights."""
    rows = folded or few_days.folded()
    return tune(rows, few_days.QUICK, folder, trials=trials, seconds=seconds, confidence=0.95, **more)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """One whole study, and the folder it is kept in."""
    folder = tmp_path_factory.mktemp("study")
    return tuned(folder), folder


def test_every_parameter_that_is_tuned_has_its_limits():
    assert tuple(SPACE) == TUNED


def test_the_first_trial_is_the_plain_default(study):
    first = study[0].trials[0]

    assert (first.number, first.parameters, first.state) == (0, few_days.QUICK, COMPLETE)
    assert study[0].default_log_loss == first.log_loss


def test_a_trial_s_losses_are_those_of_its_parameters_on_each_fold(study):
    folded, best = few_days.folded(), best_of(study[0].trials)

    losses = [
        loss_per_row(fold_probability(folded, number, best.parameters), folded.is_late[judged])
        for number, (_, judged) in enumerate(folded.folds)
    ]

    assert best.fold_losses == tuple(float(loss.mean()) for loss in losses)
    assert study[0].log_loss == pytest.approx(np.mean(best.fold_losses))
    assert sum(best.day_losses) == pytest.approx(sum(loss.sum() for loss in losses))


def test_the_gain_is_that_of_the_flights_themselves_with_days_drawn_again(study):
    folded, best = few_days.folded(), best_of(study[0].trials)
    losses = [
        np.concatenate(
            [
                loss_per_row(fold_probability(folded, number, parameters), folded.is_late[judged])
                for number, (_, judged) in enumerate(folded.folds)
            ]
        )
        for parameters in (few_days.QUICK, best.parameters)
    ]

    expected = day_block_interval(losses[0] - losses[1], folded.judged(folded.day), 0.95, few_days.QUICK.seed)

    assert study[0].gain.mean == pytest.approx(expected.mean)
    assert study[0].gain.lower == pytest.approx(expected.lower)
    assert study[0].gain.days == 21


def test_proposals_stay_in_the_space_and_change_nothing_else(study):
    for trial in study[0].trials[1:]:
        found = trial.parameters.as_dict()
        assert all(limits.low <= found[name] <= limits.high for name, limits in SPACE.items())
        assert {name: found[name] for name in found if name not in SPACE} == {
            name: value for name, value in few_days.QUICK.as_dict().items() if name not in SPACE
        }


def test_equal_rows_and_seed_give_the_same_study(study, tmp_path):
    assert tuned(tmp_path) == study[0]


def test_another_seed_gives_another_study(study, tmp_path):
    other = tune(few_days.folded(), replace(few_days.QUICK, seed=7), tmp_path, trials=3, seconds=600, confidence=0.95)

    assert [trial.parameters.leaves for trial in other.trials[1:]] != [
        trial.parameters.leaves for trial in study[0].trials[1:3]
    ]


def test_a_finished_study_is_not_done_again(study, monkeypatch):
    monkeypatch.setattr(folds, "fold_probability", lambda *_: pytest.fail("a model was fitted"))

    assert tuned(study[1]) == study[0]


def test_a_longer_study_begins_with_the_shorter_and_asking_for_less_gives_the_shorter(study, tmp_path):
    short = tuned(tmp_path, trials=4)

    assert short.trials == study[0].trials[:4]
    assert tuned(study[1], trials=4) == short
    assert tuned(tmp_path) == study[0]


def test_other_rows_are_another_study_in_the_same_folder(study, tmp_path):
    tuned(tmp_path, trials=2)

    other = tuned(tmp_path, trials=2, folded=few_days.folded(seed=2))

    assert other.trials[0].fold_losses != study[0].trials[0].fold_losses


CHILD = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {here!r})
import few_days, test_tuning
from pipelines import folds, tuning
fits, real = [], folds.fold_probability
def fit(*arguments):
    fits.append(1)
    if len(fits) == {fits}:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments)
folds.fold_probability = fit
test_tuning.tuned(Path({folder!r}))
"""


def killed_at(folder: Path, fits: int) -> None:
    """A study in a process of its own that is killed with SIGKILL in the middle of a trial."""
    script = CHILD.format(here=str(Path(__file__).parent), fits=fits, folder=str(folder))
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=os.environ, timeout=300)
    assert ended.returncode == -signal.SIGKILL, ended.stderr


def test_a_study_killed_in_the_middle_of_trials_ends_as_if_it_had_not_been(study, tmp_path):
    killed_at(tmp_path, fits=2)  # in the default
    killed_at(tmp_path, fits=17)  # in one that TPE proposes

    found = tuned(tmp_path)

    states = states_of(tmp_path)
    assert found == study[0]
    in_the_default, in_another = (number for number, state in enumerate(states) if state == "FAIL")
    assert in_the_default == 0
    assert in_another > tuning.RANDOM_TRIALS
    assert set(states) == {"FAIL", "COMPLETE", "PRUNED"}


def states_of(folder: Path) -> list[str]:
    """The states of all trials of the only study in a folder, as Optuna sees them."""
    storage = optuna.storages.RDBStorage(f"sqlite:///{folder / tuning.DATABASE}")
    (name,) = optuna.get_all_study_names(storage)
    states = [trial.state.name for trial in optuna.load_study(study_name=name, storage=storage).trials]
    storage.remove_session()
    storage.engine.dispose()
    return states


def test_a_study_killed_while_its_database_is_made_goes_on(study, tmp_path):
    (tmp_path / tuning.DATABASE).write_bytes(b"half a database")

    assert tuned(tmp_path, trials=2).trials == study[0].trials[:2]


def test_the_best_of_the_last_study_are_tried_right_after_the_default(study, tmp_path):
    facts = study[0].as_facts()
    warm = warm_starts(facts, few_days.QUICK)

    again = tuned(tmp_path, trials=5, warm=warm)

    complete = sorted((trial for trial in study[0].trials if trial.state == COMPLETE), key=lambda one: one.log_loss)
    best = [trial.parameters for trial in complete if trial.parameters != few_days.QUICK][:3]
    assert len(best) == 3
    assert [trial.parameters for trial in again.trials[:4]] == [few_days.QUICK, *best]
    assert again.trials[1].fold_losses == complete[0].fold_losses


def test_warm_starts_take_trees_and_seed_from_now(study):
    now = replace(few_days.QUICK, trees=99, seed=5, threads=1)

    assert {(found.trees, found.seed, found.threads) for found in warm_starts(study[0].as_facts(), now)} == {(99, 5, 1)}


@pytest.mark.parametrize("last", [None, {}, {"reason": "nothing was tuned"}])
def test_without_a_study_there_is_nothing_to_start_from(last):
    assert warm_starts(last, few_days.QUICK) == ()


def test_a_trial_that_was_pruned_is_no_start():
    pruned = trial(1, [0.1], PRUNED, leaves=99).as_facts()
    complete = trial(2, [0.5, 0.5], COMPLETE, leaves=50).as_facts()

    assert [found.leaves for found in warm_starts({"trials": [pruned, complete]}, few_days.QUICK)] == [50]


def trial(number: int, losses: list[float], state: str, **parameters: float) -> Trial:
    """A trial with these losses."""
    return Trial(number, replace(few_days.QUICK, **parameters), tuple(losses), state, ())


def test_trials_behind_the_median_are_given_up_before_the_last_fold(study):
    pruned = [trial for trial in study[0].trials if trial.state == PRUNED]

    assert pruned
    assert all(len(trial.fold_losses) < 3 for trial in pruned)
    assert all(len(trial.fold_losses) == 3 for trial in study[0].trials if trial.state == COMPLETE)


def test_a_trial_is_compared_with_the_default_and_not_punished_for_a_hard_fold(tmp_path, monkeypatch):
    """Folds of losses 0.1, 0.5, 0.9: told as they are, every trial would look best on its first fold for good."""
    hard = iter(range(1000))
    told = []

    def said(folded, fold, parameters):
        worse = 0.001 * next(hard)
        probability = np.exp(-np.array([0.1, 0.5, 0.9])[fold] - worse)
        late = folded.is_late[folded.folds[fold][1]]
        return np.where(late == 1, probability, 1 - probability)

    monkeypatch.setattr(folds, "fold_probability", said)
    monkeypatch.setattr(optuna.Trial, "report", lambda _, value, step: told.append((step, value)), raising=True)
    tuned(tmp_path, trials=2)

    assert [step for step, _ in told] == [0, 1, 2, 0, 1, 2]
    assert [value for _, value in told] == pytest.approx([0, 0, 0, 0.003, 0.003, 0.003])


def test_a_pruned_trial_never_is_the_best():
    trials = (trial(0, [0.5, 0.5], COMPLETE), trial(1, [0.1], PRUNED), trial(2, [0.4, 0.5], COMPLETE))

    assert best_of(trials).number == 2


def test_of_equal_trials_the_first_is_the_best():
    assert best_of((trial(0, [0.5], COMPLETE), trial(1, [0.5], COMPLETE))).number == 0


def test_a_budget_in_seconds_ends_a_study_and_says_so(tmp_path):
    found = tuned(tmp_path, seconds=1e-6)

    assert (len(found.trials), found.stopped_by) == (1, BY_SECONDS)
    assert tuned(tmp_path, seconds=1e-6) == found


def test_a_budget_in_trials_ends_a_study_and_says_so(study):
    assert (len(study[0].trials), study[0].stopped_by) == (TRIALS, BY_TRIALS)


def test_the_importances_are_shares_of_one(study):
    assert set(study[0].importances) == set(SPACE)
    assert sum(study[0].importances.values()) == pytest.approx(1)
    assert min(study[0].importances.values()) >= 0


@pytest.mark.parametrize(("trials", "measured"), [(ENOUGH_FOR_IMPORTANCE - 1, False), (ENOUGH_FOR_IMPORTANCE, True)])
def test_importances_need_enough_trials(study, trials, measured):
    assert bool(tuned(study[1], trials=trials).importances) == measured


def interval(lower: float) -> Interval:
    """A gain with this lower bound."""
    return Interval(mean=0.002, lower=lower, share_positive=0.9, days=42)


@pytest.mark.parametrize(("lower", "is_tuned"), [(0.0001, True), (0.0, False), (-0.0001, False)])
def test_only_a_gain_beyond_noise_leaves_the_default(lower, is_tuned):
    decided, reason = decide_tuned(interval(lower), 0.95)

    assert decided == is_tuned
    assert f"saves 0.0020 of log loss over the default, {lower:+.4f} or more at 95% confidence" in reason
    assert reason.startswith("the default is kept") != is_tuned


def test_a_study_of_the_default_alone_keeps_it(tmp_path):
    found = tuned(tmp_path, trials=1)

    assert (found.parameters, found.is_tuned, found.gain.mean) == (few_days.QUICK, False, 0.0)


@pytest.mark.parametrize("budget", [{"trials": 0}, {"seconds": 0.0}])
def test_a_study_without_a_budget_is_refused(tmp_path, budget):
    with pytest.raises(ValueError, match="expected folds, a trial and some seconds, got 3 folds"):
        tuned(tmp_path, **budget)


def test_nothing_that_leaves_after_the_folds_changes_a_study(study, tmp_path):
    slices = few_days.slices()
    spoilt = few_days.spoil(few_days.flights(), slices.calibration)

    found = tuned(tmp_path, trials=4, folded=fold_rows(spoilt, slices))

    assert found.trials == study[0].trials[:4]
