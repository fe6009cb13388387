"""Which version is the one before, and going back to it once."""

import pytest

from infra.settings import Settings
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.version_before import gain_of_version_before, go_back, switched_back, version_before

WEEK = Week.from_id("2013-07-29")


class Aliases:
    """Stands for the registry: what was switched to."""

    def __init__(self) -> None:
        self.switched: list[int] = []

    def switch(self, version: int) -> None:
        """Note it."""
        self.switched.append(version)


def life(home, *champions: int) -> Context:
    """A home in which these versions were promoted, a week after each other."""
    context = Context(Settings(home=home))
    context.registry = Aliases()
    for number, champion in enumerate(champions):
        week = WEEK.plus(number - len(champions)).id
        context.journal.record(week, "promote", {"promoted": True, "champion": champion})
    return context


@pytest.mark.parametrize(("champions", "before"), [((), None), ((2,), None), ((2, 4), 2), ((2, 4, 7), 4)])
def test_the_version_before_is_the_one_promoted_before(tmp_path, champions, before):
    assert version_before(life(tmp_path, *champions)) == before


def test_going_back_moves_the_alias_and_is_written_down(tmp_path):
    context = life(tmp_path, 2, 4)

    go_back(context, WEEK, "worse")

    assert (context.registry.switched, context.answering_version()) == ([2], 2)
    assert switched_back(context, WEEK.id)["reason"] == "worse"


def test_going_back_again_changes_nothing(tmp_path):
    context = life(tmp_path, 2, 4, 7)

    assert go_back(context, WEEK, "worse") == go_back(context, WEEK, "worse")
    assert (context.registry.switched, context.answering_version()) == ([4], 4)


def test_going_back_that_was_killed_before_it_was_written_down_is_done_again(tmp_path):
    context = life(tmp_path, 2, 4, 7)
    context.registry.switch(version_before(context))

    go_back(context, WEEK, "worse")

    assert (context.registry.switched, len(context.ledger.entries())) == ([4, 4], 1)


def test_after_going_back_the_one_before_that_is_next(tmp_path):
    context = life(tmp_path, 2, 4, 7)
    go_back(context, WEEK, "worse")

    assert version_before(context) == 2


@pytest.mark.parametrize("weeks", [0, 5])
def test_nobody_asks_about_the_version_before_when_the_promotion_is_long_ago_or_has_scored_nothing(tmp_path, weeks):
    context = life(tmp_path, 2, 4)
    for number in range(weeks):
        context.journal.record(WEEK.plus(-number).id, "score", {"version": 4})

    assert gain_of_version_before(context, WEEK) is None
