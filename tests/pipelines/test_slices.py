"""Which slice a flight belongs to, from both sides of each border; where a destination lies."""

import polars as pl
import pytest

from data_checks import schema as s
from pipelines.slices import MINUTE, REGION, slice_names, with_region

FLIGHT = {
    s.ORIGIN: "JFK", s.CARRIER: "UA", MINUTE: 600, s.VISIBILITY: 10.0, s.WIND_SPEED: 5.0, "precipitation_6h_in": 0.0,
    REGION: "America/Chicago",
}  # fmt: skip


def slices_of(**changes: object) -> dict:
    return slice_names(pl.DataFrame([{**FLIGHT, **changes}], strict=False)).row(0, named=True)


def test_a_flight_is_in_one_slice_of_each_family():
    assert slices_of() == {
        "origin": "JFK", "carrier": "UA", "hours": "morning", "weather": "fair", "region": "Chicago",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("minute", "name"),
    [
        (0, "night"), (359, "night"), (360, "morning"), (719, "morning"), (720, "afternoon"), (1019, "afternoon"),
        (1020, "evening"), (1319, "evening"), (1320, "night"), (1439, "night"),
    ],
)  # fmt: skip
def test_the_bands_of_the_day_begin_at_6_12_17_and_22(minute, name):
    assert slices_of(**{MINUTE: minute})["hours"] == name


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({s.VISIBILITY: 2.99}, "severe"), ({s.VISIBILITY: 3.0}, "fair"),
        ({s.WIND_SPEED: 24.9}, "fair"), ({s.WIND_SPEED: 25.0}, "severe"),
        ({"precipitation_6h_in": 0.24}, "fair"), ({"precipitation_6h_in": 0.25}, "severe"),
        ({s.VISIBILITY: None, s.WIND_SPEED: None, "precipitation_6h_in": None}, "fair"),
        ({s.VISIBILITY: None, s.WIND_SPEED: 40.0}, "severe"),
    ],
)  # fmt: skip
def test_severe_is_low_visibility_strong_wind_or_much_rain(changes, name):
    assert slices_of(**changes)["weather"] == name


def test_a_destination_of_unknown_region_is_in_no_slice_of_regions():
    rows = pl.DataFrame([{**FLIGHT, REGION: None}], schema_overrides={REGION: pl.String})

    assert slice_names(rows)["region"].to_list() == [None]


def test_the_region_is_the_time_zone_of_where_the_last_plan_says_the_flight_goes():
    rows = pl.DataFrame({s.FLIGHT_ID: ["b", "a", "c"]})
    schedule = pl.DataFrame({s.FLIGHT_ID: ["a", "b", "a"], s.DESTINATION: ["IAH", "LAX", "MIA"]})
    airports = pl.DataFrame({s.AIRPORT: ["MIA", "IAH"], s.TIME_ZONE: ["America/New_York", "America/Chicago"]})

    found = with_region(rows, schedule, airports)

    assert found[s.DESTINATION].to_list() == ["LAX", "MIA", None]
    assert found[REGION].to_list() == [None, "America/New_York", None]
