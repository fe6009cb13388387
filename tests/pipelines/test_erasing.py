"""Erasing a tail number leaves a flight of an unknown aircraft, and everything else as it was."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data_checks import schema as s
from data_checks.deliveries import ERASE, LAND, OBJECTION, row_hashes
from data_checks.quarantine import ROW_HASH
from pipelines.erasing import (
    ERASED_FEATURES,
    as_of_unknown_aircraft,
    flights_of,
    hash_due,
    is_erased_in,
    stands_in,
    without_planes,
    without_quarantined_tails,
    without_tails,
)
from pipelines.feature_catalog import FEATURES, NAMES

ERASED = {"N14228"}.__contains__


def schedule(*tails: str | None, objections: tuple[str | None, ...] = ()) -> pl.DataFrame:
    """Flights 1, 2, ... of these aircraft."""
    rows = [{s.FLIGHT_ID: f"2013-07-01-UA{number}-EWR", s.TAIL_NUMBER: tail} for number, tail in enumerate(tails, 1)]
    said = [*objections, *[None] * (len(tails) - len(objections))]
    return pl.DataFrame(rows, schema=s.SCHEDULE.polars_schema).with_columns(pl.Series(OBJECTION, said, dtype=pl.String))


def test_an_erased_tail_number_goes_and_others_stay():
    rows = schedule("N14228", "N24211", None)

    assert without_tails(rows, ERASED)[s.TAIL_NUMBER].to_list() == [None, "N24211", None]
    assert rows[s.TAIL_NUMBER].to_list() == ["N14228", "N24211", None]
    assert_frame_equal(without_tails(rows, ERASED).drop(s.TAIL_NUMBER), rows.drop(s.TAIL_NUMBER))


def test_an_objection_that_quotes_it_keeps_the_rest_of_its_words():
    rows = schedule("N24211", objections=("distance_miles cannot be read, got N14228",))

    assert without_tails(rows, ERASED)[OBJECTION].to_list() == ["distance_miles cannot be read, got (erased)"]


def test_a_feed_without_tail_numbers_stays_as_it_is():
    rows = s.WEATHER.polars_schema.to_frame()

    assert_frame_equal(without_tails(rows, ERASED), rows)


def test_a_quarantined_row_has_the_hash_of_what_is_left_of_it():
    rows = schedule("N14228", "N24211")
    rows = rows.with_columns(row_hashes(rows, s.SCHEDULE).alias(ROW_HASH))

    kept = without_quarantined_tails(rows, s.SCHEDULE, ERASED)

    unknown = schedule(None, "N24211")
    assert kept[ROW_HASH].to_list() == row_hashes(unknown, s.SCHEDULE).to_list()
    assert kept[ROW_HASH][0] != rows[ROW_HASH][0]


def test_the_register_loses_the_erased_aircraft_alone():
    planes = pl.DataFrame([{s.TAIL_NUMBER: "N14228"}, {s.TAIL_NUMBER: "N24211"}], schema=s.PLANES)

    assert without_planes(planes, ERASED)[s.TAIL_NUMBER].to_list() == ["N24211"]


def test_features_of_the_plane_and_of_its_inbound_flight_go_missing():
    flights = flights_of(schedule("N14228", "N24211"), ERASED)[s.FLIGHT_ID]
    features = schedule("N14228", "N24211").select(s.FLIGHT_ID, *(pl.lit(1.0).alias(name) for name in NAMES))

    unknown = as_of_unknown_aircraft(features, flights)

    kept = [feature.name for feature in FEATURES if feature.group not in ("plane", "inbound")]
    assert unknown[0].select(ERASED_FEATURES).row(0) == (None,) * len(ERASED_FEATURES)
    assert unknown[0].select(kept).row(0) == (1.0,) * len(kept)
    assert_frame_equal(unknown[1], features[1])


@pytest.mark.parametrize(("text", "found"), [("of N14228.", True), ("N142281", False), (None, False)])
def test_a_file_is_looked_through_whatever_its_columns_are_called(text, found):
    assert stands_in(pl.DataFrame({"remark": [text]}, schema={"remark": pl.String}), ERASED) is found


def erasure(**hashes: tuple[str, str]) -> dict:
    """An entry of the ledger."""
    return {"action": ERASE, "hashes": {name.replace("_", "/"): list(pair) for name, pair in hashes.items()}}


def test_a_hash_that_was_noted_is_followed_through_one_erasure_after_another():
    entries = [{"action": LAND}, erasure(features_w=("a", "b")), erasure(features_v=("b", "x"), features_w=("b", "c"))]

    assert hash_due(entries, "features/w", "a") == "c"
    assert hash_due(entries, "features/other", "a") == "a"


def test_a_hash_that_no_erasure_began_with_stays_due():
    entries = [erasure(features_w=("a", "b"))]

    assert hash_due(entries, "features/w", "tampered") == "tampered"


def test_a_week_is_erased_in_when_its_features_were():
    entries = [{"action": LAND}, erasure(features_w=("a", "b"))]

    assert is_erased_in(entries, "w")
    assert not is_erased_in(entries, "v")
