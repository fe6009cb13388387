"""Where two tables of features differ, to the last bit: what every proof compares with and reports."""

from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import polars as pl

from data_checks import schema as s

EVERY_FLIGHT = "every flight"
"""What a mismatch is about when a whole column differs."""


@dataclass(frozen=True)
class Mismatch:
    """One value that should be equal in two tables and is not; None is a missing value."""

    flight_id: str
    feature: str
    expected: object
    found: object

    def sentence(self) -> str:
        """The mismatch in words, with both values in full."""
        return f"{self.feature} of flight {self.flight_id} is {self.found!r}, expected {self.expected!r}"


def find_mismatches(expected: pl.DataFrame, found: pl.DataFrame) -> list[Mismatch]:
    """Every value that differs in its bits, by column and row; none for equal tables.

    Both have `flight_id` and the same flights in the same order: a row or column that only one
    of them has is a mismatch of its own. 0.0 and -0.0 differ, as do a missing value and NaN.
    """
    if expected[s.FLIGHT_ID].to_list() != found[s.FLIGHT_ID].to_list():
        return [_other_flights(expected[s.FLIGHT_ID].to_list(), found[s.FLIGHT_ID].to_list())]
    names = dict.fromkeys((*expected.columns, *found.columns))
    return [mismatch for name in names for mismatch in _of_column(expected, found, name)]


def _other_flights(expected: list[str], found: list[str]) -> Mismatch:
    """The first place where the two lists part."""
    here, there = next(pair for pair in zip_longest(expected, found) if pair[0] != pair[1])
    return Mismatch(here or there, s.FLIGHT_ID, here, there)


def _of_column(expected: pl.DataFrame, found: pl.DataFrame, name: str) -> list[Mismatch]:
    if name not in expected.columns or name not in found.columns:
        types = [frame.schema.get(name) for frame in (expected, found)]
        return [Mismatch(EVERY_FLIGHT, name, *(str(dtype) if dtype else None for dtype in types))]
    left, right = expected[name], found[name]
    if left.dtype != right.dtype:
        return [Mismatch(EVERY_FLIGHT, name, str(left.dtype), str(right.dtype))]
    rows = np.flatnonzero(_differs(left, right))
    return [Mismatch(expected[s.FLIGHT_ID][row], name, left[row], right[row]) for row in rows.tolist()]


def _differs(left: pl.Series, right: pl.Series) -> np.ndarray:
    if not left.dtype.is_float():
        return left.ne_missing(right).to_numpy()
    return (left.is_null() != right.is_null()).to_numpy() | (_bits(left) != _bits(right))


def _bits(values: pl.Series) -> np.ndarray:
    numbers = np.ascontiguousarray(values.fill_null(0).to_numpy())
    return numbers.view(f"u{numbers.itemsize}")
