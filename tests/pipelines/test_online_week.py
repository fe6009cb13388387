"""A week's online answers on record: what is right raises no alarm, what is not is named, in monitoring's own event."""

import orjson
import polars as pl
import pytest
import sqlalchemy as sa

from benchmarks.answered_week import answered
from data_checks import schema as s
from infra.online_predictions import FILE, PREDICTIONS, open_predictions
from pipelines.as_of import AS_OF
from pipelines.asked import STALE
from pipelines.every_prediction import every_prediction, summarise
from pipelines.monitor_flow import measure_week_quality
from pipelines.online_week import answers_of, read_online
from pipelines.scoring import PROBABILITY
from pipelines.watching import watch_week

ANSWERED = 300
ONLINE = {"skew", "answers", "freshness"}


@pytest.fixture
def context(lived_copy):
    return lived_copy.context


@pytest.fixture
def week(context):
    return context.scored_weeks()[-1]


@pytest.fixture
def answers(context, week) -> list[dict]:
    """The first flights of the week as a service that does everything right has answered them."""
    return list(answered(context, week, ANSWERED))


def put(context, answers: list[dict]) -> None:
    with open_predictions(context.settings.home, None).begin() as connection:
        connection.execute(sa.insert(PREDICTIONS), answers)


def alarms(context, week) -> dict[str, str]:
    found = read_online(context, week, answers_of(context, week))
    return {one.detector: one.subject for one in found if one.is_alarming}


def change_features(answer: dict, **changed: object) -> None:
    answer["features"] = orjson.dumps(orjson.loads(answer["features"]) | changed).decode()


def test_a_home_whose_service_never_answered_is_given_no_database_and_no_reading(context, week):
    assert list(read_online(context, week, answers_of(context, week))) == []
    assert not (context.settings.home / FILE).exists()


def test_answers_that_are_right_raise_no_alarm_and_their_detectors_say_that_they_looked(context, week, answers):
    put(context, answers)

    facts = watch_week(context, week, context.store.read_table("features", week.id))

    assert facts["online"] == {"fresh": ANSWERED}
    assert facts["bands"].keys() >= ONLINE
    assert not ONLINE & {alarm["detector"] for alarm in facts["alarms"]}


def test_one_value_that_offline_has_otherwise_rings_and_comes_into_the_event_of_the_week(context, week, answers):
    change_features(answers[7], seats=1.0)
    put(context, answers)

    facts = watch_week(context, week, context.store.read_table("features", week.id))

    (skew,) = (alarm for alarm in facts["alarms"] if alarm["detector"] == "skew")
    assert (skew["subject"], skew["week"], skew["is_provisional"]) == ("seats", week.id, False)


def test_one_probability_that_the_model_does_not_give_rings(context, week, answers):
    answers[7]["probability"] += 1e-4
    put(context, answers)

    assert alarms(context, week) == {"answers": "probability"}


def test_a_version_that_is_in_no_registry_has_no_answer_of_its_own(context, week, answers):
    answers[7]["version"] = 99
    put(context, answers)

    assert alarms(context, week) == {"answers": "probability"}


def test_answers_without_fresh_features_ring_as_that_and_are_not_taken_for_skew(context, week, answers):
    for answer in answers[:20]:
        answer["mode"] = STALE
        change_features(answer, departures_same_hour=None)
    put(context, answers)

    found = alarms(context, week)

    assert found["freshness"] == STALE
    assert "skew" not in found


@pytest.mark.parametrize(
    ("column", "written"),
    [
        ("features", '{"seats": '),
        ("features", '["seats"]'),
        ("features", '{"seats": "many"}'),
        ("flight", "[]"),
        ("flight", '{"carrier": "UA"}'),
        ("flight", '["UA", 1, "EWR", "IAH", "soon", "later", 1400.0]'),
    ],
)
def test_a_record_that_cannot_be_read_is_an_answer_that_is_not_the_models(context, week, answers, column, written):
    answers[7][column] = written
    put(context, answers)

    assert alarms(context, week) == {"answers": "probability"}


def test_a_feature_that_one_record_lacks_is_found_beside_those_that_others_have_wrong(context, week, answers):
    kept = orjson.loads(answers[7]["features"])
    del kept["departures_same_hour"]
    answers[7]["features"] = orjson.dumps(kept).decode()
    for answer in answers[8:20]:
        change_features(answer, seats=1.0)
    put(context, answers)

    skew = next(one for one in read_online(context, week, answers_of(context, week)) if one.detector == "skew")

    assert (skew.subject, skew.value) == ("seats", pytest.approx(13 / ANSWERED))


def test_a_feature_that_no_record_has_is_wrong_in_every_flight(context, week, answers):
    for answer in answers:
        kept = orjson.loads(answer["features"])
        del kept["seats"]
        answer["features"] = orjson.dumps(kept).decode()
    put(context, answers)

    skew = next(one for one in read_online(context, week, answers_of(context, week)) if one.detector == "skew")

    assert (skew.subject, skew.value) == ("seats", 1.0)


def test_a_week_without_a_single_label_is_measured_and_rings_for_its_labels(context, week, monkeypatch):
    accepted = context.accepted
    monkeypatch.setattr(
        context,
        "accepted",
        lambda feed, *rest: accepted(feed, *rest).clear() if feed is s.OUTCOMES else accepted(feed, *rest),
    )

    quality = measure_week_quality.fn(context, week)
    facts = watch_week(context, week, context.store.read_table("features", week.id))

    assert (quality["label_coverage"], quality["quality"]) == (0.0, {})
    (alarm,) = (alarm for alarm in facts["alarms"] if alarm["detector"] == "coverage")
    assert (alarm["value"], alarm["is_provisional"]) == (0.0, False)


def test_a_flight_that_was_asked_twice_counts_once_in_quality(context, week, answers):
    again = [answer | {"request_id": f"again-{place}"} for place, answer in enumerate(answers)]
    put(context, [*answers, *again])

    online = next(one for one in summarise(every_prediction(context, week, week.end)) if one["source"] == "online")

    assert (online["predictions"], online["flights"]) == (2 * ANSWERED, ANSWERED)
    assert online["quality"]["flights"] <= ANSWERED


def test_answers_about_a_week_are_those_of_no_other(context, week, answers):
    put(context, answers)

    assert answers_of(context, week).height == ANSWERED
    assert answers_of(context, week.plus(-1)).is_empty()
    assert answers_of(context, week.plus(1)).is_empty()


def test_batch_and_online_predictions_of_a_week_are_one_table(context, week, answers):
    put(context, answers)

    found = every_prediction(context, week, week.end)

    online, batch = (found.filter(pl.col("source") == source) for source in ("online", "batch"))
    same = online.join(batch, on=s.FLIGHT_ID, suffix="_batch", maintain_order="left")
    assert (same.height, found[s.FLIGHT_ID].n_unique()) == (ANSWERED, batch.height)
    for name in (PROBABILITY, AS_OF, "is_late", "is_called_late"):
        assert same[name].to_list() == same[f"{name}_batch"].to_list(), name
    for mine, theirs in same.select("features", "features_batch").iter_rows():
        assert orjson.loads(mine) == orjson.loads(theirs)


def test_labels_are_those_that_were_known_at_the_moment_asked_and_few_of_them_are_provisional(context, week):
    early, late = (summarise(every_prediction(context, week, moment))[0] for moment in (week.start, week.end))

    assert (early["label_coverage"], early["is_provisional"], early["quality"]) == (0.0, True, {})
    assert late["label_coverage"] > 0.95
    assert not late["is_provisional"]
    assert late["quality"]["roc_auc"] > 0.5
