"""How labels are held back, corrected and turned round by the drills that are about them."""

from datetime import timedelta

import polars as pl

from data_checks import schema as s
from practice.drills.labels import DRILLS, FIRST, SECOND, THIRD, flip_labels, hold_back, of_carrier, revise


def arrivals(*delays: int, carrier: str = "DL", day: int = 1) -> pl.DataFrame:
    """One arrival for each delay, due on the same afternoon, known when it lands."""
    due = FIRST.start + timedelta(days=day, hours=15)
    return pl.DataFrame(
        {
            s.FLIGHT_ID: [f"{due:%Y-%m-%d}-{carrier}{number}-JFK" for number in range(1, len(delays) + 1)],
            s.EVENT: s.ARRIVED,
            s.DELAY: delays,
            s.KNOWN_AT: [due + timedelta(minutes=delay) for delay in delays],
            s.REVISION: 0,
        },
        schema=s.OUTCOMES.polars_schema,
    )


def test_reports_that_are_held_back_are_of_late_flights_above_all():
    held = hold_back(arrivals(*[20] * 50, *[0] * 50), seed=1)

    assert held[s.DELAY].value_counts().sort(s.DELAY).rows() == [(0, 25), (20, 40)]


def test_only_arrivals_are_held_back():
    left = arrivals(20, 30).with_columns(pl.lit(s.DEPARTED).alias(s.EVENT))

    assert hold_back(left, seed=1).is_empty()


def test_a_correction_is_the_second_word_on_flights_that_were_hardly_late():
    assert revise(arrivals(14, 15, 29, 30)).select(s.DELAY, s.REVISION).rows() == [(14, 1), (14, 1)]


def test_a_flipped_label_says_the_opposite():
    assert flip_labels(arrivals(14, 15))[s.DELAY].to_list() == [30, 0]


def test_a_flipped_row_is_due_when_it_was_due_so_that_the_contract_has_nothing_against_it():
    rows = pl.concat([arrivals(14, 15), flip_labels(arrivals(14, 15))])

    assert rows.select(pl.col(s.KNOWN_AT) - pl.duration(minutes=pl.col(s.DELAY))).to_series().n_unique() == 1


def test_other_carriers_and_other_weeks_are_not_flipped():
    others = pl.concat([arrivals(20, carrier="UA"), arrivals(20, day=-7), arrivals(20, day=15)])

    assert flip_labels(others).equals(others)


def test_the_arrivals_of_a_carrier_are_told_by_the_flights_name():
    assert of_carrier(pl.concat([arrivals(1), arrivals(2, carrier="UA")]))[s.DELAY].to_list() == [1]


def test_the_weeks_of_the_drills_follow_each_other():
    assert (FIRST.plus(1), SECOND.plus(1)) == (SECOND, THIRD)


def test_each_story_can_be_told_in_sixty_seconds():
    assert [one.name for one in DRILLS if not 80 <= len(one.story.split()) <= 130] == []
