"""Which word about a flight is the first, and which the last."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_checks import schema as s
from data_checks.words import TOO_LATE, first_word, last_word, number_words

NOON = datetime(2013, 7, 1, 16, tzinfo=UTC)
NOTHING = s.OUTCOMES.polars_schema.to_frame()


def said(*rows: tuple[str, float, int], flight: str = "a") -> pl.DataFrame:
    """Words about one flight: event, days after noon at which it is known, claimed revision."""
    told = [(flight, event, None, NOON + timedelta(days=days), revision) for event, days, revision in rows]
    return pl.DataFrame(told, schema=s.OUTCOMES.polars_schema, orient="row")


def numbers(words: pl.DataFrame, known: pl.DataFrame = NOTHING) -> list[int]:
    return number_words(words, known)[s.REVISION].to_list()


def too_late(words: pl.DataFrame, known: pl.DataFrame = NOTHING) -> list[bool]:
    return number_words(words, known)[TOO_LATE].to_list()


def test_what_is_said_once_is_the_first_word():
    assert numbers(said((s.DEPARTED, 0, 0), (s.ARRIVED, 0.1, 0))) == [0, 0]


def test_a_second_word_about_the_same_follows_the_first():
    assert numbers(said((s.ARRIVED, 0, 0), (s.ARRIVED, 3, 0))) == [0, 1]


def test_a_word_keeps_the_number_it_claims_where_that_is_free():
    assert numbers(said((s.ARRIVED, 0, 0), (s.ARRIVED, 3, 2))) == [0, 2]


def test_a_first_word_that_comes_after_its_correction_is_still_the_first():
    assert numbers(said((s.ARRIVED, 5, 0)), known=said((s.ARRIVED, 3, 1))) == [0]


def test_a_word_without_number_follows_all_that_are_known():
    assert numbers(said((s.ARRIVED, 5, 0)), known=said((s.ARRIVED, 0, 0), (s.ARRIVED, 3, 4))) == [5]


@pytest.mark.parametrize("first", [s.DEPARTED, s.ARRIVED, s.DIVERTED])
def test_a_cancellation_contradicts_whatever_was_said_before(first):
    assert numbers(said((s.CANCELLED, 1, 0)), known=said((first, 0, 0))) == [1]


@pytest.mark.parametrize(("first", "then"), [(s.DEPARTED, s.ARRIVED), (s.DEPARTED, s.DIVERTED)])
def test_leaving_and_ending_are_two_things(first, then):
    assert numbers(said((then, 1, 0)), known=said((first, 0, 0))) == [0]


def test_words_about_other_flights_do_not_count():
    assert numbers(said((s.ARRIVED, 1, 0)), known=said((s.ARRIVED, 0, 0), flight="b")) == [0]


def test_a_word_without_flight_is_left_to_the_contract():
    assert numbers(said((s.ARRIVED, 1, 0), (s.ARRIVED, 2, 0)).with_columns(flight_id=pl.lit(None, pl.String))) == [0, 0]


@pytest.mark.parametrize(("days", "late"), [(13.9, False), (14, False), (14.1, True)])
def test_a_word_may_be_revised_up_to_14_days_after_the_first(days, late):
    assert too_late(said((s.ARRIVED, 0, 0), (s.ARRIVED, days, 1))) == [False, late]
    assert too_late(said((s.ARRIVED, days, 1)), known=said((s.ARRIVED, 0, 0))) == [late]


WORDS = st.lists(
    st.tuples(st.sampled_from([s.DEPARTED, s.ARRIVED, s.CANCELLED, s.DIVERTED]), st.integers(0, 13), st.integers(0, 2)),
    min_size=1, max_size=6, unique=True,
)  # fmt: skip


@given(WORDS, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows, chance):
    shuffled = chance.sample(rows, len(rows))

    found = dict(zip(rows, numbers(said(*rows)), strict=True))

    assert dict(zip(shuffled, numbers(said(*shuffled)), strict=True)) == found


@given(WORDS)
def test_no_two_words_about_the_same_thing_have_one_number(rows):
    words = said(*rows).with_columns(pl.Series(s.REVISION, numbers(said(*rows))))

    leaving = words.filter(pl.col(s.EVENT).is_in([s.DEPARTED, s.CANCELLED]))
    ending = words.filter(pl.col(s.EVENT).is_in([s.ARRIVED, s.CANCELLED, s.DIVERTED]))
    assert not leaving[s.REVISION].is_duplicated().any()
    assert not ending[s.REVISION].is_duplicated().any()
    assert last_word(words, NOON + timedelta(days=30)).height == min(1, ending.height)


def test_the_first_word_stands_when_everything_else_was_said_later():
    words = said((s.ARRIVED, 0, 0), (s.CANCELLED, 1, 1), (s.ARRIVED, 2, 2))

    assert first_word(words).equals(words[:1])


@pytest.mark.parametrize(("days", "revision"), [(0.9, 0), (1, 1), (1.9, 1), (2, 2)])
def test_the_last_word_is_the_newest_that_is_known_at_the_moment(days, revision):
    words = said((s.ARRIVED, 0, 0), (s.CANCELLED, 1, 1), (s.ARRIVED, 2, 2))

    assert last_word(words, NOON + timedelta(days=days))[s.REVISION].to_list() == [revision]


def test_a_first_word_that_is_known_after_its_correction_changes_nothing():
    words = said((s.ARRIVED, 5, 0), (s.ARRIVED, 1, 1))

    assert last_word(words, NOON + timedelta(days=6))[s.REVISION].to_list() == [1]


def test_in_the_real_year_every_word_is_the_first(feeds):
    outcomes = feeds["outcomes"]

    assert set(numbers(outcomes)) == {0}
    assert first_word(outcomes).height == outcomes.height
