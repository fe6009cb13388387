"""What we rely on in Evidently: a distance per feature that is 0 for the same rows and grows as they move apart."""

import re

import numpy as np
import polars as pl
import pytest

from monitoring.drift import drifted_by_default, measure_drift, save_report

RNG = np.random.default_rng(7)
REFERENCE = pl.DataFrame(
    {
        "temperature_f": RNG.normal(50, 10, 3000),
        "carrier": RNG.choice(["UA", "AA"], 3000, p=[0.7, 0.3]),
        "gone": RNG.normal(size=3000),
    }
)
CATEGORICAL = ("carrier",)


def test_a_window_against_itself_has_not_moved():
    distances = measure_drift(REFERENCE, REFERENCE, CATEGORICAL).distances

    assert distances == pytest.approx(dict.fromkeys(REFERENCE.columns, 0), abs=1e-9)


def test_a_number_that_moved_by_one_deviation_is_a_distance_of_one():
    warmer = REFERENCE.with_columns(pl.col("temperature_f") + REFERENCE["temperature_f"].std())

    drift = measure_drift(REFERENCE, warmer, CATEGORICAL)

    assert drift.distances["temperature_f"] == pytest.approx(1, abs=0.01)
    assert drift.drifted == ["temperature_f"]
    assert drift.share_drifted == pytest.approx(1 / 3)


def test_categories_that_changed_places_have_drifted():
    swapped = REFERENCE.with_columns(pl.col("carrier").replace({"UA": "AA", "AA": "UA"}))

    assert measure_drift(REFERENCE, swapped, CATEGORICAL).drifted == ["carrier"]


def test_a_feature_that_went_missing_has_moved_all_the_way():
    empty = REFERENCE.with_columns(pl.lit(None, dtype=pl.Float64).alias("gone"))

    assert measure_drift(REFERENCE, empty, CATEGORICAL).distances["gone"] == 1


def test_the_report_measures_what_the_event_log_says(tmp_path):
    moved = REFERENCE.with_columns(pl.col("temperature_f") * 1.5, pl.lit(None, dtype=pl.Float64).alias("gone")).head(
        900
    )

    reported = save_report(REFERENCE, moved, CATEGORICAL, tmp_path / "week.html")

    assert reported.distances == pytest.approx(measure_drift(REFERENCE, moved, CATEGORICAL).distances, abs=1e-12)


def test_the_page_it_saves_loads_nothing_from_elsewhere(tmp_path):
    save_report(REFERENCE, REFERENCE, CATEGORICAL, tmp_path / "week.html")

    page = (tmp_path / "week.html").read_text()

    assert re.findall(r"""<(?:script|link|img)[^>]*(?:src|href)=["']?https?:""", page) == []


def test_when_nobody_chooses_how_a_small_reference_is_tested_and_a_large_one_is_measured():
    a_bit_warmer = REFERENCE.with_columns(pl.col("temperature_f") + 0.9)

    by_tests = drifted_by_default(REFERENCE.head(1000), a_bit_warmer, CATEGORICAL)
    by_distance = drifted_by_default(REFERENCE, a_bit_warmer, CATEGORICAL)

    assert (by_tests, by_distance) == (["temperature_f"], [])


def test_a_level_that_the_reference_lacks_is_a_drift_by_tests_without_a_warning():
    newcomer = REFERENCE.with_columns(pl.lit("B6").alias("carrier")).vstack(REFERENCE)

    assert drifted_by_default(REFERENCE.head(1000), newcomer, CATEGORICAL) == ["carrier"]
