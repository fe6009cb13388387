"""The order of the features, the codes of the categories, and one row as in a table."""

import numpy as np
import polars as pl
import pytest

from pipelines.encoding import Encoding, encode_features
from pipelines.feature_catalog import CATEGORICAL, CATEGORIES, NAMES, NUMERIC


def rows(n: int = 3, **changed: object) -> pl.DataFrame:
    """Feature number k of row r is 100 r + k; the carrier is the second of the contract, the origin its last."""
    columns = {name: [100.0 * row + number for row in range(n)] for number, name in enumerate(NAMES)}
    columns |= {name: [CATEGORIES[name][place]] * n for name, place in zip(CATEGORICAL, (1, -1), strict=True)}
    return pl.DataFrame(columns | {name: [value] * n for name, value in changed.items()})


def test_the_categories_are_the_first_features():
    assert NAMES[: len(CATEGORICAL)] == CATEGORICAL


@pytest.mark.parametrize("n", [1, 3])
def test_features_are_in_the_order_of_the_catalog_with_codes_first(n):
    encoded = encode_features(rows(n))

    assert encoded[0].tolist() == [1, len(CATEGORIES["origin"]) - 1, *range(2, len(NAMES))]
    assert (encoded.shape, encoded.dtype, encoded.flags.c_contiguous) == ((n, len(NAMES)), np.float64, True)


def test_columns_in_another_order_and_columns_that_are_no_features_change_nothing():
    other = rows().select(pl.lit("x").alias("flight_id"), *reversed(NAMES))

    assert np.array_equal(encode_features(other), encode_features(rows()))


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("name", CATEGORICAL)
@pytest.mark.parametrize("value", ["??", "", None])
def test_a_category_that_is_not_of_the_contract_is_missing(n, name, value):
    unseen = rows(n).with_columns(pl.lit(value, dtype=pl.String).alias(name))

    assert np.isnan(encode_features(unseen)[:, NAMES.index(name)]).all()


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("name", [NUMERIC[0], NUMERIC[-1]])
def test_a_null_is_nan_and_nothing_else_is(n, name):
    encoded = encode_features(rows(n).with_columns(pl.lit(None, dtype=pl.Float64).alias(name)))

    assert np.flatnonzero(np.isnan(encoded[0])).tolist() == [NAMES.index(name)]


def test_a_row_alone_is_encoded_as_in_its_table():
    random = np.random.default_rng(1)
    table = rows(50).with_columns(
        pl.Series(name, np.where(random.random(50) < 0.3, np.nan, random.normal(size=50))).fill_nan(None)
        for name in NUMERIC
    )
    table = table.with_columns(carrier=pl.Series(random.choice([*CATEGORIES["carrier"], "??"], 50)))

    alone = np.vstack([encode_features(table[row]) for row in range(50)])

    assert np.array_equal(alone, encode_features(table), equal_nan=True)


def test_no_rows_are_encoded_as_none():
    assert encode_features(rows(0)).shape == (0, len(NAMES))


def test_features_of_another_catalog_are_encoded_and_told_back_by_it():
    shapes = Encoding({"corner": ("NE", "SW")}, ("ink",))
    table = pl.DataFrame({"ink": [2.5, None], "corner": ["SW", "??"]})

    encoded = shapes.encode(table)

    assert np.array_equal(encoded, [[1, 2.5], [np.nan, np.nan]], equal_nan=True)
    assert (shapes.names, shapes.sizes) == (("corner", "ink"), (2,))
    assert shapes.decode(encoded) == [{"corner": "SW", "ink": 2.5}, {"corner": None, "ink": None}]


def test_without_categories_every_feature_is_a_number():
    assert Encoding({}, ("ink", "ink_00")).encode(pl.DataFrame({"ink_00": [1.0], "ink": [2.0]})).tolist() == [[2, 1]]
