"""The tour: its page is read strictly, its commands exist, and what a command does not say is noticed."""

from pathlib import Path

import pytest
from typed_commands import problem_of

from practice.tour import MINUTES, TourMalformed, broken_promises, read_steps, steps_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tour.md"
STEPS = read_steps(PAGE.read_text())


def test_a_longer_tour_has_all_steps_of_a_shorter_one_and_more():
    five, fifteen, forty_five = ([step.title for step in steps_of(PAGE, minutes)] for minutes in MINUTES)

    assert set(five) < set(fifteen) < set(forty_five)
    assert forty_five == [step.title for step in STEPS]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.title)
def test_a_step_has_a_command_that_can_be_typed_and_promises_something(step):
    assert problem_of(step.command) is None
    assert step.promised


def test_what_the_output_does_not_say_is_a_broken_promise():
    step = STEPS[0]

    assert broken_promises(step, "lived up\n  to week 2013-12-30, version 18 is champion") == []
    assert broken_promises(step, "nothing was lived") == ["lived up to week"]


def test_a_step_without_its_parts_is_refused_by_its_name():
    with pytest.raises(TourMalformed, match='"Where is it"'):
        read_steps("# The tour\n\n## Where is it\n\n**What we do.** Look.\n\n    preflight status\n")
