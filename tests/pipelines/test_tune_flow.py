"""How the recipe of a week is found: searched when due, kept when nothing is learned, an error when there is none."""

from types import SimpleNamespace

import pytest

from infra.settings import Settings
from pipelines import tune_flow
from pipelines.clock import Week
from pipelines.contenders import NothingLearned

LAST = {"week": "2013-03-25", "folds": 3, "parameters": {"trees": 3}}
THEN = Week.from_id("2013-07-08")


def asked_with(last: dict | None) -> SimpleNamespace:
    """A context whose event log holds one recipe or none."""
    journal = SimpleNamespace(events=lambda stage: [last] if last else [], record=lambda *of: pytest.fail("recorded"))
    return SimpleNamespace(settings=Settings(), journal=journal)


def find(context: SimpleNamespace) -> dict:
    return tune_flow.find_recipe.fn(context, THEN, None, None)


@pytest.fixture(autouse=True)
def _nothing_is_learned(monkeypatch):
    def search(*_):
        raise NothingLearned("the rate table is as good")

    monkeypatch.setattr(tune_flow, "search", search)


def test_where_nothing_is_learned_the_last_recipe_stays_and_the_log_says_so(caplog):
    assert find(asked_with(LAST)) == LAST
    assert "the recipe of week 2013-03-25 is kept: the rate table is as good" in caplog.text


def test_where_nothing_is_learned_and_nothing_was_before_the_training_ends():
    with pytest.raises(NothingLearned):
        find(asked_with(None))


def test_a_young_recipe_is_taken_as_it_is(caplog):
    young = {**LAST, "week": THEN.plus(-1).id}

    assert find(asked_with(young)) == young
    assert not caplog.records


@pytest.mark.parametrize(("last", "trials"), [(None, 12), (LAST, 8)])
def test_a_search_that_starts_warm_makes_fewer_trials(monkeypatch, tmp_path, last, trials):
    monkeypatch.undo()
    asked = {}
    monkeypatch.setattr(tune_flow, "choose_recipe", lambda *_, **budget: asked.update(budget))
    store = SimpleNamespace(make_folder=tmp_path.joinpath)

    tune_flow.search(SimpleNamespace(settings=Settings(), store=store), None, None, last)

    assert asked["trials"] == trials
