"""`preflight log`: what the service logged is loaded and shown, and a database that refuses is one sentence."""

import json

import numpy as np
import orjson
import polars as pl
import pytest
import sqlalchemy as sa

from benchmarks.answered_week import answered
from infra.online_predictions import PREDICTIONS, open_predictions
from infra.pseudonyms import Pseudonyms
from pipelines.asked import FRESH
from pipelines.feature_catalog import CATEGORICAL, NAMES
from services.messages import FlightRequest
from services.online import FeatureRows, plan_of
from services.prediction_log import Given, make_line, on_record, open_log


@pytest.fixture
def home(tmp_path):
    """A home in whose log seven flights were answered, one to a request."""
    home = tmp_path / "home"
    log, names = open_log(home), Pseudonyms(home)
    for number in range(1, 8):
        flight = FlightRequest(
            carrier="UA", flight_number=number, tail_number="N14228", origin="EWR", destination="IAH",
            scheduled_departure="2013-12-31T05:15:00-05:00", scheduled_arrival="2013-12-31T08:19:00-06:00",
        )  # fmt: skip
        encoded = np.full((1, len(NAMES)), np.nan)
        encoded[:, : len(CATEGORICAL)] = 1.0
        name, as_of = f"2013-12-31-UA{number}-EWR", "2013-12-31T08:15:00+00:00"
        rows = FeatureRows([name], [as_of], encoded, FRESH, None, 0.0)
        said = {"flight_id": name, "as_of": as_of, "probability_late": number / 8, "is_late": number > 4}
        given = Given("predict", "ab" * 8, 9, "champion", "2013-12-30", 1.25)
        log.append(
            b"%d" % number, make_line(str(number), given, [on_record(plan_of(flight), names)], rows, orjson.dumps(said))
        )
    log.close()
    return home


def test_what_was_logged_is_loaded_once(run_here, home):
    first, again = run_here(home, "log", "load"), run_here(home, "log", "load", "--json")

    assert (first.returncode, first.stdout) == (0, "loaded 7 flights from the prediction log\n")
    assert json.loads(again.stdout)["flights"] == 0


def test_the_newest_predictions_are_shown_the_last_one_last(run_here, home):
    run_here(home, "log", "load")

    ended = run_here(home, "log", "show", "--last", "4")

    lines = ended.stdout.splitlines()
    shown = [line.split(maxsplit=2)[2].strip() for line in lines if "UA" in line]
    assert [line.split()[0] for line in shown] == [f"2013-12-31-UA{number}-EWR" for number in (4, 5, 6, 7)]
    assert shown[0].split()[1:] == ["9", "champion", "fresh", "0.500", "on", "time", "1.2"]
    assert shown[1].split()[1:] == ["9", "champion", "fresh", "0.625", "late", "1.2"]
    assert lines[-1] == "the newest 4 flights that were loaded; for what came since, run: preflight log load"


def test_the_document_has_features_and_plan_by_name_and_no_tail_number(run_here, home):
    run_here(home, "log", "load")

    ended = run_here(home, "log", "show", "--json")

    shown = json.loads(ended.stdout)["predictions"]
    assert [row["request_id"] for row in shown] == ["3", "4", "5", "6", "7"]
    assert list(shown[0]["features"]) == list(NAMES)
    assert shown[0]["flight"][:4] == ["UA", 3, "EWR", "IAH"]
    assert "N14228" not in ended.stdout


def test_nothing_to_show_is_said(run_here, tmp_path):
    ended = run_here(tmp_path / "new", "log", "show")

    assert ended.returncode == 0
    assert ended.stdout.splitlines()[-1].startswith("nothing was loaded yet; ")


def test_a_database_that_refuses_is_one_sentence_without_the_password(run_here, home):
    url = "postgresql://someone:s3cret@127.0.0.1:1/flights"

    ended = run_here(home, "log", "load", predictions_url=url)

    assert ended.returncode == 1
    assert ended.stderr.startswith("preflight: cannot use the database postgresql://127.0.0.1:1/flights: ")
    assert ended.stderr.count("\n") == 1
    assert "s3cret" not in ended.stderr + ended.stdout


def test_a_number_that_makes_no_sense_is_wrong_usage(run_here, home):
    assert run_here(home, "log", "show", "--last", "0").returncode == 2


def test_a_week_shows_batch_and_online_side_by_side_and_writes_them_with_their_labels(run_here, lived_copy, tmp_path):
    context, home = lived_copy.context, lived_copy.settings.home
    week, file = context.scored_weeks()[0], tmp_path / "week.csv"
    with open_predictions(home, None).begin() as connection:
        connection.execute(sa.insert(PREDICTIONS), list(answered(context, week, 50)))

    ended = run_here(home, "log", "week", week.id, "--write", str(file), "--json")

    online = next(one for one in json.loads(ended.stdout)["predictions"] if one["source"] == "online")
    written = pl.read_csv(file)
    assert (ended.returncode, online["predictions"], online["alias"]) == (0, 50, "champion")
    assert written.filter(pl.col("source") == "online").height == 50
    assert written["is_late"].null_count() < written.height
    assert "N14228" not in file.read_text()


def test_a_file_of_another_kind_is_refused_with_what_is_expected(run_here, lived_copy, tmp_path):
    week = lived_copy.context.scored_weeks()[0]

    ended = run_here(lived_copy.settings.home, "log", "week", week.id, "--write", str(tmp_path / "week.xlsx"))

    assert ended.returncode != 0
    assert ".parquet or .csv" in ended.stderr
    assert not list(tmp_path.glob("week*"))


def test_a_week_that_is_not_scored_is_refused_with_the_first_that_is(run_here, tmp_path):
    ended = run_here(tmp_path, "log", "week", "2013-01-01")

    assert ended.returncode != 0
    assert "no week of 2013-01-01 is scored: the weeks before 2013-02-04 are learned from" in ended.stderr
