"""What we rely on in Great Expectations: each rule of the contract fails on the rows that break it, and on no other."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from data_checks import schema as s
from data_checks.rules import measure_rules, row_rules
from data_checks.suites import Validator, expectation_of

MONDAY = datetime(2013, 7, 1, 4, tzinfo=UTC)


def schedule(rows: int = 700, **changed: list) -> pl.DataFrame:
    """One day of the schedule that keeps the contract; `changed` gives the first rows other values."""
    columns = {
        s.FLIGHT_ID: [f"2013-07-01-UA{number}-EWR" for number in range(1, rows + 1)],
        s.CARRIER: ["UA"] * rows,
        s.FLIGHT_NUMBER: list(range(1, rows + 1)),
        s.TAIL_NUMBER: ["N1"] * rows,
        s.ORIGIN: ["EWR"] * rows,
        s.DESTINATION: ["IAH"] * rows,
        s.SCHEDULED_DEPARTURE: [MONDAY] * rows,
        s.SCHEDULED_ARRIVAL: [MONDAY + timedelta(hours=3)] * rows,
        s.DISTANCE: [1400.0] * rows,
        s.KNOWN_AT: [MONDAY - timedelta(days=7)] * rows,
    }
    for name, values in changed.items():
        columns[name] = values + columns[name][len(values) :]
    return pl.DataFrame(columns, schema=s.SCHEDULE.polars_schema)


@pytest.fixture(scope="module")
def validator(tmp_path_factory) -> Validator:
    return Validator(tmp_path_factory.mktemp("gx"))


def broken(validator: Validator, batch: pl.DataFrame, days: int = 1) -> dict[str, tuple[int, ...]]:
    """Which rules a batch broke with which rows, rules about the whole batch left out."""
    results = validator.check(s.SCHEDULE, batch, days, "2013-07-01", MONDAY)
    about_batch = {rule.name for rule in measure_rules(s.SCHEDULE)} - {VOLUME}
    return {
        result.rule: result.failed_rows for result in results if not result.passed and result.rule not in about_batch
    }


VOLUME = "rows_per_day between 500 and 1200 rows"


@pytest.mark.parametrize("feed", s.FEEDS.values(), ids=s.FEEDS)
def test_every_rule_of_a_feed_is_an_expectation_with_its_name_and_severity(feed):
    rules = (*row_rules(feed), *measure_rules(feed))
    expectations = [expectation_of(rule) for rule in rules]

    assert [e.meta["rule"] for e in expectations] == [rule.name for rule in rules]
    assert {(e.meta["severity"], e.severity.value) for e in expectations} <= {
        ("block", "critical"),
        ("quarantine", "warning"),
        ("warn", "info"),
    }


def test_a_batch_that_keeps_the_contract_breaks_no_rule(validator):
    assert broken(validator, schedule()) == {}


@pytest.mark.parametrize(
    ("changed", "rule", "rows"),
    [
        ({s.CARRIER: ["XX"]}, f"carrier is one of {', '.join(s.CARRIERS)}", (0,)),
        ({s.CARRIER: ["UA", None]}, "carrier is there", (1,)),
        ({s.DISTANCE: [49.9, 50.0, 5000.0, 5000.1]}, "distance_miles between 50 and 5000 miles", (0, 3)),
        ({s.DESTINATION: ["iah"]}, "destination looks like ^[A-Z]{3}$", (0,)),
        ({s.FLIGHT_ID: ["2013-07-01-UA2-EWR"]}, "flight_id seen once", (1,)),
        ({s.FLIGHT_ID: ["2013-07-01-UA2-JFK"]}, "flight_id_agrees is true", (0,)),
        ({s.SCHEDULED_ARRIVAL: [MONDAY]}, "scheduled_departure_utc before scheduled_arrival_utc", (0,)),
        ({s.TAIL_NUMBER: [None] * 141}, "tail_number missing in at most 20% of the rows", ()),
    ],
)
def test_a_broken_row_is_named_with_its_rule(validator, changed, rule, rows):
    assert broken(validator, schedule(**changed))[rule] == rows


@pytest.mark.parametrize(("rows", "breaks"), [(499, True), (500, False), (1200, False), (1201, True)])
def test_the_volume_of_a_batch_is_checked_by_the_days_it_covers(validator, rows, breaks):
    assert (VOLUME in broken(validator, schedule(rows))) is breaks


def test_a_half_written_context_is_made_anew(tmp_path):
    Validator(tmp_path)
    (tmp_path / "gx" / "great_expectations.yml").write_text("half: [a")
    (tmp_path / "gx" / "checkpoints" / "schedule").write_text("{")

    assert broken(Validator(tmp_path), schedule()) == {}


def test_data_docs_are_built_of_recorded_runs(validator):
    validator.check(s.SCHEDULE, schedule(), 1, "2013-07-01", MONDAY)

    assert "schedule" in validator.build_docs().read_text()
