"""The event log of the year: written once, the same for the same life."""

import hashlib

import pytest

from infra.journal import STAGES, HistoryRewritten, Journal
from infra.storage import Store

WEEK, NEXT = "2013-07-01", "2013-07-08"


def journal(home) -> Journal:
    return Journal(Store(home))


def test_an_event_is_its_facts_with_week_and_stage(tmp_path):
    event = journal(tmp_path).record(WEEK, "score", {"flights": 3})

    assert event == {"week": WEEK, "stage": "score", "flights": 3}


def test_a_recorded_event_can_be_read(tmp_path):
    event = journal(tmp_path).record(WEEK, "score", {"flights": 3})

    assert journal(tmp_path).read(WEEK, "score") == event


def test_what_has_not_happened_is_none(tmp_path):
    assert journal(tmp_path).read(WEEK, "score") is None


def test_recording_equal_facts_again_changes_nothing(tmp_path):
    first = journal(tmp_path).record(WEEK, "score", {"flights": 3, "share": 0.1})

    assert journal(tmp_path).record(WEEK, "score", {"share": 0.1, "flights": 3}) == first


def test_the_event_returned_is_the_one_that_is_read_later(tmp_path):
    recorded = journal(tmp_path).record(WEEK, "gate", {"checks": ({"value": 1 / 3},)})

    assert recorded == journal(tmp_path).read(WEEK, "gate")


@pytest.mark.parametrize("facts", [{"flights": 4}, {}, {"flights": 3, "version": 1}], ids=["other", "fewer", "more"])
def test_other_facts_are_refused(tmp_path, facts):
    journal(tmp_path).record(WEEK, "score", {"flights": 3})

    with pytest.raises(HistoryRewritten):
        journal(tmp_path).record(WEEK, "score", facts)


def test_a_refusal_names_what_came_out_differently_and_the_way_out(tmp_path):
    journal(tmp_path).record(WEEK, "score", {"flights": 3, "version": 1, "share": 0.5})

    with pytest.raises(HistoryRewritten, match=r"score of week 2013-07-01 .* other flights, version .*PREFLIGHT_HOME"):
        journal(tmp_path).record(WEEK, "score", {"flights": 4, "version": 2, "share": 0.5})


def test_what_was_recorded_stays_after_a_refusal(tmp_path):
    journal(tmp_path).record(WEEK, "score", {"flights": 3})

    with pytest.raises(HistoryRewritten):
        journal(tmp_path).record(WEEK, "score", {"flights": 4})

    assert journal(tmp_path).read(WEEK, "score")["flights"] == 3


def test_facts_that_differ_after_nine_decimals_are_equal(tmp_path):
    first = journal(tmp_path).record(WEEK, "score", {"share": 0.1})

    assert journal(tmp_path).record(WEEK, "score", {"share": 0.1 + 4e-10}) == first


def test_facts_that_differ_within_nine_decimals_are_others(tmp_path):
    journal(tmp_path).record(WEEK, "score", {"share": 0.1})

    with pytest.raises(HistoryRewritten, match="other share"):
        journal(tmp_path).record(WEEK, "score", {"share": 0.1 + 2e-9})


def test_a_fact_that_is_no_number_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        journal(tmp_path).record(WEEK, "score", {"share": float("nan")})


def test_a_stage_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not in tuple"):
        journal(tmp_path).record(WEEK, "celebrate", {})


def test_events_come_in_the_order_in_which_they_happen(tmp_path):
    kept = journal(tmp_path)
    for week, stage in [(NEXT, "land"), (WEEK, "promote"), (WEEK, "land"), (WEEK, "decide")]:
        kept.record(week, stage, {})

    assert [(event["week"], event["stage"]) for event in kept.events()] == [
        (WEEK, "land"), (WEEK, "decide"), (WEEK, "promote"), (NEXT, "land"),
    ]  # fmt: skip


def test_events_of_one_stage_come_alone(tmp_path):
    kept = journal(tmp_path)
    for week in (NEXT, WEEK):
        for stage in STAGES:
            kept.record(week, stage, {})

    assert [(event["week"], event["stage"]) for event in kept.events("train")] == [(WEEK, "train"), (NEXT, "train")]


def test_nothing_has_happened_at_first(tmp_path):
    assert journal(tmp_path).events() == []


def lived(home, *events: tuple[str, str, dict]) -> str:
    kept = journal(home)
    for event in events:
        kept.record(*event)
    return kept.digest()


LIFE = ((WEEK, "land", {"rows": 3}), (WEEK, "score", {"share": 0.1}))


def test_the_same_life_has_the_same_digest_whenever_it_is_lived(tmp_path):
    assert lived(tmp_path / "a", *LIFE) == lived(tmp_path / "b", *reversed(LIFE))


@pytest.mark.parametrize(
    "other", [LIFE[:1], (LIFE[0], (WEEK, "score", {"share": 0.2})), (LIFE[0], (NEXT, "score", {"share": 0.1})), ()]
)
def test_another_life_has_another_digest(tmp_path, other):
    assert lived(tmp_path / "a", *LIFE) != lived(tmp_path / "b", *other)


def test_the_digest_of_a_life_is_that_of_its_events_in_order(tmp_path):
    lines = (
        b'{"rows": 3, "stage": "land", "week": "2013-07-01"}\n{"share": 0.1, "stage": "score", "week": "2013-07-01"}'
    )

    assert lived(tmp_path, *LIFE) == hashlib.sha256(lines).hexdigest()


def test_the_weeks_of_a_stage_are_told_in_order_without_those_of_other_stages(tmp_path):
    log = journal(tmp_path)
    for week, stage in ((NEXT, "validate"), (WEEK, "validate"), (NEXT, "land")):
        log.record(week, stage, {})

    assert (log.weeks("validate"), log.weeks("land"), log.weeks("score")) == ([WEEK, NEXT], [NEXT], [])
