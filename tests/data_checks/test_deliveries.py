"""Rows of a file: typed one by one, put into their weeks, named by content, corrected by others."""

import hashlib
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_checks import schema as s
from data_checks.deliveries import (
    OBJECTION,
    DeliveryRefused,
    Period,
    ignored_columns,
    in_natural_order,
    landed_schema,
    place_rows,
    readable,
    require_correctable,
    row_hashes,
    rule_of,
    superseded_by,
    type_rows,
)

NOON = datetime(2013, 7, 1, 16, tzinfo=UTC)
WEEKS = [Period("a", NOON, NOON + timedelta(days=7)), Period("b", NOON + timedelta(days=7), NOON + timedelta(days=14))]


def written(**changes: object) -> pl.DataFrame:
    """One row of an outcomes file, all text."""
    usual = {s.FLIGHT_ID: "f", s.EVENT: s.ARRIVED, s.DELAY: "7", s.KNOWN_AT: "2013-07-01T16:00:00Z"}
    return pl.DataFrame({name: [value] for name, value in (usual | changes).items()})


def typed(**changes: object) -> dict:
    return type_rows(written(**changes), s.OUTCOMES).row(0, named=True)


def words(*known_at: datetime | None) -> pl.DataFrame:
    rows = [("f", s.ARRIVED, number, moment, 0) for number, moment in enumerate(known_at)]
    return readable(pl.DataFrame(rows, schema=s.OUTCOMES.polars_schema, orient="row"))


@pytest.mark.parametrize(
    "text",
    ["2013-07-01T16:00:00Z", "2013-07-01 16:00:00+00:00", "2013-07-01T12:00:00-04:00",
     "2013-07-01T16:00:00.000000+0000", "2013-07-01 16:00:00"],
)  # fmt: skip
def test_a_moment_is_read_in_any_usual_spelling_and_as_utc_when_it_names_no_zone(text):
    assert (typed(known_at_utc=text)[s.KNOWN_AT], typed(known_at_utc=text)[OBJECTION]) == (NOON, None)


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
def test_a_moment_of_a_parquet_file_is_read_in_any_unit_and_zone(unit, zone):
    moment = pl.Series([NOON.replace(tzinfo=None)], dtype=pl.Datetime(unit)).dt.replace_time_zone("UTC")
    moment = moment.dt.convert_time_zone(zone) if zone else moment.dt.replace_time_zone(None)

    found = type_rows(written().with_columns(moment.alias(s.KNOWN_AT)), s.OUTCOMES)

    assert found[s.KNOWN_AT].to_list() == [NOON]


@pytest.mark.parametrize(
    ("changes", "objection"),
    [
        ({s.DELAY: "7.5"}, "delay_min cannot be read, got 7.5"),
        ({s.DELAY: "soon"}, "delay_min cannot be read, got soon"),
        ({s.DELAY: "nan"}, "delay_min cannot be read, got nan"),
        ({s.KNOWN_AT: "noon"}, "known_at_utc cannot be read, got noon"),
        ({s.DELAY: "x", s.KNOWN_AT: "y"}, "delay_min cannot be read, got x; known_at_utc cannot be read, got y"),
    ],
)
def test_a_value_that_cannot_be_read_is_an_objection_to_its_row(changes, objection):
    assert typed(**changes)[OBJECTION] == objection


@pytest.mark.parametrize(("text", "delay"), [("7", 7), ("7.0", 7), ("-7", -7), (None, None)])
def test_whole_numbers_are_read_however_they_are_written(text, delay):
    found = type_rows(written().with_columns(pl.lit(text, dtype=pl.String).alias(s.DELAY)), s.OUTCOMES)

    assert found.select(s.DELAY, OBJECTION).row(0) == (delay, None)


def test_the_rule_of_an_objection_does_not_name_the_value():
    found = pl.DataFrame({"objection": ["a cannot be read, got 1; b cannot be read, got x"]})

    assert found.select(rule_of(pl.col("objection"))).item() == "a cannot be read; b cannot be read"


def test_rows_that_name_no_revision_say_the_first_word():
    assert typed()[s.REVISION] == 0
    assert typed(revision="2")[s.REVISION] == 2


def test_columns_that_are_missing_refuse_the_file_by_name():
    with pytest.raises(DeliveryRefused, match="this is no outcomes: it lacks the columns event, known_at_utc "):
        type_rows(written().drop(s.EVENT, s.KNOWN_AT), s.OUTCOMES)


def test_a_file_without_rows_is_refused():
    with pytest.raises(DeliveryRefused, match="has columns and no rows"):
        type_rows(written().clear(), s.OUTCOMES)


def test_columns_that_the_contract_does_not_know_are_left_alone():
    file = written(gate="A7")

    assert ignored_columns(file, s.OUTCOMES) == ["gate"]
    assert type_rows(file, s.OUTCOMES).columns == [*s.OUTCOMES.polars_schema, OBJECTION]


@pytest.mark.parametrize("feed", s.FEEDS.values(), ids=s.FEEDS)
def test_the_real_feeds_are_read_as_they_were_written(feeds, feed):
    rows = feeds[feed.name].head(500)

    as_text = rows.with_columns(pl.col(pl.Datetime).dt.to_string("iso")).cast(pl.String)

    assert type_rows(as_text, feed).equals(readable(rows))


def test_a_row_belongs_to_the_week_of_its_moment_the_first_included_and_the_last_not():
    last = NOON + timedelta(days=14)

    placed = place_rows(words(NOON, WEEKS[0].end, last - timedelta(seconds=1), last), s.OUTCOMES, WEEKS, desk="b")

    assert {week: rows[s.DELAY].to_list() for week, rows in placed.items()} == {"a": [0], "b": [1, 2, 3]}
    assert placed["b"][OBJECTION].to_list() == [None, None, "known_at_utc is in no week of the year"]


def test_a_row_without_moment_goes_to_the_desk_with_everything_that_speaks_against_it():
    row = words(None).with_columns(pl.lit("known_at_utc cannot be read, got ?").alias(OBJECTION))

    placed = place_rows(row, s.OUTCOMES, WEEKS, desk="a")

    assert placed["a"][OBJECTION].to_list() == [
        "known_at_utc cannot be read, got ?; known_at_utc is in no week of the year"
    ]


@given(st.permutations(range(6)))
def test_one_content_has_one_natural_order(order):
    rows = words(*(NOON + timedelta(hours=hour // 2) for hour in range(6)))

    assert in_natural_order(rows[list(order)], s.OUTCOMES).equals(in_natural_order(rows, s.OUTCOMES))


@pytest.mark.parametrize("feed", s.FEEDS.values(), ids=s.FEEDS)
def test_the_real_feeds_come_in_their_natural_order(feeds, feed):
    assert in_natural_order(feeds[feed.name], feed).equals(feeds[feed.name])


def test_the_hash_of_a_row_is_its_content_and_nothing_else():
    (first,) = row_hashes(words(NOON), s.OUTCOMES)

    content = '["outcomes", "f", "arrived", 0, "2013-07-01 16:00:00+00:00", 0, null]'
    assert first == hashlib.sha256(content.encode()).hexdigest()


def test_rows_that_differ_in_any_value_have_other_hashes():
    rows = words(NOON, NOON, NOON + timedelta(microseconds=1))
    odd = rows.with_columns(pl.lit("x").alias(OBJECTION))

    assert row_hashes(pl.concat([rows, odd]), s.OUTCOMES).n_unique() == 6


def landed(batch: str, corrects: str | None = None, feed: str = "outcomes") -> dict:
    return {"action": "land", "batch": batch, "corrects": corrects, "feed": feed}


def test_what_supersedes_what_is_read_from_the_ledger():
    entries = [landed("a"), landed("b", "a"), {"action": "discard"}, landed("c", "b")]

    assert superseded_by(entries) == {"a": "b", "b": "c"}


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([], "no batch a has landed"),
        ([landed("a", feed="schedule")], "a is a batch of schedule, not of outcomes"),
        ([landed("a"), landed("b", "a")], "a was superseded by b already; correct b instead"),
    ],
)
def test_only_a_batch_of_the_feed_that_is_in_force_can_be_corrected(entries, words):
    with pytest.raises(DeliveryRefused, match=words):
        require_correctable(entries, s.OUTCOMES, "a")

    require_correctable([landed("a")], s.OUTCOMES, "a")


@pytest.mark.parametrize("feed", s.FEEDS.values(), ids=s.FEEDS)
def test_a_landed_row_has_the_columns_of_the_feed_first(feed):
    assert landed_schema(feed).names()[: len(feed.columns)] == list(feed.polars_schema)


def test_a_file_with_lists_in_a_column_is_refused_by_name():
    nested = written().with_columns(pl.Series(s.DELAY, [[1, 2]]))

    with pytest.raises(DeliveryRefused, match="has lists or records in delay_min; expected one value per row"):
        type_rows(nested, s.OUTCOMES)


def test_a_file_with_a_column_twice_is_refused():
    twice = pl.read_csv(b"flight_id,event,delay_min,known_at_utc,event\nf,arrived,7,2013-07-01T16:00:00Z,arrived")

    with pytest.raises(DeliveryRefused, match="has a column twice: event_duplicated_0"):
        type_rows(twice, s.OUTCOMES)
