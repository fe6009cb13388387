"""What a week looked like, in short: quantiles, shares and gaps of each column, and how far two profiles are apart.

A profile is a few kilobytes where a week is megabytes, so that every week of a reference period can be held against
all the others. Distances are those of `monitoring/drift.py`, taken from the quantiles.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

QUANTILES = 101


@dataclass(frozen=True)
class Profile:
    """A window by column. `quantiles` are (QUANTILES,) from the least to the greatest, None for an empty column.

    `shares` are those of each category among the values that are there; `missing` the share that is not.
    """

    rows: int
    quantiles: Mapping[str, np.ndarray | None]
    shares: Mapping[str, Mapping[str, float]]
    missing: Mapping[str, float]

    def as_dict(self) -> dict:
        """As plain values that JSON takes."""
        quantiles = {name: None if values is None else values.tolist() for name, values in self.quantiles.items()}
        return {"rows": self.rows, "quantiles": quantiles, "shares": dict(self.shares), "missing": dict(self.missing)}

    @classmethod
    def from_dict(cls, written: dict) -> "Profile":
        """What `as_dict` wrote."""
        found = {name: None if values is None else np.array(values) for name, values in written["quantiles"].items()}
        return cls(written["rows"], found, written["shares"], written["missing"])


def profile_of(window: pl.DataFrame, categorical: Sequence[str] = ()) -> Profile:
    """The profile of a window of at least one row; columns that are not `categorical` are numbers."""
    grid = np.linspace(0, 1, QUANTILES)
    numeric = {name: window[name].drop_nulls().to_numpy() for name in window.columns if name not in categorical}
    return Profile(
        rows=window.height,
        quantiles={name: np.quantile(values, grid) if len(values) else None for name, values in numeric.items()},
        shares={name: _shares(window[name].drop_nulls()) for name in window.columns if name in categorical},
        missing={name: window[name].null_count() / window.height for name in window.columns},
    )


def pool(profiles: Sequence[Profile]) -> Profile:
    """The profile of several windows together, each column weighed by the values that it has."""
    first, rows = profiles[0], sum(profile.rows for profile in profiles)
    grid = np.linspace(0, 1, QUANTILES)
    return Profile(
        rows=rows,
        quantiles={name: _pooled(_weighed(profiles, "quantiles", name), grid) for name in first.quantiles},
        shares={name: _mixed(_weighed(profiles, "shares", name)) for name in first.shares},
        missing={name: sum(p.missing[name] * p.rows for p in profiles) / rows for name in first.missing},
    )


def distances(current: Profile, reference: Profile) -> dict[str, float]:
    """How far each column has moved, 0 for the same shape; columns that are empty in either are left out.

    Numbers: Wasserstein's distance over the standard deviation of the reference. Categories: Jensen and Shannon's,
    natural logarithm.
    """
    found = {}
    for name, before in reference.quantiles.items():
        now = current.quantiles[name]
        if before is not None and now is not None:
            spread = max(float(before.std()), 0.001)
            found[name] = float(np.abs(now - before).mean()) / spread
    for name, usual in reference.shares.items():
        if usual and current.shares[name]:
            found[name] = _jensen_shannon(current.shares[name], usual)
    return found


def _weighed(profiles: Sequence[Profile], part: str, name: str) -> list[tuple]:
    """A column's part of each profile, with the values that it has there."""
    return [(getattr(one, part)[name], one.rows * (1 - one.missing[name])) for one in profiles]


def _shares(values: pl.Series) -> dict[str, float]:
    counted = values.value_counts(sort=True)
    return {value: count / len(values) for value, count in counted.iter_rows()}


def _pooled(parts: list[tuple[np.ndarray | None, float]], grid: np.ndarray) -> np.ndarray | None:
    known = [(values, weight) for values, weight in parts if values is not None]
    if not known:
        return None
    values = np.concatenate([values for values, _ in known])
    weights = np.concatenate([np.full(len(values), weight / len(values)) for values, weight in known])
    order = values.argsort(kind="stable")
    reached = np.cumsum(weights[order]) - weights[order] / 2
    return np.interp(grid, reached / weights.sum(), values[order])


def _mixed(parts: list[tuple[Mapping[str, float], float]]) -> dict[str, float]:
    total = sum(weight for _, weight in parts) or 1.0
    names = dict.fromkeys(name for shares, _ in parts for name in shares)
    return {name: sum(shares.get(name, 0.0) * weight for shares, weight in parts) / total for name in names}


def _jensen_shannon(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    names = dict.fromkeys([*one, *other])
    left, right = (np.array([shares.get(name, 0.0) for name in names]) for shares in (one, other))
    middle = (left + right) / 2
    return float(np.sqrt(max(0.0, (_relative(left, middle) + _relative(right, middle)) / 2)))


def _relative(one: np.ndarray, other: np.ndarray) -> float:
    there = one > 0
    return float((one[there] * np.log(one[there] / other[there])).sum())
