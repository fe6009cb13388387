"""Two tables are the same when their bits are; where they differ, the value is named."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_checks import schema as s
from pipelines.mismatch import Mismatch, find_mismatches


def table(values: list, flights: str = "abc") -> pl.DataFrame:
    """Three flights with one feature."""
    return pl.DataFrame({s.FLIGHT_ID: list(flights), "feature": values}, strict=False)


@given(st.lists(st.none() | st.floats(), min_size=3, max_size=3))
def test_a_table_equals_itself_whatever_is_in_it(values):
    frame = pl.DataFrame({s.FLIGHT_ID: list("abc"), "feature": values}, schema_overrides={"feature": pl.Float64})

    assert find_mismatches(frame, frame.clone()) == []


@pytest.mark.parametrize(
    ("expected", "found"),
    [(0.1 + 0.2, 0.3), (0.0, -0.0), (None, 0.0), (1.0, None), (float("nan"), None), (True, False), ("UA", "B6")],
)
def test_one_bit_is_a_mismatch_with_both_values(expected, found):
    same = found if expected is None else expected

    (mismatch,) = find_mismatches(table([same, expected, same]), table([same, found, same]))

    assert (mismatch.flight_id, mismatch.feature) == ("b", "feature")
    assert (repr(mismatch.expected), repr(mismatch.found)) == (repr(expected), repr(found))


def test_a_mismatch_is_a_sentence():
    assert Mismatch("a", "seats", 149.0, None).sentence() == "seats of flight a is None, expected 149.0"


@pytest.mark.parametrize(("flights", "expected", "found"), [("ab", "c", None), ("abcd", None, "d"), ("acb", "b", "c")])
def test_other_flights_or_another_order_are_a_mismatch(flights, expected, found):
    (mismatch,) = find_mismatches(table([1.0] * 3), table([1.0] * len(flights), flights))

    assert (mismatch.feature, mismatch.expected, mismatch.found) == (s.FLIGHT_ID, expected, found)


def test_a_column_that_only_one_has_or_of_another_type_is_a_mismatch():
    left, right = table([1, 2, 3]), table([1.0, 2.0, 3.0])

    (typed,) = find_mismatches(left, right)
    (lost,) = find_mismatches(left, left.drop("feature"))

    assert (typed.expected, typed.found) == ("Int64", "Float64")
    assert (lost.expected, lost.found) == ("Int64", None)
