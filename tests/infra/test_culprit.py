"""The smallest set of changes that breaks, found with an oracle that is made up."""

from collections.abc import Callable

import hypothesis.strategies as st
from hypothesis import given

from infra.culprit import Answer, find_culprit, smallest_breaking

CHANGES = [f"package-{number:02}" for number in range(60)]


def breaking_with(*culprits: str) -> Callable[[frozenset[str]], bool]:
    """An oracle that breaks when all of these are taken."""
    return lambda taken: set(culprits) <= taken


def counted(breaks: Callable, asked: list) -> Callable:
    def ask(taken: frozenset[str]) -> bool:
        asked.append(taken)
        return breaks(taken)

    return ask


def test_one_culprit_is_named():
    found = find_culprit(CHANGES, breaking_with("package-41"))

    assert (found.answer, found.changes) == (Answer.FOUND, ("package-41",))


def test_two_that_only_break_together_are_both_named():
    found = find_culprit(CHANGES, breaking_with("package-03", "package-58"))

    assert (found.answer, found.changes) == (Answer.FOUND, ("package-03", "package-58"))


def test_nothing_that_breaks_accuses_nobody():
    found = find_culprit(CHANGES, lambda taken: False)

    assert (found.answer, found.changes) == (Answer.NONE, ())


def test_what_was_broken_before_accuses_nobody():
    found = find_culprit(CHANGES, lambda taken: True)

    assert (found.answer, found.changes) == (Answer.BROKEN_BEFORE, ())


def test_no_changes_that_break_were_broken_before():
    assert find_culprit([], lambda taken: True).answer is Answer.BROKEN_BEFORE


def test_a_command_that_breaks_once_and_not_again_is_called_flaky():
    asked = []

    found = find_culprit(CHANGES, lambda taken: len(taken) == 60 and not asked.append(1) and len(asked) == 1)

    assert (found.answer, found.changes) == (Answer.FLAKY, ())


def test_a_culprit_that_breaks_no_more_when_asked_again_is_called_flaky():
    asked = []

    def tires(taken: frozenset[str]) -> bool:
        asked.append(taken)
        return "package-41" in taken and not (taken == {"package-41"} and asked.count(taken) > 1)

    found = find_culprit(CHANGES, tires)

    assert (found.answer, found.changes) == (Answer.FLAKY, ())


def test_a_set_that_breaks_also_without_one_of_its_members_later_is_called_flaky():
    seen = []

    def tires(taken: frozenset[str]) -> bool:
        seen.append(taken)
        together = {"package-01", "package-02"} <= taken
        return together or (taken == {"package-01"} and seen.count(taken) > 1)

    found = find_culprit(["package-01", "package-02"], tires)

    assert (found.answer, found.changes) == (Answer.FLAKY, ())


def test_one_culprit_of_sixty_costs_few_questions():
    asked = []

    find_culprit(CHANGES, counted(breaking_with("package-41"), asked))

    assert len(asked) <= 12  # three for the ends, log2(60) = 6, one that it is alone, two to confirm


def test_of_two_that_break_alone_one_is_named():
    either = find_culprit(CHANGES, lambda taken: bool({"package-07", "package-30"} & taken))

    assert either.changes == ("package-07",)


@given(culprits=st.sets(st.sampled_from(CHANGES), min_size=1, max_size=6))
def test_any_set_of_culprits_is_found_and_nothing_beside_it(culprits):
    assert smallest_breaking(CHANGES, breaking_with(*culprits)) == sorted(culprits)


@given(groups=st.lists(st.sets(st.sampled_from(CHANGES), min_size=1, max_size=4), min_size=1, max_size=4))
def test_of_several_ways_to_break_one_is_found_whole_and_without_spare_parts(groups):
    def breaks(taken: frozenset[str]) -> bool:
        return any(group <= taken for group in groups)

    found = frozenset(smallest_breaking(CHANGES, breaks))

    assert breaks(found)
    assert [each for each in found if breaks(found - {each})] == []
