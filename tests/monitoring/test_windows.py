"""Which rows stand for normal."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from monitoring.windows import REFERENCE_ROWS, sample_reference


def learned(rows: int) -> pl.DataFrame:
    return pl.DataFrame({"distance_miles": range(rows)})


@pytest.mark.parametrize(("rows", "sampled"), [(4, 4), (5, 5), (6, 5), (50, 5)])
def test_a_sample_has_a_fixed_size_or_all_rows_when_there_are_fewer(rows, sampled):
    assert sample_reference(learned(rows), seed=1, rows=5).height == sampled


def test_no_row_stands_for_two():
    assert sample_reference(learned(50), seed=1, rows=20).is_duplicated().sum() == 0


def test_the_same_seed_gives_the_same_sample():
    assert_frame_equal(sample_reference(learned(50), seed=1, rows=5), sample_reference(learned(50), seed=1, rows=5))


def test_another_seed_gives_another_sample():
    assert not sample_reference(learned(50), 1, rows=5).equals(sample_reference(learned(50), 2, rows=5))


def test_a_sample_is_taken_from_the_whole_history_and_not_from_its_beginning():
    assert sample_reference(learned(1000), seed=1, rows=50)["distance_miles"].max() > 900


def test_the_sample_is_large_enough_that_evidently_measures_distances():
    assert REFERENCE_ROWS > 1000


def test_the_learned_rows_are_not_changed():
    rows = learned(50)

    sample_reference(rows, seed=1)

    assert_frame_equal(rows, learned(50))
