"""Bands: by hand, by how often they cry wolf on weeks that are like those before, and corrected for many columns."""

import math

import numpy as np
import polars as pl
import pytest

from monitoring.bands import Band, learn_band, learn_distance_bands, learn_missing_bands, rate_per_week
from monitoring.profiles import distances, pool, profile_of


def weeks(count: int, columns: int, seed: int, shift: float = 0.0) -> list:
    rng = np.random.default_rng(seed)
    names = [f"c{number}" for number in range(columns)]
    return [
        profile_of(pl.DataFrame({name: rng.normal(rng.normal(shift, 0.2), 1, 400) for name in names}))
        for _ in range(count)
    ]


def test_a_band_by_hand():
    band = learn_band([1.0, 2.0, 3.0, 4.0, 5.0], rate=0.05)

    reach = 2.776445 * math.sqrt(2.5) * math.sqrt(1.2)  # t of 4 degrees of freedom, a tail of 2.5 %
    assert (band.lower, band.upper) == (pytest.approx(3 - reach, abs=1e-5), pytest.approx(3 + reach, abs=1e-5))
    assert band.weeks == 5


def test_at_its_ends_a_value_is_held_and_beyond_it_is_not():
    band = Band(1.0, 2.0, 9)

    assert [band.holds(value) for value in (0.999, 1.0, 1.5, 2.0, 2.001)] == [False, True, True, True, False]


@pytest.mark.parametrize(
    ("side", "ends"), [("above", (True, False)), ("below", (False, True)), ("both", (False, False))]
)
def test_a_side_that_no_alarm_is_worth_has_no_end(side, ends):
    band = learn_band([1.0, 2.0, 3.0, 4.0], 0.05, side)

    assert (math.isinf(band.lower), math.isinf(band.upper)) == ends


def test_too_few_weeks_are_refused_with_how_many_are_needed():
    with pytest.raises(ValueError, match="at least 4 weeks to learn a band from, got 3"):
        learn_band([1.0, 2.0, 3.0], 0.05)


def test_more_columns_make_each_band_wider():
    one, many = (learn_band([1.0, 2.0, 3.0, 4.0, 5.0], 0.05, columns=columns) for columns in (1, 38))

    assert many.lower < one.lower
    assert one.upper < many.upper


@pytest.mark.parametrize("rate", [0.02, 0.1])
def test_weeks_like_those_before_leave_their_band_as_often_as_was_allowed(rate):
    rng = np.random.default_rng(7)
    left = [not learn_band(drawn[:12], rate).holds(drawn[12]) for drawn in rng.normal(size=(4000, 13))]

    assert np.mean(left) == pytest.approx(rate, abs=3 * math.sqrt(rate / 4000))


def test_all_columns_together_cry_wolf_as_seldom_as_one_would():
    rate, alarms = 0.1, 0
    for seed in range(60):
        *before, now = weeks(13, 12, seed)
        bands = learn_distance_bands(before, rate)
        alarms += any(not bands[name].holds(value) for name, value in distances(now, pool(before)).items())

    assert alarms / 60 <= 2.5 * rate


def test_a_week_that_moved_leaves_its_band():
    before, (moved,) = weeks(12, 5, seed=1), weeks(1, 5, seed=2, shift=2.0)

    bands = learn_distance_bands(before, rate_per_week(1))

    assert any(not bands[name].holds(value) for name, value in distances(moved, pool(before)).items())


def test_values_that_begin_to_be_missing_leave_their_band_and_a_single_one_does_not():
    before = [profile_of(pl.DataFrame({"a": [1.0] * 500})) for _ in range(8)]

    band = learn_missing_bands(before, rate_per_week(1))["a"]

    assert band.holds(0.0)
    assert band.holds(1 / 500)
    assert not band.holds(0.05)
