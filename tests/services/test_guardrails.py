"""Go on, wait or stop: every guardrail from both sides and on the tie, and a reason for each."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.guardrails import (
    ADVANCE,
    FINISH,
    STEPS,
    STOP,
    WAIT,
    ArmFigures,
    Guardrails,
    PairedFigures,
    RolloutDecision,
    StageFigures,
    decide_stage,
    describe,
    failure_excess,
    find_breach,
)

RAILS = Guardrails()
FINE = ArmFigures(requests=1000, failures=0, timed=800, p50_ms=20.0, p99_ms=40.0, mean_probability=0.25)
ALIKE = PairedFigures(flights=1000, mean_difference=0.01, mean_absolute_difference=0.03, share_flipped=0.08)


def stage(champion: dict | None = None, challenger: dict | None = None, paired: dict | None = None) -> StageFigures:
    """A stage in which all is well, with these figures changed."""
    return StageFigures(
        replace(FINE, **champion or {}), replace(FINE, **challenger or {}), replace(ALIKE, **paired or {})
    )


def decide(share: float = 0.05, rails: Guardrails = RAILS, **changes: dict) -> RolloutDecision:
    return decide_stage(stage(**changes), share, rails)


def action(share: float = 0.05, **changes: dict) -> str:
    return decide(share, **changes).action


@pytest.mark.parametrize(
    ("share", "then"),
    [
        (0.0, (ADVANCE, 0.05)),
        (0.05, (ADVANCE, 0.25)),
        (0.1, (ADVANCE, 0.25)),
        (0.25, (ADVANCE, 0.5)),
        (0.5, (ADVANCE, 1.0)),
        (1.0, (FINISH, 1.0)),
    ],
)
def test_a_stage_in_which_all_is_well_leads_to_the_next_step(share, then):
    decision = decide(share)

    assert (decision.action, decision.share) == then


def test_going_on_says_what_was_seen():
    assert decide(challenger={"failures": 2}).reason == (
        "the challenger failed 0.2% of 1000 requests, the champion 0.0% of 1000; p99 40.0 ms against 40.0 ms; "
        "on 1000 flights scored by both +0.010 on average, 8.0% of decisions differ"
    )


@pytest.mark.parametrize(("requests", "then"), [(499, WAIT), (500, ADVANCE), (501, ADVANCE)])
@pytest.mark.parametrize("arm", ["champion", "challenger"])
def test_it_takes_enough_requests_of_both_to_go_on(arm, requests, then):
    assert action(**{arm: {"requests": requests}}) == then


@pytest.mark.parametrize(("timed", "then"), [(499, WAIT), (500, ADVANCE), (501, ADVANCE)])
@pytest.mark.parametrize("arm", ["champion", "challenger"])
def test_it_takes_enough_timed_requests_of_both_to_go_on(arm, timed, then):
    assert action(**{arm: {"timed": timed}}) == then


@pytest.mark.parametrize(("flights", "then"), [(499, WAIT), (500, ADVANCE), (501, ADVANCE)])
def test_it_takes_enough_flights_scored_by_both_to_go_on(flights, then):
    assert action(paired={"flights": flights}) == then


def test_waiting_keeps_the_share_and_says_what_is_missing():
    assert decide(0.25, challenger={"requests": 12}) == RolloutDecision(
        WAIT, 0.25, "12 requests of the challenger, needed 500"
    )


def test_a_shadow_goes_on_without_a_time_of_the_challengers_own():
    assert action(0.0, challenger={"timed": 0, "p50_ms": None, "p99_ms": None}) == ADVANCE


def test_with_all_requests_the_challengers_there_is_no_champion_to_wait_for():
    nothing = {"requests": 0, "failures": 0, "timed": 0, "p50_ms": None, "p99_ms": None}

    assert (action(1.0, champion=nothing), action(0.5, champion=nothing)) == (FINISH, WAIT)


@pytest.mark.parametrize(("beside", "then"), [(1e-9, WAIT), (0.0, WAIT), (-1e-9, STOP)])
def test_failures_may_surely_exceed_the_champions_by_the_bound_and_no_more(beside, then):
    """The bound is laid at what these figures surely exceed, and beside it; what was seen exceeds it: so it waits."""
    figures = stage(challenger={"failures": 100})
    surely = failure_excess(figures.challenger, figures.champion, RAILS.confidence_z)

    assert decide_stage(figures, 0.05, replace(RAILS, largest_failure_excess=surely + beside)).action == then


@pytest.mark.parametrize(("failures", "then"), [(9, ADVANCE), (10, ADVANCE), (11, WAIT), (40, STOP)])
def test_more_failures_than_allowed_are_waited_on_until_they_are_sure(failures, then):
    assert action(challenger={"failures": failures}) == then


def test_failures_of_the_champion_too_are_no_reason_to_stop():
    assert action(champion={"failures": 300}, challenger={"failures": 300}) == ADVANCE


def test_a_challenger_that_fails_everything_is_stopped_after_a_handful():
    """Of 3 failed the rate surely is above 3 / (3 + 2.326 ** 2) = 36 %, and the champion's 0 of 60 below 8 %."""
    few = stage(
        champion={"requests": 60, "timed": 60},
        challenger={"requests": 3, "failures": 3, "timed": 0},
        paired={"flights": 0},
    )

    assert decide_stage(few, 0.05, RAILS) == RolloutDecision(
        STOP,
        0.0,
        "failures: the challenger failed 3 of 3 requests, the champion 0 of 60: surely 35.1% more, allowed 1.0%",
    )


@pytest.mark.parametrize(("failures", "then"), [(2, WAIT), (3, STOP), (4, STOP)])
def test_one_or_two_failures_are_an_accident(failures, then):
    early = {"requests": failures, "failures": failures, "timed": 0}

    assert action(champion={"requests": 100}, challenger=early) == then


def test_the_excess_is_newcombes():
    """His example (a): 56 of 70 against 48 of 80, two-sided 95 %: 0.0524 to 0.3339."""
    ours, theirs = ArmFigures(70, 56), ArmFigures(80, 48)

    assert failure_excess(ours, theirs, 1.959964) == pytest.approx(0.0524, abs=5e-5)
    assert -failure_excess(theirs, ours, 1.959964) == pytest.approx(0.3339, abs=5e-5)


def test_without_a_champion_the_excess_is_wilsons_bound():
    assert failure_excess(ArmFigures(4, 4), ArmFigures(), 2.0) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("figure", "champions", "challengers", "then"),
    [
        ("p50_ms", 20.0, 30.0, ADVANCE),  # 1.5 times
        ("p50_ms", 20.0, 30.01, STOP),
        ("p50_ms", 1.0, 10.0, ADVANCE),  # the floor
        ("p50_ms", 1.0, 10.01, STOP),
        ("p99_ms", 40.0, 80.0, ADVANCE),  # twice
        ("p99_ms", 40.0, 80.01, STOP),
        ("p99_ms", 5.0, 50.0, ADVANCE),  # the floor
        ("p99_ms", 5.0, 50.01, STOP),
        ("p99_ms", 40.0, 1.0, ADVANCE),
    ],
)
def test_latency_may_be_so_many_times_the_champions_or_up_to_a_floor(figure, champions, challengers, then):
    assert action(champion={figure: champions}, challenger={figure: challengers}) == then


def test_a_slow_challenger_is_told_in_milliseconds():
    assert find_breach(stage(challenger={"p99_ms": 90.0}), RAILS) == (
        "latency: p99 90.0 ms against 40.0 ms of the champion, allowed 80.0 ms"
    )


@pytest.mark.parametrize(("timed", "then"), [(499, WAIT), (500, STOP)])
def test_a_latency_counts_once_enough_were_timed(timed, then):
    assert action(challenger={"timed": timed, "p99_ms": 1000.0}) == then


def test_a_client_that_only_asks_in_batches_may_do_without_times():
    none_timed = {"timed": 0, "p50_ms": None, "p99_ms": None}
    rails = replace(RAILS, fewest_timed=0)

    assert decide(rails=rails, champion=none_timed, challenger=none_timed).action == ADVANCE


@pytest.mark.parametrize(
    ("figure", "found", "then"),
    [
        ("mean_difference", 0.125, ADVANCE),
        ("mean_difference", -0.125, ADVANCE),
        ("mean_difference", 0.1251, STOP),
        ("mean_difference", -0.1251, STOP),
        ("mean_absolute_difference", 0.15, ADVANCE),
        ("mean_absolute_difference", 0.1501, STOP),
        ("share_flipped", 0.3, ADVANCE),
        ("share_flipped", 0.3001, STOP),
    ],
)
def test_answers_may_differ_by_the_bound_and_no_more(figure, found, then):
    assert action(paired={figure: found}) == then


@pytest.mark.parametrize(("flights", "then"), [(499, WAIT), (500, STOP)])
def test_a_difference_counts_once_enough_flights_were_scored_by_both(flights, then):
    assert action(paired={"flights": flights, "share_flipped": 1.0}) == then


def test_answers_that_differ_are_told_with_both_numbers():
    assert decide(0.5, paired={"mean_difference": -0.2}) == RolloutDecision(
        STOP, 0.0, "answers: mean difference 0.200 over 1000 flights, allowed 0.125"
    )


def test_what_was_not_measured_is_called_unknown():
    assert "p99 unknown against 40.0 ms" in describe(stage(challenger={"p99_ms": None}))


COUNTS = st.integers(0, 2000)


@st.composite
def arms(draw: st.DrawFn) -> ArmFigures:
    requests = draw(COUNTS)
    failures = draw(st.integers(0, requests))
    timed = draw(st.integers(0, requests - failures))
    times = sorted(draw(st.tuples(st.floats(0.1, 500), st.floats(0.1, 500)))) if timed else (None, None)
    return ArmFigures(requests, failures, timed, *times)


PAIRED = st.builds(PairedFigures, COUNTS, st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1))
STAGES = st.builds(StageFigures, arms(), arms(), PAIRED)


@given(STAGES, st.sampled_from([0.0, *STEPS]))
def test_every_decision_has_a_reason_and_only_an_advance_raises_the_share(figures, share):
    decision = decide_stage(figures, share, RAILS)

    assert decision.reason
    assert decision.share == {STOP: 0.0, WAIT: share, FINISH: 1.0}.get(decision.action, decision.share)
    assert (decision.share > share) == (decision.action == ADVANCE)


@given(STAGES, st.sampled_from([0.0, *STEPS]), st.integers(1, 100))
def test_failing_more_never_helps_a_challenger(figures, share, more):
    order = [STOP, WAIT, ADVANCE, FINISH]
    worse = replace(
        figures.challenger,
        requests=figures.challenger.requests + more,
        failures=figures.challenger.failures + more,
    )

    before, after = (
        decide_stage(replace(figures, challenger=arm), share, replace(RAILS, fewest_requests=0)).action
        for arm in (figures.challenger, worse)
    )

    assert order.index(after) <= order.index(before)


@given(arms(), arms(), st.floats(0.5, 4))
def test_what_is_surely_exceeded_is_never_more_than_what_was_seen(ours, theirs, z):
    assert failure_excess(ours, theirs, z) <= ours.failure_rate - theirs.failure_rate + 1e-12
    assert not math.isnan(failure_excess(ours, theirs, z))
