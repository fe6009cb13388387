"""From named features to the numbers a model is fitted on and asked: the one place where their order is made."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from pipelines.feature_catalog import CATEGORIES, NUMERIC


@dataclass(frozen=True)
class Encoding:
    """The order of some features: categories first, each with the values that have a code, then numbers."""

    categories: Mapping[str, tuple[str, ...]]
    numeric: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The features in order."""
        return (*self.categories, *self.numeric)

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many codes each of the first columns has."""
        return tuple(map(len, self.categories.values()))

    @cached_property
    def codes(self) -> dict[str, dict[str, float]]:
        """The number of each value of each category: its place."""
        return {
            name: {value: float(code) for code, value in enumerate(values)} for name, values in self.categories.items()
        }

    @cached_property
    def _meant(self) -> list[np.ndarray]:
        return [np.array(values, dtype=object) for values in self.categories.values()]

    def encode(self, features: pl.DataFrame) -> np.ndarray:
        """(n_rows, n_features) float64, row by row in memory, the features in their order.

        A category is its place among its values; one that is missing, or not among them, is NaN, as every null is.
        """
        if features.height == 1:
            return self._encode_one(dict(zip(features.columns, features.row(0), strict=True)))
        width = len(self.categories)
        encoded = np.empty((features.height, width + len(self.numeric)))
        for column, (name, code) in enumerate(self.codes.items()):
            encoded[:, column] = [code.get(value, np.nan) for value in features[name].to_list()]
        encoded[:, width:] = features[list(self.numeric)].to_numpy()
        return encoded

    def decode(self, encoded: np.ndarray) -> list[dict[str, str | float | None]]:
        """The features of each row by name, as `encode` found them; a category it did not know is None."""
        values = encoded.astype(object)
        for column, meant in enumerate(self._meant):
            values[:, column] = meant[np.nan_to_num(encoded[:, column]).astype(int)]
        values[np.isnan(encoded)] = None
        return [dict(zip(self.names, row, strict=True)) for row in values.tolist()]

    def _encode_one(self, values: dict[str, object]) -> np.ndarray:
        """The same for one row, in a third of the time: 10 µs, and the service asks for one row at a time."""
        codes = [code.get(values[name]) for name, code in self.codes.items()]
        return np.array([codes + [values[name] for name in self.numeric]], dtype=np.float64)


FLIGHTS = Encoding(CATEGORIES, NUMERIC)
CODES = FLIGHTS.codes
encode_features, decode_rows = FLIGHTS.encode, FLIGHTS.decode
