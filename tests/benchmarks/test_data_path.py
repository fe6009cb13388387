"""The benchmark compares the same work: pandas splits, checks and builds as we do, and a repeated year is a year."""

import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from benchmarks import pandas_version
from benchmarks.data_path import Leg, compare, live, report
from benchmarks.repeated_year import DAYS, FIRST_DAY, last_day, weeks_of_source, write_sources
from data_checks import schema as s
from data_checks.feeds import split_feeds
from infra.source import open_source, package_folder
from pipelines.clock import local_day

LAST = FIRST_DAY + timedelta(days=DAYS + 8)


@pytest.fixture(scope="module")
def sources(source_tables: dict[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The source folders of the year and of the first days of its repetition."""
    folder = tmp_path_factory.mktemp("sources")
    write_sources(source_tables, folder, LAST)
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def repeated(sources: list[Path]) -> dict[str, pl.DataFrame]:
    """What the feeds deliver in the weeks of each folder, under each other, with the local day of delivery."""
    found = {name: [] for name in s.FEEDS}
    for source in sources:
        start, end = weeks_of_source(source)
        feeds = split_feeds(open_source(source, s.SOURCE_COLUMNS).tables(s.SOURCE_COLUMNS))
        for name, feed in s.FEEDS.items():
            dated = feeds[name].with_columns(local_day(feed.week_of).alias("day"))
            found[name].append(dated.filter(pl.col("day") >= start, pl.col("day") < end))
    return {name: pl.concat(rows) for name, rows in found.items()}


@pytest.fixture(scope="module")
def flights(repeated: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """The flights of all folders."""
    return repeated["schedule"]


@pytest.mark.filterwarnings("ignore:Logger .* attempted to send logs")  # tasks outside of a flow
def test_two_weeks_of_ours_and_of_pandas_have_the_same_features(tmp_path):
    ours, same = Leg(), Leg()

    live(ours, tmp_path, weeks=2)
    compare(same, tmp_path)

    assert set(ours.seconds) == {"imports", "read and land", "validate", "features"}
    assert same.facts["flights"] == ours.facts["flights"] > 9000
    assert same.facts["not_compared"] == []
    assert (same.facts["flights_apart"], same.facts["missing_or_other"]) == (0, 0)
    assert same.facts["largest_difference"] < 1e-9


def test_pandas_splits_the_source_into_the_same_feeds(feeds):
    theirs = pandas_version.split(pandas_version.read_tables(package_folder()))

    for feed in s.FEEDS.values():
        ours, found = feeds[feed.name].to_pandas(), theirs[feed.name].reset_index(drop=True)
        pd.testing.assert_frame_equal(ours, found, check_dtype=False)


@pytest.mark.parametrize(("minutes", "kept"), [(-180, True), (-181, False), (2880, True), (2881, False)])
def test_pandas_checks_the_ranges_of_the_contract(feeds, minutes, kept):
    rows = feeds["outcomes"].head(3).to_pandas()
    rows.loc[1, s.DELAY] = minutes

    assert len(pandas_version.check(rows, s.OUTCOMES)) == 2 + kept


def test_pandas_keeps_the_first_of_two_rows_with_one_key(feeds):
    rows = pd.concat([feeds["schedule"].head(3).to_pandas()] * 2, ignore_index=True)

    assert pandas_version.check(rows, s.SCHEDULE).index.tolist() == [0, 1, 2]


def test_a_repeated_year_has_no_flight_twice_and_none_missing(flights, feeds):
    of_day = feeds["schedule"].group_by(local_day(s.SCHEDULED_DEPARTURE).alias("day")).len().sort("day")["len"]

    assert flights[s.FLIGHT_ID].is_duplicated().sum() == 0
    assert flights.height == of_day.head(DAYS).sum() + of_day.head(9).sum()
    assert flights["day"].max() == LAST


def test_a_repeated_flight_leaves_at_the_same_clock_on_the_same_weekday(flights):
    clock = pl.col(s.SCHEDULED_DEPARTURE).dt.convert_time_zone("America/New_York").dt.strftime("%a %H:%M")
    first, again = (
        flights.filter(pl.col("day") == day).select(clock.sort()).to_series().to_list()
        for day in (FIRST_DAY, FIRST_DAY + timedelta(days=DAYS))
    )

    assert first == again
    assert flights.filter(pl.col("day") == date(2013, 12, 31))[s.FLIGHT_ID].str.starts_with("2013-12-31-").all()


def test_what_happens_at_the_seam_is_delivered_once(repeated):
    outcomes = repeated["outcomes"]

    without = repeated["schedule"].filter(pl.col("day") < LAST).join(outcomes, on=s.FLIGHT_ID, how="anti")

    assert outcomes.select(s.OUTCOMES.key).is_duplicated().sum() == 0
    assert repeated["weather"].select(s.WEATHER.key).is_duplicated().sum() == 0
    assert without.height == 0
    assert repeated["weather"]["day"].n_unique() >= DAYS + 8


def test_the_last_day_is_that_on_which_so_many_flights_have_left():
    days = [FIRST_DAY + timedelta(days=number) for number in range(365)]
    flights = pl.DataFrame(
        {"year": [d.year for d in days], "month": [d.month for d in days], "day": [d.day for d in days]}
    )

    assert last_day(1, flights) == date(2013, 12, 31)
    assert last_day(10, flights) == FIRST_DAY + timedelta(days=3649)


def test_the_command_is_one_of_its_legs_in_a_process_of_its_own(tmp_path):
    command = [sys.executable, "-m", "benchmarks.data_path", "--leg", "bare", "--folder", str(tmp_path)]

    ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])

    found = json.loads(ended.stdout)
    assert found["flights"] == 336776
    assert 0.1 < found["peak_gib"] < 6


def leg(seconds: float, gib: float, flights: int = 100) -> dict:
    """What a leg of these totals says."""
    parts = {"imports": 99.0, "read and land": seconds / 2, "features": seconds / 2}
    return {"seconds": parts, "cpu_seconds": parts, "peak_gib": gib, "flights": flights, "accepted": 3 * flights}


@pytest.mark.parametrize(("seconds", "gib", "kept"), [(110, 5.9, True), (111, 5.9, False), (110, 6.0, False)])
def test_ten_times_the_rows_may_take_eleven_times_the_time_and_less_than_six_gib(capsys, seconds, gib, kept):
    same = {
        "flights": 100,
        "largest_difference": 0.0,
        "differs_most": "seats",
        "missing_or_other": 0,
        "not_compared": [],
    }
    legs = {"ours": leg(10, 1.0), "bare": leg(2, 0.5), "pandas": leg(4, 2.0), "compare": same}

    report(legs | {"repeated": leg(seconds, gib, 1000)}, times=10, as_json=False)

    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith(
        "the year in 10 s and 1.00 GiB, 2.50 times the time of pandas and 0.50 of its memory; 10.00 "
    )
    assert ("(within 11 and 6)" if kept else "(NOT within 11 and 6)") in said
