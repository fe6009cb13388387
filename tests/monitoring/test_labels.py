"""The truth, which arrives late: who gets a label, which one, and when."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from data_checks import schema as s
from monitoring.labels import IS_LATE, LABEL_KNOWN_AT, known_labels, label_coverage, without_label

NOON = datetime(2013, 7, 1, 16, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def happened(*events: tuple[str, str, int | None, datetime]) -> pl.DataFrame:
    """Outcome rows: flight, event, delay, and from when it is known; the first word where no revision follows."""
    rows = [(*event, 0)[: len(s.OUTCOMES.columns)] for event in events]
    return pl.DataFrame(rows, schema=s.OUTCOMES.polars_schema, orient="row")


def landed(delay_min: int = 0, known_at: datetime = NOON, flight: str = "a") -> tuple:
    return (flight, s.ARRIVED, delay_min, known_at)


@pytest.mark.parametrize(("delay_min", "is_late"), [(-30, False), (0, False), (14, False), (15, True), (16, True)])
def test_a_flight_is_late_from_15_minutes_on(delay_min, is_late):
    assert known_labels(happened(landed(delay_min)), NOON)[IS_LATE].to_list() == [is_late]


@pytest.mark.parametrize(("known_at", "labels"), [(NOON - TICK, 1), (NOON, 1), (NOON + TICK, 0)])
def test_a_label_is_known_from_the_very_moment_of_landing(known_at, labels):
    assert known_labels(happened(landed(known_at=known_at)), NOON).height == labels


def test_a_label_says_from_when_it_is_known():
    assert known_labels(happened(landed()), NOON).select(s.FLIGHT_ID, LABEL_KNOWN_AT).rows() == [("a", NOON)]


@pytest.mark.parametrize("event", [s.DEPARTED, s.CANCELLED, s.DIVERTED])
def test_only_a_landing_gives_a_label(event):
    assert known_labels(happened(("a", event, 99, NOON)), NOON).is_empty()


def test_a_label_follows_the_last_word_that_is_known():
    words = happened((*landed(0), 0), (*landed(20, NOON + TICK), 1))

    assert known_labels(words, NOON)[IS_LATE].to_list() == [False]
    assert known_labels(words, NOON + TICK)[IS_LATE].to_list() == [True]


def test_a_word_that_comes_after_its_own_correction_changes_no_label():
    words = happened((*landed(0, NOON + TICK), 0), (*landed(20), 1))

    assert known_labels(words, NOON + TICK).select(IS_LATE, LABEL_KNOWN_AT).rows() == [(True, NOON)]


def test_a_flight_that_is_cancelled_by_a_later_word_has_no_label_any_more():
    words = happened((*landed(0), 0), ("a", s.CANCELLED, None, NOON + TICK, 1))

    assert (known_labels(words, NOON).height, without_label(words, NOON).height) == (1, 0)
    assert (known_labels(words, NOON + TICK).height, without_label(words, NOON + TICK).height) == (0, 1)


@pytest.mark.parametrize(
    ("event", "known_at", "closed"),
    [(s.CANCELLED, NOON, 1), (s.DIVERTED, NOON, 1), (s.CANCELLED, NOON + TICK, 0), (s.DEPARTED, NOON, 0)],
)
def test_a_flight_known_to_be_cancelled_or_diverted_is_closed_without_label(event, known_at, closed):
    assert without_label(happened(("a", event, None, known_at)), NOON).height == closed


def coverage(*events: tuple, flights: str = "abcd") -> float:
    return label_coverage(pl.DataFrame({s.FLIGHT_ID: list(flights)}, schema={s.FLIGHT_ID: pl.String}),
                          happened(*events), NOON)  # fmt: skip


def test_coverage_is_the_share_of_flights_whose_label_is_known():
    assert coverage(landed(flight="a")) == 0.25


def test_flights_that_never_get_a_label_are_not_waited_for():
    assert coverage(landed(flight="a"), ("b", s.CANCELLED, None, NOON), ("c", s.DIVERTED, None, NOON)) == 0.5


def test_a_landing_in_the_future_does_not_count():
    assert coverage(landed(known_at=NOON + TICK)) == 0


def test_labels_of_other_flights_do_not_count():
    assert coverage(landed(flight="z")) == 0


@pytest.mark.parametrize("flights", ["", "b"], ids=["no flights", "only a cancelled one"])
def test_coverage_is_full_when_no_flight_can_have_a_label(flights):
    assert coverage(("b", s.CANCELLED, None, NOON), flights=flights) == 1


def test_of_the_real_year_every_flight_but_the_cancelled_and_diverted_gets_a_label(feeds):
    at = datetime(2014, 2, 1, tzinfo=UTC)

    labels, closed = known_labels(feeds["outcomes"], at), without_label(feeds["outcomes"], at)

    assert (labels.height, closed.height, labels.join(closed, on=s.FLIGHT_ID).height) == (327_346, 9_430, 0)


@pytest.mark.parametrize(("month", "share"), [("2013-09", 0.14), ("2013-12", 0.34)])
def test_the_late_share_of_the_real_year_runs_from_september_to_december(feeds, month, share):
    labels = known_labels(feeds["outcomes"], datetime(2014, 2, 1, tzinfo=UTC))

    of_month = labels.filter(pl.col(s.FLIGHT_ID).str.starts_with(month))

    assert of_month[IS_LATE].mean() == pytest.approx(share, abs=0.005)
