"""Rare levels are grouped by what the reference window knows, never by the week that is looked at."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from monitoring.levels import OTHER, common_levels, group_rare_levels

REFERENCE = pl.DataFrame({"carrier": ["UA"] * 98 + ["HA", "OO"], "seats": range(100)})


def test_a_level_at_the_least_share_is_kept_and_one_below_it_is_not():
    assert common_levels(REFERENCE["carrier"], 0.01) == ["HA", "OO", "UA"]
    assert common_levels(REFERENCE["carrier"], 0.011) == ["UA"]


def test_levels_that_are_new_since_the_reference_are_other_and_missing_ones_stay_missing():
    current = pl.DataFrame({"carrier": ["UA", "ZZ", None], "seats": [1, 2, 3]})

    _, grouped = group_rare_levels(REFERENCE, current, ("carrier",))

    assert grouped["carrier"].to_list() == ["UA", OTHER, None]


@given(st.lists(st.sampled_from(["UA", "HA", "ZZ", None]), min_size=1, max_size=30))
def test_the_current_window_never_changes_how_the_reference_is_grouped(carriers):
    current = pl.DataFrame({"carrier": carriers, "seats": [1] * len(carriers)}, schema=REFERENCE.schema)

    reference, grouped = group_rare_levels(REFERENCE, current, ("carrier",))

    assert_frame_equal(reference, group_rare_levels(REFERENCE, REFERENCE, ("carrier",))[0])
    assert grouped["carrier"].null_count() == carriers.count(None)
