"""What was known at a moment: the last event before it, and sums over a window that ends at it.

Events lie in one sorted array of whole numbers, `key * 2**32 + second known`, so that any question is a
binary search: as fast for one row as for a million. Sums are of whole numbers, so they are exact: a row
gets the same value alone as in a batch, from a short history as from a long one, in any order of the events.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

AS_OF = "as_of_utc"

UNKNOWN = -1
"""The key of a text that no event has; nothing is ever found for it."""

_SECONDS = 32  # bits: until the year 2106
_NEVER = np.iinfo(np.int64).min
_MICROSECONDS = 1_000_000


def seconds_asked(moments: pl.Series) -> np.ndarray:
    """Whole seconds since 1970 of moments that ask, rounded down: nothing known later in that second counts."""
    return moments.dt.epoch("us").to_numpy() // _MICROSECONDS


def seconds_known(moments: pl.Series) -> np.ndarray:
    """Whole seconds since 1970 of moments at which something becomes known, rounded up."""
    return -(-moments.dt.epoch("us").to_numpy() // _MICROSECONDS)


@dataclass(frozen=True)
class Codes:
    """Whole numbers from 0 for the texts of one column."""

    texts: np.ndarray

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Codes":
        """Numbers for these texts, in their order."""
        return cls(np.array(list(texts), dtype=np.str_))

    def encode(self, texts: Iterable[str | None]) -> np.ndarray:
        """The numbers of some texts, (n,) int64, UNKNOWN for one that has none."""
        return np.array([self._numbers.get(text, UNKNOWN) for text in texts], dtype=np.int64)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {text: number for number, text in enumerate(self.texts.tolist())}

    def __len__(self) -> int:
        return len(self.texts)


def joint_key(first: np.ndarray, second: np.ndarray, seconds: int) -> np.ndarray:
    """One key for two: `second` is below `seconds`; UNKNOWN where either is."""
    return np.where((first < 0) | (second < 0), UNKNOWN, first * seconds + second)


@dataclass(frozen=True)
class Totals:
    """Running totals of events: `sums` of all before each place of the sorted `index`, and of all at its end."""

    index: np.ndarray
    sums: dict[str, np.ndarray]

    @classmethod
    def of(cls, key: np.ndarray, known: np.ndarray, **values: np.ndarray) -> "Totals":
        """Totals of whole-number `values` of events with a `key`, from the second at which they are `known`."""
        index = _place(key, known)
        order = np.argsort(index, kind="stable")[np.count_nonzero(key < 0) :]
        sums = {name: np.append(0, np.cumsum(value[order])).astype(np.int64) for name, value in values.items()}
        return cls(index[order], sums)

    def until(self, key: np.ndarray, second: np.ndarray) -> dict[str, np.ndarray]:
        """What was counted for each key up to and with each second."""
        return self._between(_place(key, np.zeros_like(second)), _place(key, second))

    def within(self, key: np.ndarray, second: np.ndarray, *hours: float) -> list[dict[str, np.ndarray]]:
        """For each of `hours`: what was counted in the window of that length which ends with each second."""
        end = _place(key, second)
        return [self._between(end - round(length * 3600), end) for length in hours]

    def at(self, key: np.ndarray, second: np.ndarray) -> dict[str, np.ndarray]:
        """What was counted for each key at exactly each second."""
        return self._between(_place(key, second) - 1, _place(key, second))

    def _between(self, after: np.ndarray, until: np.ndarray) -> dict[str, np.ndarray]:
        start, end = (np.searchsorted(self.index, places, side="right") for places in (after, until))
        return {name: sums[end] - sums[start] for name, sums in self.sums.items()}


@dataclass(frozen=True)
class Events:
    """The values of events, sorted by key and moment; the first place holds an event that never happened."""

    index: np.ndarray
    values: dict[str, np.ndarray]

    @classmethod
    def of(cls, key: np.ndarray, known: np.ndarray, **values: np.ndarray) -> "Events":
        """Events with a `key`, from the second at which they are `known`; of those of one second the greatest is last.

        Events compare by their values in order; a missing value is NaN.
        """
        index = _place(key, known)
        order = np.lexsort((*reversed(values.values()), index))[np.count_nonzero(key < 0) :]
        ordered = {name: np.append(np.nan, value[order].astype(np.float64)) for name, value in values.items()}
        return cls(np.append(_NEVER, index[order]), ordered)

    def last(self, key: np.ndarray, second: np.ndarray, hours: float) -> dict[str, np.ndarray]:
        """The values of the last event of each key up to and with each second, NaN when none is as young as `hours`."""
        asked = _place(key, second)
        place = np.searchsorted(self.index, asked, side="right") - 1
        found = (self.index[place] >= asked - round(hours * 3600)) & (key >= 0)
        return {name: np.where(found, values[place], np.nan) for name, values in self.values.items()}


def _place(key: np.ndarray, second: np.ndarray) -> np.ndarray:
    return (key << _SECONDS) + second
