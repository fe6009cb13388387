"""What the next model is fitted with: chosen on folds alone, told in plain values, the same every time."""

import json
from dataclasses import replace
from datetime import timedelta

import few_days
import pytest

from pipelines import recipe as recipes
from pipelines.contenders import SIMPLEST_FIRST, Choice, NothingLearned
from pipelines.estimators import HIST_GRADIENT_BOOSTING, LIGHTGBM, LOGISTIC, ModelParameters
from pipelines.folds import fold_rows
from pipelines.protocol import slice_time
from pipelines.recipe import choose_recipe

QUICK = replace(few_days.QUICK, trees=12)


def choose(folder, rows=None, slices=None, last=None, trials=3):
    """The recipe of the made-up weeks."""
    return choose_recipe(
        few_days.flights() if rows is None else rows,
        slices or few_days.slices(),
        few_days.PROTOCOL,
        QUICK,
        last,
        trials=trials,
        seconds=600,
        folder=folder,
    )


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    """One recipe."""
    return choose(tmp_path_factory.mktemp("recipe"))


def test_a_recipe_names_the_contender_that_won_and_the_parameters_to_fit_with(recipe):
    facts = recipe.facts

    assert facts["chosen"] == recipe.parameters.kind in (HIST_GRADIENT_BOOSTING, LIGHTGBM)
    assert facts["reason"].startswith(facts["chosen"])
    assert ModelParameters(**facts["parameters"]) == recipe.parameters
    assert [row["name"] for row in facts["contenders"]] == list(SIMPLEST_FIRST)
    assert (facts["folds"], len(facts["tuning"]["trials"])) == (3, 3)


def test_the_facts_of_a_recipe_are_plain_values(recipe):
    assert json.loads(json.dumps(recipe.facts, allow_nan=False)) == recipe.facts


def test_seconds_are_measured_and_never_facts(recipe):
    assert set(recipe.measured) == {*(f"seconds_{name}" for name in SIMPLEST_FIRST), "seconds_tuning"}
    assert min(recipe.measured.values()) > 0
    assert "seconds" not in {name for row in recipe.facts["contenders"] for name in row} | set(recipe.facts["tuning"])


def test_nothing_newer_than_the_folds_has_a_say(recipe, tmp_path):
    slices = few_days.slices()

    spoilt = choose(tmp_path, rows=few_days.spoil(few_days.flights(), slices.calibration))

    assert (spoilt.parameters, spoilt.facts) == (recipe.parameters, recipe.facts)


def test_without_a_fold_the_defaults_are_the_recipe(tmp_path):
    short = slice_time(few_days.PROTOCOL, few_days.START, few_days.START + timedelta(weeks=3))

    found = choose(tmp_path, slices=short)

    assert short.folds == ()
    assert (found.parameters, found.facts["chosen"], found.facts["folds"]) == (QUICK, QUICK.kind, 0)
    assert "7 days to learn from are too few for a fold" in found.facts["reason"]
    assert json.dumps(found.facts)


def test_the_next_recipe_tries_the_best_of_the_last_first(recipe, tmp_path):
    best = min(recipe.facts["tuning"]["trials"][1:], key=lambda trial: sum(trial["fold_losses"]))

    following = choose(tmp_path, last=json.loads(json.dumps(recipe.facts)), trials=2)

    assert following.facts["tuning"]["trials"][1]["parameters"] == best["parameters"]


def test_parameters_of_another_kind_of_model_are_no_start(recipe, tmp_path):
    other = {**recipe.facts, "chosen": "another kind"}

    assert choose(tmp_path, last=other, trials=2).facts["tuning"] == choose(tmp_path, trials=2).facts["tuning"]


def test_the_trees_meet_the_others_as_they_were_tuned(tmp_path, monkeypatch):
    met = []
    monkeypatch.setattr(recipes, "judge_contenders", lambda _, parameters: met.append(parameters) or ())
    monkeypatch.setattr(recipes, "choose_contender", lambda *_: Choice(LOGISTIC, "logistic won", ()))

    found = choose(tmp_path)

    assert [one.as_dict() for one in met] == [found.facts["tuning"]["parameters"]]
    assert found.parameters == replace(met[0], kind=LOGISTIC)


def test_no_trials_choose_the_contender_alone(tmp_path):
    found = choose(tmp_path, trials=0)

    assert found.parameters == replace(QUICK, kind=found.facts["chosen"])
    assert found.facts["tuning"] == {"reason": "no trials were asked for"}


def test_where_nothing_is_learned_there_is_no_recipe(tmp_path):
    with pytest.raises(NothingLearned):
        choose(tmp_path, rows=few_days.flights(steps=0.0))


def test_rows_without_a_fold_are_cut_to_nothing():
    short = slice_time(few_days.PROTOCOL, few_days.START, few_days.START + timedelta(weeks=3))

    assert fold_rows(few_days.flights(), short).rows.height == 0
