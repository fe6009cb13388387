"""`preflight explain`: a version's verdict, a flight's whole way, what a model listens to, and what is refused."""

import json

import polars as pl
import pytest

from data_checks import schema as s
from monitoring.labels import known_labels
from pipelines.clock import Week
from pipelines.feature_catalog import NAMES
from pipelines.flight_story import OtherAnswer, compare
from pipelines.registering import costs_of
from pipelines.scoring import PROBABILITY, VERSION

WEEK = Week.from_id("2013-02-18")


@pytest.fixture(scope="module")
def busiest(lived) -> dict:
    """The flight of a Wednesday whose aircraft had flown most before, as its row of the plan."""
    plan = lived.context.accepted(s.SCHEDULE, WEEK, 1)
    of_day = plan.filter(pl.col(s.FLIGHT_ID).str.starts_with("2013-02-20"), pl.col(s.TAIL_NUMBER).is_not_null())
    alone = of_day.filter(pl.len().over(s.CARRIER, s.FLIGHT_NUMBER) == 1)
    return alone.sort(pl.len().over(s.TAIL_NUMBER), s.SCHEDULED_DEPARTURE, s.FLIGHT_ID).row(-1, named=True)


@pytest.fixture
def told(lived_copy, run_here, busiest) -> dict:
    """What the command says of that flight."""
    name = f"{busiest[s.CARRIER]}{busiest[s.FLIGHT_NUMBER]}"
    ended = run_here(lived_copy.settings.home, "explain", "flight", name, "2013-02-20", "--json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_the_way_of_a_real_flight_adds_up_from_rows_to_the_recorded_probability(told, lived, busiest):
    recorded = lived.context.store.read_table("predictions", WEEK.id).filter(pl.col(s.FLIGHT_ID) == told["flight_id"])
    reasons = told["reasons"]

    for parts in ("features", "groups"):
        added = reasons["bias"] + sum(part["contribution"] for part in reasons[parts])
        assert added == pytest.approx(reasons["score"], abs=1e-9)
    assert reasons["probability"] == pytest.approx(recorded[PROBABILITY].item(), abs=1e-6)
    assert (told["version"], told["recorded"]["version"]) == (recorded[VERSION].item(),) * 2
    assert told["recorded"]["difference"] <= 1e-6
    assert {reason["feature"] for reason in reasons["features"]} == set(NAMES)
    assert told["rows"]["plan"][0]["flight_id"] == busiest[s.FLIGHT_ID]


def test_every_row_that_is_told_was_known_at_the_moment_of_the_answer(told):
    rows = [row for table in told["rows"].values() for row in table]

    assert all(told["rows"].values())
    assert max(row["known_at_utc"] for row in rows) <= told["as_of_utc"]


def test_the_rows_are_those_that_the_features_were_made_of(told):
    values = {reason["feature"]: reason["value"] for reason in told["reasons"]["features"]}
    left = [row["delay_min"] for row in told["rows"]["events"] if row["event"] == s.DEPARTED]

    assert values[s.TEMPERATURE] == told["rows"]["weather"][0][s.TEMPERATURE]
    assert values["aircraft_last_departure_delay_min"] == left[-1]


def test_the_truth_is_the_label_and_the_decision_follows_the_costs(told, lived):
    labels = known_labels(lived.context.accepted(s.OUTCOMES, Week.from_id("2013-03-04")), WEEK.plus(3).end)
    label = labels.filter(pl.col(s.FLIGHT_ID) == told["flight_id"])

    assert told["truth"]["is_late"] == label["is_late"].item()
    assert told["decision"]["threshold"] == costs_of(lived.settings).threshold
    assert told["decision"]["warn"] == (told["reasons"]["probability"] >= told["decision"]["threshold"])


def test_a_flight_is_told_in_tables_that_end_with_probability_decision_and_truth(lived_copy, run_here, busiest):
    name = f"{busiest[s.CARRIER]}{busiest[s.FLIGHT_NUMBER]}"

    said = run_here(lived_copy.settings.home, "explain", "flight", name, "2013-02-20", "--version", "1").stdout

    last = said.splitlines()[-1]
    assert all(words in said for words in ("Its aircraft before", "The last weather report", "known", "bias"))
    assert all(words in last for words in (busiest[s.FLIGHT_ID], "version 1 says", "warn", "truth: "))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("UA9999", "2013-02-20"), 1, "there is no UA9999 on 2013-02-20; near it: UA"),
        (("ZZ1", "2013-02-20"), 1, "there is no ZZ1 on 2013-02-20; carriers that day: 9E, AA"),
        (("1545", "2013-02-20"), 2, "expected a carrier and a number such as UA1545, got '1545'"),
        (("UA1545", "februar"), 2, "expected a day such as 2013-07-04, got 'februar'"),
        (("UA1545", "2013-08-01"), 2, "there is no data for 2013-08-01"),
    ],
)
def test_a_flight_that_cannot_be_meant_is_refused_naming_what_can(lived_copy, run_here, arguments, code, words):
    ended = run_here(lived_copy.settings.home, "explain", "flight", *arguments)

    assert (ended.returncode, words in ended.stderr, len(ended.stderr.splitlines())) == (code, True, 1), ended.stderr


def test_a_week_that_was_only_learned_from_needs_a_version(lived_copy, run_here, lived):
    flight = lived.context.accepted(s.SCHEDULE, Week.from_id("2013-01-14"), 1).row(0, named=True)
    asked = (f"{flight[s.CARRIER]}{flight[s.FLIGHT_NUMBER]}", flight[s.FLIGHT_ID][:10], "--origin", flight[s.ORIGIN])
    home = lived_copy.settings.home

    refused = run_here(home, "explain", "flight", *asked)
    found = run_here(home, "explain", "flight", *asked, "--version", "1", "--json")

    assert (refused.returncode, "choose one with --version" in refused.stderr) == (2, True)
    assert json.loads(found.stdout)["recorded"] is None


def test_a_week_not_lived_yet_names_the_command_that_lives_it(run_here, tmp_path):
    ended = run_here(tmp_path, "explain", "flight", "UA1545", "2013-02-20")

    assert (ended.returncode, "run: preflight replay --until 2013-02-20" in ended.stderr) == (1, True), ended.stderr


@pytest.mark.parametrize(("off", "refused"), [(0.0, False), (1e-6, False), (1.1e-6, True)])
def test_another_answer_than_the_recorded_one_is_refused(off, refused):
    said = {VERSION: 3, PROBABILITY: 0.0}

    if refused:
        with pytest.raises(OtherAnswer, match=r"version 3 said 0\.000000000 of 2013-02-20-X1-EWR in its week"):
            compare(said, 3, off, "2013-02-20-X1-EWR")
    else:
        assert compare(said, 3, off, "2013-02-20-X1-EWR").difference == off


def test_another_version_than_the_one_that_predicted_is_not_held_to_it():
    assert compare({VERSION: 3, PROBABILITY: 0.2}, 4, 0.9, "f").difference is None


@pytest.mark.parametrize("way", [("explain", "1", "--json"), ("explain", "version", "1", "--json")])
def test_a_versions_verdict_is_told_with_and_without_naming_the_command(lived_copy, run_here, way):
    said = json.loads(run_here(lived_copy.settings.home, *way).stdout)

    assert said["version"] == said["gate"]["version"] == 1


def test_the_champion_is_told_with_the_verdict_on_the_candidate_it_is_a_refit_of(lived_copy, run_here):
    home = lived_copy.settings.home

    said, found = run_here(home, "explain").stdout, json.loads(run_here(home, "explain", "--json").stdout)

    judged = found["gate"]["judged_version"]
    assert found["judged"]["version"] == judged != found["version"]
    assert f"The gate, of version {judged}" in said
    assert f"The refit, version {found['version']}" in said


def test_the_help_of_explain_shows_what_may_be_explained(run_here, tmp_path):
    said = run_here(tmp_path, "explain", "--help").stdout

    assert all(name in said for name in ("version", "flight", "model"))


def test_a_word_that_explain_does_not_know_is_wrong_usage(run_here, tmp_path):
    assert run_here(tmp_path, "explain", "weather").returncode == 2


def test_a_model_is_measured_on_the_newest_flights_and_has_a_page(lived_copy, run_here):
    ended = run_here(lived_copy.settings.home, "explain", "model", "1", "--days", "3", "--json")
    said = json.loads(ended.stdout)

    assert (said["version"], said["days"], said["from"], said["to"]) == (1, 3, "2013-03-08", "2013-03-10")
    assert {one["name"] for one in said["contributions"]["features"]} == set(NAMES)
    assert len(said["examples"]) == len({one["flight_id"] for one in said["examples"]}) == 10
    assert said["learned_from"] == 0
    assert (lived_copy.settings.home / "report" / "explain.html").read_text().startswith("<!doctype html>")
