"""The contract itself: what every feed and column must say of itself."""

import polars as pl
import pytest

from data_checks import schema as s
from data_checks.rules import measure_rules, row_rules

TABLES = (*s.FEEDS.values(), *s.TABLES.values())
COLUMNS = [(table, column) for table in TABLES for column in table.columns]
DERIVED = [(feed, column) for feed in s.FEEDS.values() for column in (*feed.derived, *feed.measures)]
NUMBERS = (pl.Int64, pl.Float64)
NUMBERS_WITHOUT_UNIT = {s.FLIGHT_NUMBER, s.REVISION}
"""A name made of digits, and a count; they measure nothing."""


def named(columns: list) -> list[str]:
    return [f"{feed.name}.{column.name}" for feed, column in columns]


@pytest.mark.parametrize("feed", s.FEEDS.values(), ids=s.FEEDS)
def test_a_feed_names_each_column_once(feed):
    assert len(feed.polars_schema) == len(feed.columns)


def test_feeds_are_found_by_their_own_names():
    assert [feed.name for feed in s.FEEDS.values()] == list(s.FEEDS)


def test_a_column_that_two_feeds_share_has_one_type_in_both():
    types = {(column.name, str(column.dtype)) for _, column in COLUMNS}

    assert len(types) == len({name for name, _ in types})


def test_bounds_come_in_pairs_the_lower_first():
    wrong = [
        (feed, column)
        for feed, column in COLUMNS
        if (column.minimum is None) != (column.maximum is None)
        or (column.minimum is not None and column.minimum >= column.maximum)
    ]

    assert named(wrong) == []


def test_every_number_has_bounds():
    assert named([pair for pair in COLUMNS if pair[1].dtype in NUMBERS and pair[1].minimum is None]) == []


def test_every_number_that_measures_something_has_a_unit():
    silent = [
        pair
        for pair in COLUMNS
        if pair[1].dtype in NUMBERS and not pair[1].unit and pair[1].name not in NUMBERS_WITHOUT_UNIT
    ]

    assert named(silent) == []


@pytest.mark.parametrize(
    ("unit", "ending"),
    [
        ("miles", "_miles"),
        ("min", "_min"),
        ("°F", "_f"),
        ("%", "_pct"),
        ("°", "_deg"),
        ("mph", "_mph"),
        ("UTC", "_utc"),
    ],
)
def test_the_name_of_a_column_ends_with_its_unit(unit, ending):
    measured = [column.name for _, column in COLUMNS if column.unit == unit]

    assert [name for name in measured if not name.endswith(ending)] == []


def test_every_column_has_a_meaning():
    assert named([pair for pair in COLUMNS if not pair[1].meaning]) == []


def test_every_moment_is_in_utc():
    moments = {column.name for _, column in COLUMNS if column.dtype == s.MOMENT}

    assert moments == {column.name for _, column in COLUMNS if column.name.endswith("_utc")}


@pytest.mark.parametrize("feed", s.FEEDS.values(), ids=s.FEEDS)
def test_a_feed_says_from_when_each_row_is_known(feed):
    known_at = next(column for column in feed.columns if column.name == s.KNOWN_AT)

    assert (known_at.dtype, known_at.nullable) == (s.MOMENT, False)


@pytest.mark.parametrize("feed", s.FEEDS.values(), ids=s.FEEDS)
def test_a_key_and_a_week_are_made_of_columns_that_are_never_missing(feed):
    required = {column.name for column in feed.columns if not column.nullable}

    assert {*feed.key, feed.week_of} <= required


@pytest.mark.parametrize("feed", s.FEEDS.values(), ids=s.FEEDS)
def test_rules_over_several_columns_name_columns_of_the_feed(feed):
    compared = {name for pair in feed.ascending for name in pair}
    required = {name for column, when, _ in feed.required_when for name in (column, when)}

    assert compared | required <= set(feed.polars_schema)


@pytest.mark.parametrize("feed", s.FEEDS.values(), ids=s.FEEDS)
def test_rules_of_a_feed_have_names_of_their_own(feed):
    names = [rule.name for rule in (*row_rules(feed), *measure_rules(feed))]

    assert len(names) == len(set(names))


def test_a_derived_column_or_measure_has_a_bound_or_is_a_truth_and_may_be_unknown():
    wrong = [
        (feed, column)
        for feed, column in DERIVED
        if not column.nullable
        or (column.dtype != pl.Boolean and column.minimum is None and column.maximum is None)
        or (None not in (column.minimum, column.maximum) and column.minimum > column.maximum)
    ]

    assert named(wrong) == []


def test_a_measure_keeps_out_the_batch_or_warns_since_it_names_no_row():
    severities = {column.severity for feed in s.FEEDS.values() for column in feed.measures}

    assert severities == {s.BLOCK, s.WARN}


def test_only_a_column_that_may_be_missing_says_how_often():
    assert named([pair for pair in COLUMNS if pair[1].most_missing is not None and not pair[1].nullable]) == []


def test_every_table_says_from_when_it_is_known():
    assert [table.name for table in TABLES if not table.known] == []


@pytest.mark.parametrize("table", s.TABLES.values(), ids=s.TABLES)
def test_a_reference_table_is_found_by_columns_that_are_never_missing(table):
    assert set(table.key) <= {column.name for column in table.columns if not column.nullable}


def test_the_plan_holds_no_column_of_what_happened():
    plan = set(s.SCHEDULE.polars_schema) - {s.FLIGHT_ID, s.KNOWN_AT}

    assert plan & set(s.OUTCOMES.polars_schema) == set()


def test_allowed_words_are_sorted_and_seen_once():
    domains = {column.name: column.domain for _, column in COLUMNS if column.domain and column.name != s.EVENT}

    assert {name for name, words in domains.items() if list(words) != sorted(set(words))} == set()
