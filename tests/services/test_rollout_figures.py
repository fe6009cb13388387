"""From lines of the log to the figures of a stage, and to the tables that labels judge; every count by hand."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ab_answers import ab_answers, shadow_answers
from services.guardrails import ArmFigures, PairedFigures
from services.rollout_figures import stage_figures
from services.routing import AB, CHALLENGER, CHAMPION, Plan, arm_of

OURS, THEIRS = 8, 9
ALL_THEIRS, ALL_OURS = Plan(AB, THEIRS, 1.0), Plan(AB, THEIRS, 0.0)


def record(*said: float, version: int = OURS, flight: str = "2013-07-01-UA2-EWR", **more: object) -> dict:
    """One line of the log: a single prediction, or a batch of flights where more than one probability was said."""
    names = [flight] + [f"{flight}-{place}" for place in range(1, len(said))]
    flights = [{"flight_id": name, "probability_late": one} for name, one in zip(names, said, strict=True)]
    answer = flights[0] if len(said) == 1 else {"predictions": flights}
    return {
        "kind": "predict" if len(said) == 1 else "predict_batch",
        "version": version,
        "role": CHAMPION if version == OURS else CHALLENGER,
        "latency_ms": 2.0,
        "shadow": None,
        "failed": None,
        "answer": {**answer, "decision_threshold": 0.25},
        **more,
    }


def shadow(*said: float, version: int = THEIRS) -> dict:
    return {"version": version, "probability": list(said)}


def failed(version: int = THEIRS) -> dict:
    return {"version": version, "why": "it did not answer"}


def figures(*records: dict) -> tuple[ArmFigures, ArmFigures, PairedFigures]:
    found = stage_figures(records, OURS, THEIRS)
    return found.champion, found.challenger, found.paired


def test_an_empty_log_is_a_stage_of_nothing():
    assert figures() == (ArmFigures(), ArmFigures(), PairedFigures())


def test_each_version_is_counted_with_its_latencies_and_what_it_said():
    ours = [record(said, latency_ms=latency) for said, latency in ((0.1, 1.0), (0.3, 2.0), (0.2, 30.0))]

    champion, challenger, _ = figures(*ours, record(0.5, version=THEIRS, latency_ms=7.0))

    assert champion == ArmFigures(3, 0, 3, 2.0, 30.0, pytest.approx(0.2))
    assert challenger == ArmFigures(1, 0, 1, 7.0, 7.0, 0.5)


def test_a_quantile_is_a_latency_that_was_measured():
    champion, _, _ = figures(*(record(0.1, latency_ms=float(ms)) for ms in range(1, 201)))

    assert (champion.p50_ms, champion.p99_ms) == (101.0, 199.0)


def test_a_batch_is_one_request_that_is_not_timed_and_says_something_of_each_flight():
    champion, _, _ = figures(record(0.1, 0.3, latency_ms=900.0))

    assert champion == ArmFigures(1, 0, 0, None, None, 0.2)


def test_an_answer_that_stood_in_for_a_failure_is_a_request_of_both_and_not_timed():
    champion, challenger, _ = figures(record(0.1, failed=failed()))

    assert champion == ArmFigures(1, 0, 0, None, None, 0.1)
    assert challenger == ArmFigures(1, 1)


def test_a_shadow_is_a_request_of_its_version_and_a_pair():
    champion, challenger, paired = figures(record(0.2, shadow=shadow(0.3)), record(0.1, shadow=shadow(0.05)))

    assert (champion.requests, challenger) == (2, ArmFigures(2))
    assert paired == PairedFigures(2, pytest.approx(0.025), pytest.approx(0.075), 0.5)


def test_a_pair_is_the_challengers_less_the_champions_whoever_answered():
    answered = [record(0.2, shadow=shadow(0.3)), record(0.3, version=THEIRS, shadow=shadow(0.2, version=OURS))]

    one, other = (figures(line)[2] for line in answered)

    assert one == other == PairedFigures(1, pytest.approx(0.1), pytest.approx(0.1), 1.0)


@pytest.mark.parametrize(("at", "flipped"), [(0.2499, 0.0), (0.25, 1.0), (0.2501, 1.0)])
def test_a_decision_differs_from_the_threshold_on(at, flipped):
    one, other = figures(record(0.1, shadow=shadow(at)))[2], figures(record(at, shadow=shadow(0.1)))[2]

    assert (one.share_flipped, other.share_flipped) == (flipped, flipped)


def test_who_pinned_a_version_compares_nothing():
    assert figures(record(0.1, role="pinned", shadow=shadow(0.9), failed=failed())) == figures()


def test_another_version_is_none_of_the_two():
    assert figures(record(0.1, version=7, shadow=shadow(0.9, version=6), failed=failed(5))) == figures()


def test_a_shadow_of_another_version_is_no_pair():
    assert figures(record(0.1, shadow=shadow(0.9, version=7)))[2] == PairedFigures()


SAID = st.floats(0, 1)
RECORDS = st.lists(
    st.builds(
        lambda said, version, beside, fails, latency: record(
            *said,
            version=version,
            latency_ms=latency,
            shadow=shadow(*said[::-1], version=OURS + THEIRS - version) if beside else None,
            failed=failed() if fails else None,
        ),
        st.lists(SAID, min_size=1, max_size=3),
        st.sampled_from([OURS, THEIRS]),
        st.booleans(),
        st.booleans(),
        st.floats(0.1, 100),
    ),
    max_size=12,
)


@given(RECORDS, st.randoms(use_true_random=False))
def test_the_order_of_the_log_does_not_matter(records, dice):
    shuffled = dice.sample(records, len(records))

    ours, theirs = figures(*records), figures(*shuffled)

    assert [vars(one) for one in theirs] == [pytest.approx(vars(one)) for one in ours]


@given(RECORDS)
def test_versions_that_change_places_change_sides(records):
    there, back = stage_figures(records, OURS, THEIRS), stage_figures(records, THEIRS, OURS)

    assert (back.champion, back.challenger) == (there.challenger, there.champion)
    assert back.paired.mean_difference == pytest.approx(-there.paired.mean_difference)


def test_an_answer_of_an_ab_has_its_key_its_arm_its_day_and_what_was_said():
    found = ab_answers([record(0.1), record(0.2, 0.3, version=THEIRS, flight="2013-07-02-AA1-JFK")], ALL_OURS, OURS)

    assert found.rows() == [
        ("2013-07-01-UA2-EWR", "2013-07-01-UA2-EWR", False, 0.1, date(2013, 7, 1)),
        ("2013-07-02-AA1-JFK", "2013-07-02-AA1-JFK", True, 0.2, date(2013, 7, 2)),
        ("2013-07-02-AA1-JFK", "2013-07-02-AA1-JFK-1", True, 0.3, date(2013, 7, 2)),
    ]


def test_a_request_that_the_challenger_failed_is_of_its_arm_whoever_answered():
    line = record(0.1, failed=failed())

    sent_to = {plan.share: ab_answers([line], plan, OURS)["is_challenger"].to_list() for plan in (ALL_THEIRS, ALL_OURS)}

    assert sent_to == {1.0: [True], 0.0: [False]}  # the other one was the champion's, and its shadow failed


def test_an_arm_that_did_not_answer_as_planned_is_taken_as_it_was():
    """So that a worker with an old plan is seen as a sample-ratio mismatch."""
    assert arm_of("2013-07-01-UA2-EWR", ALL_THEIRS) == CHALLENGER
    assert ab_answers([record(0.1)], ALL_THEIRS, OURS)["is_challenger"].to_list() == [False]


def test_pinned_answers_and_those_of_other_versions_are_in_no_arm():
    lines = [record(0.1, role="pinned"), record(0.1, version=7)]

    assert ab_answers(lines, ALL_OURS, OURS).height == 0


def test_a_shadows_table_has_the_champion_first_whoever_answered():
    lines = [record(0.2, shadow=shadow(0.3)), record(0.3, version=THEIRS, shadow=shadow(0.2, version=OURS))]

    found = shadow_answers([*lines, record(0.5), record(0.5, role="pinned", shadow=shadow(0.5))], OURS, THEIRS)

    assert found.rows() == [("2013-07-01-UA2-EWR", 0.2, 0.3, date(2013, 7, 1))] * 2
