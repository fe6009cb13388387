"""The features: their catalog, how they come about, the label, and the slices that the gate looks at."""

import hashlib
from datetime import datetime

import polars as pl

from examples.second_data_set import contract as c
from pipelines.encoding import Encoding
from pipelines.feature_catalog import Feature

QUADRANT, IS_EAST = "heaviest_quadrant", "is_east"
CATEGORIES = {QUADRANT: ("north-east", "north-west", "south-east", "south-west")}
_AT_ONCE, _OWNER = "when it is scanned", "examples"

FEATURES = (
    Feature(QUADRANT, "shape", "", "the quarter of the picture with the most ink", _AT_ONCE, _OWNER),
    Feature("ink", "shape", "ink", "mean ink of the picture", _AT_ONCE, _OWNER),
    Feature("top_less_bottom", "shape", "ink", "ink of the upper half less that of the lower", _AT_ONCE, _OWNER),
    Feature("left_less_right", "shape", "ink", "ink of the left half less that of the right", _AT_ONCE, _OWNER),
    *(Feature(cell, "cells", "ink", f"ink in the cell of row {cell[-2]}, column {cell[-1]}", _AT_ONCE, _OWNER)
      for cell in c.CELLS),
)  # fmt: skip
"""In the order in which the model sees them, categories first."""

ENCODING = Encoding(CATEGORIES, tuple(feature.name for feature in FEATURES if feature.name not in CATEGORIES))
NAMES = ENCODING.names
_CELL = {(int(cell[-2]), int(cell[-1])): cell for cell in c.CELLS}


def build_features(scans: pl.DataFrame) -> pl.DataFrame:
    """Scan, moment and features, one row per scan: pure, row by row, so the same alone as in a batch."""
    quarters = {
        f"{'north' if top else 'south'}-{'west' if left else 'east'}": _mean(range(0, 2) if top else range(2, 4),
                                                                            range(0, 2) if left else range(2, 4))
        for top in (True, False) for left in (True, False)
    }  # fmt: skip
    heaviest = pl.lit(None, dtype=pl.String)
    most = pl.max_horizontal(quarters.values())
    for name in sorted(quarters, reverse=True):  # of equals the first by name
        heaviest = pl.when(quarters[name] == most).then(pl.lit(name)).otherwise(heaviest)
    every, upper, lower = range(4), range(0, 2), range(2, 4)
    return scans.select(
        c.SCAN_ID,
        c.SCANNED_AT,
        heaviest.alias(QUADRANT),
        _mean(every, every).alias("ink"),
        (_mean(upper, every) - _mean(lower, every)).alias("top_less_bottom"),
        (_mean(every, upper) - _mean(every, lower)).alias("left_less_right"),
        *c.CELLS,
    )


def known_labels(keyed: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """`scan_id` and `is_east` of the scans whose digit had been keyed in by `at`."""
    known = keyed.filter(pl.col(c.KNOWN_AT) <= at)
    return known.select(c.SCAN_ID, (pl.col(c.DIGIT) >= c.FIRST_DIGIT_EAST).cast(pl.Int8).alias(IS_EAST))


def slice_names(features: pl.DataFrame) -> pl.DataFrame:
    """The slice of each family that a scan belongs to."""
    faint = pl.when(pl.col("ink") < 4.8).then(pl.lit("faint")).otherwise(pl.lit("strong"))
    return features.select(pl.col(QUADRANT).alias("quadrant"), faint.alias("stroke"))


def features_sha256() -> str:
    """A name for the definitions; a model made for others is refused by the gate."""
    return hashlib.sha256(repr(FEATURES).encode()).hexdigest()


def _mean(rows: range, columns: range) -> pl.Expr:
    return pl.mean_horizontal(_CELL[row, column] for row in rows for column in columns)
