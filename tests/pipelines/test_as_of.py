"""What was known at a moment: small events worked out by hand, then against a loop that is plainly right."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from data_checks import schema as s
from pipelines.as_of import AS_OF, Codes, Events, Totals, joint_key, seconds_asked, seconds_known

NOON = datetime(2013, 7, 1, 12, tzinfo=UTC)
EWR, JFK = "EWR", "JFK"


def ago(minutes: float) -> datetime:
    """A moment so many minutes before noon."""
    return NOON - timedelta(minutes=minutes)


def events(*rows: tuple[str, datetime, int]) -> pl.DataFrame:
    """Events of an airport, each with the moment from which it is known and a delay."""
    return pl.DataFrame(rows, schema={s.ORIGIN: pl.String, s.KNOWN_AT: s.MOMENT, s.DELAY: pl.Int64}, orient="row")


def asked(*rows: tuple[str, datetime]) -> pl.DataFrame:
    """Rows that ask about an airport as of a moment; by default one, about EWR at noon."""
    return pl.DataFrame(rows or ((EWR, NOON),), schema={s.ORIGIN: pl.String, AS_OF: s.MOMENT}, orient="row")


AIRPORTS = Codes.of([EWR, JFK])


def told(found: pl.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Key, second known and delay of events."""
    return AIRPORTS.encode(found[s.ORIGIN].to_list()), seconds_known(found[s.KNOWN_AT]), found[s.DELAY].to_numpy()


def question(rows: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Key and second of rows that ask."""
    return AIRPORTS.encode(rows[s.ORIGIN].to_list()), seconds_asked(rows[AS_OF])


def delays_within(found: pl.DataFrame, rows: pl.DataFrame, hours: float = 1) -> list[int]:
    key, known, delay = told(found)
    (window,) = Totals.of(key, known, delay=delay).within(*question(rows), hours)
    return window["delay"].tolist()


def last_delays(found: pl.DataFrame, rows: pl.DataFrame, within: float = 1000) -> list[int | None]:
    key, known, delay = told(found)
    last = Events.of(key, known, delay=delay).last(*question(rows), within)["delay"]
    return pl.Series(last).fill_nan(None).to_list()


def test_events_of_the_window_are_added_up():
    assert delays_within(events((EWR, ago(50), 3), (EWR, ago(10), 4)), asked()) == [7]


def test_an_event_known_at_the_very_moment_counts():
    assert delays_within(events((EWR, NOON, 3)), asked()) == [3]


def test_an_event_known_a_microsecond_later_does_not_count():
    assert delays_within(events((EWR, NOON + timedelta(microseconds=1), 3)), asked()) == [0]


def test_an_event_as_old_as_the_window_is_out_of_it_and_a_younger_one_is_in():
    found = events((EWR, ago(60), 3), (EWR, ago(60) + timedelta(seconds=1), 4))

    assert delays_within(found, asked()) == [4]


def test_events_of_another_key_do_not_count():
    assert delays_within(events((JFK, ago(10), 3)), asked()) == [0]


def test_nothing_known_adds_up_to_nothing():
    assert delays_within(events(), asked()) == [0]


def test_events_that_become_known_together_all_count():
    assert delays_within(events((EWR, ago(10), 3), (EWR, ago(10), 4), (EWR, ago(10), 5)), asked()) == [12]


def test_totals_until_a_moment_count_everything_before_it():
    key, known, delay = told(events((EWR, ago(9000), 3), (EWR, ago(10), 4), (JFK, ago(10), 9)))

    assert Totals.of(key, known, delay=delay).until(*question(asked()))["delay"].tolist() == [7]


def test_totals_at_a_moment_count_that_very_second():
    key, known, delay = told(events((EWR, ago(1 / 60), 3), (EWR, NOON, 4), (EWR, NOON, 5), (JFK, NOON, 9)))

    assert Totals.of(key, known, delay=delay).at(*question(asked()))["delay"].tolist() == [9]


def test_several_windows_are_answered_in_their_order():
    key, known, delay = told(events((EWR, ago(90), 3), (EWR, ago(10), 4)))

    found = Totals.of(key, known, delay=delay).within(*question(asked()), 1, 2)

    assert [window["delay"].tolist() for window in found] == [[4], [7]]


def test_a_joint_key_tells_all_pairs_apart_and_is_unknown_where_one_is():
    first, second = np.array([0, 0, 1, 1, -1, 0]), np.array([0, 2, 0, 2, 0, -1])

    assert joint_key(first, second, 3).tolist() == [0, 2, 3, 5, -1, -1]


def test_events_without_key_are_found_by_nobody():
    totals = Totals.of(np.array([-1, 0]), np.array([10, 10]), flights=np.array([5, 7]))

    assert totals.until(np.array([-1, 0]), np.array([20, 20]))["flights"].tolist() == [0, 7]


def test_of_events_known_in_the_same_second_the_greatest_is_last():
    assert last_delays(events((EWR, ago(10), 9), (EWR, ago(10), 3)), asked()) == [9]


def test_the_newest_event_that_was_known_is_found():
    assert last_delays(events((EWR, ago(50), 3), (EWR, ago(10), 4)), asked()) == [4]


def test_the_newest_event_may_be_known_at_the_very_moment():
    assert last_delays(events((EWR, ago(50), 3), (EWR, NOON, 4)), asked()) == [4]


def test_an_event_of_the_future_is_not_the_newest():
    assert last_delays(events((EWR, ago(50), 3), (EWR, NOON + timedelta(microseconds=1), 4)), asked()) == [3]


def test_no_event_gives_null_and_not_zero():
    assert last_delays(events((JFK, ago(10), 3)), asked()) == [None]


@pytest.mark.parametrize(("minutes", "found"), [(60, 3), (61, None)])
def test_an_event_older_than_allowed_counts_as_none(minutes, found):
    assert last_delays(events((EWR, ago(minutes), 3)), asked(), within=1) == [found]


def test_a_row_without_key_finds_nothing():
    assert last_delays(events((EWR, ago(10), 3)), asked((None, NOON))) == [None]


def test_rows_keep_their_order():
    rows = asked((EWR, NOON), (JFK, ago(30)), (EWR, ago(30)))

    assert last_delays(events((EWR, ago(50), 3), (EWR, ago(10), 4), (JFK, ago(40), 5)), rows) == [4, 5, 3]


MINUTES = st.integers(-120, 120)
EVENTS = st.lists(st.tuples(st.sampled_from([EWR, JFK]), MINUTES.map(ago), st.integers(-30, 240)), max_size=12)
ROWS = st.lists(st.tuples(st.sampled_from([EWR, JFK, "LGA"]), MINUTES.map(ago)), min_size=1, max_size=6)


@given(EVENTS, ROWS, st.sampled_from([0.5, 1, 3]))
def test_a_window_holds_what_a_loop_over_all_events_adds_up(rows_of_events, rows, hours):
    expected = [
        sum(
            delay for key, known, delay in rows_of_events if key == origin and at - timedelta(hours=hours) < known <= at
        )
        for origin, at in rows
    ]

    assert delays_within(events(*rows_of_events), asked(*rows), hours) == expected


@given(EVENTS, ROWS)
def test_the_newest_event_is_the_one_that_a_loop_over_all_events_finds(rows_of_events, rows):
    unique = {(key, known): delay for key, known, delay in rows_of_events}
    known_to = [
        {known: delay for (key, known), delay in unique.items() if key == origin and known <= at} for origin, at in rows
    ]

    found = last_delays(events(*((key, known, delay) for (key, known), delay in unique.items())), asked(*rows))

    assert found == [known[max(known)] if known else None for known in known_to]


@given(EVENTS, st.randoms(use_true_random=False))
def test_sums_do_not_depend_on_the_order_of_the_events(rows_of_events, random):
    shuffled = random.sample(rows_of_events, len(rows_of_events))

    assert delays_within(events(*shuffled), asked()) == delays_within(events(*rows_of_events), asked())


@given(EVENTS, EVENTS)
def test_what_lies_before_the_window_changes_nothing(before, within):
    older = [(key, known - timedelta(hours=6), delay) for key, known, delay in before]

    assert delays_within(events(*older, *within), asked()) == delays_within(events(*within), asked())


@given(EVENTS, ROWS)
def test_looking_up_changes_neither_rows_nor_events(rows_of_events, rows):
    found, questions = events(*rows_of_events), asked(*rows)
    before = found.clone(), questions.clone()

    delays_within(found, questions)
    last_delays(found, questions)

    assert_frame_equal(found, before[0])
    assert_frame_equal(questions, before[1])
