"""A home folder holds one life: the settings that shape it stay, those that do not may change."""

from pathlib import Path

import polars as pl
import pytest

from data_checks import schema as s
from infra.settings import Settings
from pipelines.clock import Week
from pipelines.context import WEEKS_TO_JUDGE_BY, Context, OtherHistory


def life(home: Path, **settings: object) -> Context:
    return Context(Settings(home=home, **settings))


def test_a_life_goes_on_with_the_settings_it_began_with(tmp_path):
    life(tmp_path, trees=10).claim_history()

    life(tmp_path, trees=10, port=4000, source=tmp_path).claim_history()


def test_a_life_does_not_go_on_with_other_settings(tmp_path):
    life(tmp_path, trees=10).claim_history()

    with pytest.raises(OtherHistory, match=r"holds a life with PREFLIGHT_TREES 10 \(now 20\)"):
        life(tmp_path, trees=20).claim_history()


def test_two_homes_hold_two_lives(tmp_path):
    life(tmp_path / "a", trees=10).claim_history()

    life(tmp_path / "b", trees=20).claim_history()


def accept(context: Context, week: Week, aircraft: str) -> None:
    """A week whose schedule is one flight of an aircraft, told apart by its name."""
    row = dict.fromkeys(s.SCHEDULE.polars_schema) | {
        s.FLIGHT_ID: f"{week.id}-UA1-EWR", s.CARRIER: "UA", s.TAIL_NUMBER: aircraft, s.SCHEDULED_DEPARTURE: week.start
    }  # fmt: skip
    for feed in s.FEEDS.values():
        rows = pl.DataFrame([row] if feed is s.SCHEDULE else [], schema=feed.polars_schema)
        context.store.write_table(f"accepted/{feed.name}", week.id, rows)
    context.journal.record(week.id, "validate", {"feeds": {}})


@pytest.fixture
def context(tmp_path) -> Context:
    """A home with empty reference tables."""
    found = life(tmp_path)
    for name, schema in s.REFERENCE.items():
        found.store.write_table("reference", name, pl.DataFrame(schema=schema))
    return found


JULY = Week.from_id("2013-07-01")
NO_PLAN = s.SCHEDULE.polars_schema.to_frame()


def test_a_batch_is_judged_by_the_weeks_just_before_it_and_no_others(context):
    for number in range(-WEEKS_TO_JUDGE_BY - 1, 2):
        accept(context, JULY.plus(number), f"N{number}")

    seen = context.history(s.SCHEDULE, JULY, NO_PLAN).aircraft[s.TAIL_NUMBER]

    assert set(seen) == {f"N{number}" for number in range(-WEEKS_TO_JUDGE_BY, 0)}


def test_history_ends_at_the_first_week_that_is_missing(context):
    accept(context, JULY.plus(-3), "old")
    accept(context, JULY.plus(-1), "new")

    assert context.history(s.SCHEDULE, JULY, NO_PLAN).aircraft[s.TAIL_NUMBER].to_list() == ["new"]


def test_outcomes_are_judged_by_the_plan_of_their_week_too(context):
    accept(context, JULY.plus(-1), "N1")
    landed = context.store.read_table("accepted/schedule", JULY.plus(-1).id).with_columns(
        pl.lit("2013-07-01-UA2-EWR").alias(s.FLIGHT_ID), pl.lit("a mark of the landing").alias("batch")
    )

    planned = context.history(s.OUTCOMES, JULY, landed).planned[s.FLIGHT_ID]

    assert planned.to_list() == ["2013-06-24-UA1-EWR", "2013-07-01-UA2-EWR"]


def test_in_the_last_week_rows_are_due_until_the_data_ends(context):
    span = context.history(s.WEATHER, Week.from_id("2013-12-30"), NO_PLAN).span

    assert (span.due - span.start).days == 2
