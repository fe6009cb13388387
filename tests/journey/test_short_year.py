"""One short life through the real flows on real weeks: what must be true when it has ended."""

import json
import shutil

import polars as pl
import pytest

from data_checks import schema as s
from monitoring.exposition import FLOWS, render
from monitoring.flow_metrics import flow_metrics
from monitoring.labels import known_labels
from pipelines.as_of import AS_OF
from pipelines.clock import Week
from pipelines.exposing import read_life


def test_every_scheduled_flight_is_predicted_exactly_once(lived):
    context = lived.context
    weeks = [week.id for week in context.scored_weeks()]

    predictions = context.store.read_weeks("predictions", weeks)

    planned = pl.concat([context.store.read_table("accepted/schedule", week) for week in weeks])
    assert sorted(predictions[s.FLIGHT_ID]) == sorted(planned[s.FLIGHT_ID])


def test_each_week_is_scored_by_the_version_that_was_champion_then(lived):
    journal = lived.context.journal
    champions = {event["week"]: event["champion"] for event in journal.events("promote") if event["promoted"]}

    for event in journal.events("score"):
        then = champions[max(week for week in champions if week < event["week"])]
        assert event["version"] == then


def test_no_version_scores_a_week_that_it_has_seen_labels_of(lived):
    seen = {entry["version"]: entry["end"] for entry in lived.context.registry.versions()}

    for event in lived.context.journal.events("score"):
        assert seen[event["version"]] <= Week.from_id(event["week"]).start.isoformat()


def test_predictions_look_no_further_than_two_hours_before_departure(lived):
    week = lived.context.scored_weeks()[0].id

    predictions = lived.context.store.read_table("predictions", week)

    ahead = (predictions[s.SCHEDULED_DEPARTURE] - predictions[AS_OF]).dt.total_minutes()
    assert ahead.unique().to_list() == [120]


def test_every_landed_row_is_accepted_or_quarantined(lived):
    landed = {
        (event["week"], feed): rows
        for event in lived.context.journal.events("land")
        for feed, rows in event["rows"].items()
    }

    judged = {
        (event["week"], feed): counts["accepted"] + counts["quarantined"]
        for event in lived.context.journal.events("validate")
        for feed, counts in event["feeds"].items()
    }

    assert judged == landed


def test_the_impossible_wind_of_february_is_quarantined_with_its_rule(lived):
    quarantined = lived.context.store.read_table("quarantined/weather", "2013-02-11")

    assert quarantined.select(s.WIND_SPEED, "broken_rules").rows() == [
        (pytest.approx(1048.4, abs=0.1), "wind_speed_mph between 0 and 150 mph")
    ]


def test_every_week_has_a_decision_with_its_reason(lived):
    decisions = lived.context.journal.events("decide")

    assert [event["week"] for event in decisions] == [week.id for week in lived.context.scored_weeks()]
    assert all(event["reason"] for event in decisions)


def test_a_training_follows_exactly_the_decisions_that_ask_for_one(lived):
    journal = lived.context.journal
    asked = [event["week"] for event in journal.events("decide") if event["action"] == "retrain"]

    trained = [event["week"] for event in journal.events("promote")]

    assert asked
    assert trained == [lived.context.first_weeks()[-1].id, *asked]


def test_the_registry_says_what_the_event_log_says(lived_copy):
    context = lived_copy.context
    promotions = context.journal.events("promote")

    aliases = context.registry.aliases()

    assert aliases["champion"] == [event["champion"] for event in promotions if event["promoted"]][-1]
    judged = {event["judged"]: "promoted" if event["promoted"] else "refused" for event in promotions}
    served = {event["champion"]: "promoted" for event in promotions if event["promoted"]}
    assert {entry["version"]: entry["gate"] for entry in context.registry.versions()} == judged | served


def test_the_table_by_month_is_what_the_predictions_say(lived):
    context = lived.context
    weeks = [week.id for week in context.scored_weeks()]
    last = context.scored_weeks()[-1]
    labels = known_labels(context.accepted(s.OUTCOMES, last), last.end)

    printed = sum(month["labelled"] for month in lived.printed["months"])

    assert printed == context.store.read_weeks("predictions", weeks).join(labels, on=s.FLIGHT_ID, how="semi").height


def test_living_it_again_changes_nothing(lived_copy, run_flow):
    before = lived_copy.printed["event_log_sha256"]

    again = run_flow(lived_copy.settings.home, "replay", "--until", "2013-03-10", "--json")

    assert json.loads(again.stdout)["event_log_sha256"] == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("ingest", "2013-02"),
        ("validate", "2013-02-11"),
        ("features", "2013-02-11"),
        ("score", "2013-02"),
        ("monitor", "2013-02"),
        ("retrain", "2013-03"),
        ("train", "--as-of", "2013-02-18"),
    ],
)
def test_each_flow_alone_is_safe_to_run_again(lived_copy, run_flow, arguments):
    before = lived_copy.context.journal.digest()

    again = run_flow(lived_copy.settings.home, *arguments)

    assert (again.returncode, lived_copy.context.journal.digest()) == (0, before), again.stderr


def test_the_flows_one_by_one_live_the_same_life_as_the_replay(lived, run_flow, tmp_path):
    first, scored = "2013-01", "2013-02-04"
    steps = [
        ("ingest", first), ("validate", first), ("train", "--as-of", scored), ("ingest", scored), ("validate", scored),
        ("score", scored), ("monitor", scored), ("retrain", scored),
    ]  # fmt: skip

    for step in steps:
        ended = run_flow(tmp_path, *step)
        assert ended.returncode == 0, ended.stderr

    ours = {path.name: path.read_text() for path in (tmp_path / "journal").iterdir()}
    theirs = {path.name: path.read_text() for path in (lived.settings.home / "journal").iterdir() if path.name in ours}
    assert ours == theirs


def test_a_training_in_the_past_is_refused_and_changes_nothing(lived_copy, run_flow):
    before = lived_copy.context.journal.digest()

    ended = run_flow(lived_copy.settings.home, "train", "--as-of", "2013-02-11")

    assert (ended.returncode, lived_copy.context.journal.digest()) == (1, before)
    assert "has lived up to week 2013-03-04, it cannot train as of 2013-02-11 any more" in ended.stderr


def test_a_second_training_of_a_week_with_another_window_is_refused(lived_copy, run_flow):
    ended = run_flow(lived_copy.settings.home, "train", "--as-of", "2013-02-04", "--window", "recent")

    assert ended.returncode == 1
    assert "week 2013-01-28 was trained on already, with the expanding window" in ended.stderr


def test_features_are_not_built_while_weeks_before_are_missing(run_flow, tmp_path):
    for step in ("ingest", "validate"):
        assert run_flow(tmp_path, step, "2013-02-04").returncode == 0

    ended = run_flow(tmp_path, "features", "2013-02-04")

    assert ended.returncode == 1
    assert "weeks up to 2013-02-04 is not there yet, the first is 2012-12-31" in ended.stderr
    assert not (tmp_path / "features").exists()


def test_the_page_is_not_written_while_somebody_lives(lived_copy, run_here):
    with lived_copy.context.store.exclusively():
        ended = run_here(lived_copy.settings.home, "report")

    assert (ended.returncode, "another preflight process" in ended.stderr) == (1, True)


def test_a_registry_that_was_lost_is_noticed(lived_copy, run_here):
    shutil.rmtree(lived_copy.settings.home / "mlflow")

    ended = run_here(lived_copy.settings.home, "explain")

    assert ended.returncode == 1
    assert "the registry says that version None is champion, the event log says version" in ended.stderr


def test_the_metrics_that_a_replay_leaves_are_those_of_its_last_week(lived):
    written = lived.context.store.read_bytes(FLOWS).decode()

    assert render(flow_metrics(read_life(lived.context))) == written
    assert 'preflight_flow_part_seconds{part="MLflow"}' in written
