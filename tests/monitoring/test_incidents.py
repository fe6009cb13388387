"""Incidents from weeks: opened once, acted on, closed by calm or by cure."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitoring.decision import PAGE, RETRAIN, ROLL_BACK, WAIT, WATCH
from monitoring.incidents import (
    OPENED,
    REFUSED,
    RESOLVED,
    DecidedWeek,
    Incident,
    Outcome,
    asked_of,
    incident_id,
    tell_incidents,
)
from monitoring.persistence import Standing

PROMOTED, TURNED_DOWN = Outcome(True, "version 5 was promoted"), Outcome(False, "version 5 was refused")


def decided(number: int, *detectors: str, action: str = WAIT, outcome: Outcome | None = None, **more: object):
    """Week `number` of July 2013, in which these detectors counted."""
    monday = date(2013, 7, 1) + timedelta(weeks=number)
    counting = tuple(Standing(detector, "some", 2, f"{detector} is out") for detector in detectors)
    moment = (monday + timedelta(days=7)).isoformat()
    return DecidedWeek(monday.isoformat(), moment, counting, action, f"decided {action}", outcome, **more)


def told(*weeks: DecidedWeek) -> list[tuple[str, list[str]]]:
    """Each incident with its steps."""
    return [(one.detector, [step.action for step in one.steps]) for one in tell_incidents(weeks)]


def test_an_alarm_that_counts_opens_an_incident_with_its_moment_and_reason():
    (incident,) = tell_incidents([decided(0, "quality", action=WATCH)])

    assert incident.id == "quality-some-2013-07-01"
    assert (incident.steps[0].moment, incident.steps[0].action, incident.steps[0].reason) == (
        "2013-07-08",
        OPENED,
        "quality is out",
    )


def test_a_trouble_that_goes_on_is_one_incident_and_says_again_only_what_is_new():
    assert told(decided(0, "inputs"), decided(1, "inputs"), decided(2, "inputs")) == [("inputs", [OPENED, WATCH])]


def test_a_promotion_resolves_what_was_lost():
    weeks = decided(0, "quality", action=WATCH), decided(1, "quality", action=RETRAIN, outcome=PROMOTED)

    assert told(*weeks) == [("quality", [OPENED, WATCH, RETRAIN, RESOLVED])]


def test_a_refusal_leaves_it_open_and_the_next_training_is_another_step():
    weeks = (decided(number, "quality", action=RETRAIN, outcome=TURNED_DOWN) for number in range(2))

    assert told(*weeks) == [("quality", [OPENED, RETRAIN, REFUSED, RETRAIN, REFUSED])]


def test_going_back_resolves_what_was_lost():
    assert told(decided(0, "calibration", action=ROLL_BACK, outcome=PROMOTED)) == [
        ("calibration", [OPENED, ROLL_BACK, RESOLVED])
    ]


def test_a_promotion_does_not_cure_a_skew():
    assert told(decided(0, "skew", action=PAGE), decided(1, "skew", action=RETRAIN, outcome=PROMOTED)) == [
        ("skew", [OPENED, PAGE, WATCH])
    ]


def test_one_calm_week_may_be_luck_and_two_close_it():
    (one_week,) = told(decided(0, "labels", action=PAGE), decided(1))
    (two_weeks,) = told(decided(0, "labels", action=PAGE), decided(1), decided(2))

    assert (one_week, two_weeks) == (("labels", [OPENED, PAGE]), ("labels", [OPENED, PAGE, RESOLVED]))


def test_calm_weeks_have_to_follow_each_other():
    assert told(decided(0, "labels"), decided(1), decided(2, "labels"), decided(3)) == [("labels", [OPENED, WATCH])]


def test_a_week_in_which_nobody_could_know_is_not_calm():
    unknown = frozenset({"labels"})
    weeks = decided(0, "labels"), decided(1, unknown=unknown), decided(2, unknown=unknown), decided(3)

    assert told(*weeks) == [("labels", [OPENED, WATCH])]


def test_the_same_trouble_after_its_end_is_another_incident():
    weeks = decided(0, "labels"), decided(1), decided(2), decided(3, "labels")

    assert [one.id for one in tell_incidents(weeks)] == ["labels-some-2013-07-01", "labels-some-2013-07-22"]


def test_an_action_means_watching_for_an_incident_that_it_does_nothing_for():
    assert [asked_of("skew", RETRAIN), asked_of("quality", PAGE), asked_of("inputs", PAGE)] == [WATCH, PAGE, WATCH]


def test_an_id_is_a_name_for_a_file():
    assert incident_id("slices", "carrier=UA / é", "2013-07-01") == "slices-carrier-ua-2013-07-01"


ANY_WEEK = st.tuples(
    st.sets(st.sampled_from(["quality", "labels", "inputs"])),
    st.sampled_from([WAIT, WATCH, RETRAIN, ROLL_BACK, PAGE]),
    st.sampled_from([None, PROMOTED, TURNED_DOWN]),
)
LIVES = st.lists(ANY_WEEK, max_size=12)


def life(weeks: list) -> list[DecidedWeek]:
    """Weeks in a row."""
    return [decided(n, *sorted(found), action=action, outcome=end) for n, (found, action, end) in enumerate(weeks)]


def overlapping(one: Incident, other: Incident) -> bool:
    """Whether both were open at a moment."""
    first, second = sorted([one, other], key=lambda incident: incident.opened)
    return first.is_open or first.steps[-1].moment > second.steps[0].moment


@given(LIVES)
def test_the_same_trouble_is_never_open_twice(weeks):
    incidents = tell_incidents(life(weeks))

    assert not [
        (one.id, other.id)
        for number, one in enumerate(incidents)
        for other in incidents[number + 1 :]
        if one.detector == other.detector and overlapping(one, other)
    ]


@given(LIVES)
def test_ids_are_unique_and_an_end_is_the_last_step(weeks):
    incidents = tell_incidents(life(weeks))

    assert len({one.id for one in incidents}) == len(incidents)
    assert not any(step.action == RESOLVED for one in incidents for step in one.steps[:-1])


@given(LIVES, st.integers(0, 12))
def test_what_was_told_of_the_first_weeks_stays_when_more_are_lived(weeks, number):
    before = {one.id: one.steps for one in tell_incidents(life(weeks[:number]))}

    after = {one.id: one.steps for one in tell_incidents(life(weeks))}

    assert all(after[name][: len(steps)] == steps for name, steps in before.items())
