"""Profiles: distances as Evidently takes them, and windows that are pooled without their rows."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.drift import measure_drift
from monitoring.profiles import distances, pool, profile_of

CARRIERS = ("carrier",)


def window(values: list[float | None], carriers: list[str | None] | None = None) -> pl.DataFrame:
    columns = {"wind": pl.Series(values, dtype=pl.Float64)}
    return pl.DataFrame(columns | ({"carrier": pl.Series(carriers, dtype=pl.String)} if carriers else {}))


def test_a_shift_of_one_deviation_is_a_distance_of_one():
    before = np.linspace(-1, 1, 1001)

    found = distances(profile_of(window(list(before + before.std()))), profile_of(window(list(before))))

    assert found["wind"] == pytest.approx(1, abs=0.02)


def test_other_categories_altogether_are_as_far_as_can_be():
    found = distances(
        profile_of(window([1.0, 2.0], ["UA", "UA"]), CARRIERS), profile_of(window([1.0, 2.0], ["AA", "B6"]), CARRIERS)
    )

    assert found["carrier"] == pytest.approx(np.sqrt(np.log(2)))


def test_distances_are_those_that_evidently_measures():
    rng = np.random.default_rng(1)
    before = window(list(rng.normal(size=3000)), list(rng.choice(["UA", "AA", "B6"], 3000)))
    now = window(list(rng.gamma(2, size=2500)), list(rng.choice(["UA", "AA", "VX"], 2500)))

    ours = distances(profile_of(now, CARRIERS), profile_of(before, CARRIERS))

    theirs = measure_drift(before, now, CARRIERS).distances
    assert ours["wind"] == pytest.approx(theirs["wind"], rel=0.06), "the tails are in no quantile"
    assert ours["carrier"] == pytest.approx(theirs["carrier"], rel=0.01)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=30))
def test_a_window_is_no_distance_from_itself(values):
    profile = profile_of(window(values))

    assert distances(profile, profile) == {"wind": 0.0}


def test_a_pool_is_the_profile_of_all_rows():
    rng = np.random.default_rng(2)
    parts = [
        window([*rng.normal(mean, 1, size), *[None] * gaps], list(rng.choice(["UA", "AA"], size + gaps)))
        for mean, size, gaps in ((1, 4000, 0), (3, 1000, 500))
    ]

    pooled, whole = pool([profile_of(part, CARRIERS) for part in parts]), profile_of(pl.concat(parts), CARRIERS)

    assert pooled.rows == whole.rows
    assert pooled.missing["wind"] == pytest.approx(whole.missing["wind"])
    assert pooled.shares["carrier"] == pytest.approx(whole.shares["carrier"])
    assert np.abs(pooled.quantiles["wind"] - whole.quantiles["wind"])[5:-5].max() < 0.1


def test_columns_that_are_empty_are_left_out():
    empty, full = profile_of(window([None, None])), profile_of(window([1.0, None]))

    assert distances(full, empty) == distances(empty, full) == {}
    assert pool([empty, full]).quantiles["wind"].tolist() == [1.0] * 101
    assert pool([empty, empty]).quantiles == {"wind": None}
