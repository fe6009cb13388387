"""The newest reports stay, as many as are set; the reason says why the others went."""

from hypothesis import given
from hypothesis import strategies as st

from monitoring.retention import choose_dropped

WEEKS = ("2013-04-29", "2013-05-27", "2013-06-24")


def test_as_many_as_are_kept_are_no_reason_to_drop_any():
    assert choose_dropped(WEEKS, 3) == ()


def test_the_oldest_goes_first_whatever_the_order_they_are_named_in():
    assert [dropped.week for dropped in choose_dropped(WEEKS[::-1], 2)] == ["2013-04-29"]


def test_a_report_that_goes_says_why():
    (dropped,) = choose_dropped(WEEKS, 2)

    assert dropped.reason == "older than the 2 newest that are kept"


@given(st.sets(st.dates().map(str)), st.integers(1, 10))
def test_what_stays_is_never_older_than_what_goes(weeks, kept):
    gone = {dropped.week for dropped in choose_dropped(sorted(weeks), kept)}

    assert len(weeks - gone) == min(len(weeks), kept)
    assert all(left >= went for left in weeks - gone for went in gone)
