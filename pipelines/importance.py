"""What a model listens to over many flights: importance in two senses, with intervals, and partial dependence.

Models are functions of encoded rows (n_rows, n_features), so that it is the served graph that is measured.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from monitoring.day_blocks import draw_days
from monitoring.quality import loss_per_row
from pipelines.feature_catalog import CATEGORIES, FEATURES, Feature
from pipelines.reasons import sum_by_group

Answer = Callable[[np.ndarray], np.ndarray]

_ENDS = (0.01, 0.99)


@dataclass(frozen=True)
class Importance:
    """A mean over flights with its interval from resampling days."""

    name: str
    group: str
    mean: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Dependence:
    """Mean probability of the same flights as one feature is set to each of `values`.

    `deciles` (9,) say where flights lie, empty for a category, of which `shares` has the share of each value.
    `mean_missing` is the probability with the value taken away, None where no flight lacks it.
    """

    feature: str
    unit: str
    values: tuple[float | str, ...]
    means: tuple[float, ...]
    deciles: tuple[float, ...]
    shares: tuple[float, ...]
    share_missing: float
    mean_missing: float | None


@dataclass(frozen=True)
class Resampling:
    """How intervals are made: days drawn again so many times, a two-sided confidence, a seed."""

    rounds: int = 2000
    confidence: float = 0.95
    seed: int = 2013


def contribution_importance(
    contributions: np.ndarray,
    day: np.ndarray,
    how: Resampling = Resampling(),
    catalog: Sequence[Feature] = FEATURES,
) -> tuple[list[Importance], list[Importance]]:
    """Mean absolute contribution in log-odds, of each feature and of each group, the largest first.

    `contributions` is (n_rows, n_features), `day` (n_rows,). A group's is that of the sum of its features: parts
    that cancel in a flight do not count.
    """
    single = {feature.name: np.abs(contributions[:, place]) for place, feature in enumerate(catalog)}
    joint = {group: np.abs(added) for group, added in sum_by_group(contributions, catalog).items()}
    return _ranked(single, day, how, catalog), _ranked(joint, day, how, catalog)


def permutation_importance(
    probability: Answer,
    features: np.ndarray,
    is_late: np.ndarray,
    day: np.ndarray,
    *,
    repeats: int = 3,
    how: Resampling = Resampling(),
    catalog: Sequence[Feature] = FEATURES,
    done: Callable[[str], None] = lambda name: None,
) -> tuple[list[Importance], list[Importance]]:
    """How much log loss rises when a feature, or a group at once, is dealt out anew among all flights; largest first.

    Dealt out among all flights and not within each day: weather and the day's delays hardly differ within a day, so
    that a model could lose nothing by it. The columns of a group move together, so that nothing made up appears
    within it. Exactly 0 for a feature that the model does not use. `done` hears the name of each that was measured.
    Source: Breiman 2001, Random Forests, Machine Learning 45, section 10.
    """
    before = loss_per_row(probability(features), is_late)
    orders = [np.random.default_rng((how.seed, repeat)).permutation(len(features)) for repeat in range(repeats)]

    def rise(name: str, columns: list[int]) -> np.ndarray:
        risen = np.zeros(len(features))
        for order in orders:
            dealt = features.copy()
            dealt[:, columns] = features[order][:, columns]
            risen += loss_per_row(probability(dealt), is_late) - before
        done(name)
        return risen / repeats

    places = {feature.name: [place] for place, feature in enumerate(catalog)}
    single = {name: rise(name, columns) for name, columns in places.items()}
    joint = {group: rise(group, columns) for group, columns in columns_of_groups(catalog).items()}
    return _ranked(single, day, how, catalog), _ranked(joint, day, how, catalog)


def partial_dependence(
    probability: Answer,
    features: np.ndarray,
    name: str,
    *,
    points: int = 21,
    catalog: Sequence[Feature] = FEATURES,
) -> Dependence:
    """How the mean probability of some flights (n_rows, n_features) moves with one feature, all others as they are.

    A number runs over `points` quantiles from 1 % to 99 %, so that there are most where most flights lie.
    Source: Friedman 2001, Greedy Function Approximation, Annals of Statistics 29(5), section 8.2.
    """
    place = [feature.name for feature in catalog].index(name)
    column = features[:, place]
    known = column[~np.isnan(column)]
    categories = CATEGORIES.get(name)
    grid = np.arange(len(categories)) * 1.0 if categories else _grid(known, points)

    def mean_at(value: float) -> float:
        moved = features.copy()
        moved[:, place] = value
        return float(probability(moved).mean())

    missing = 1 - len(known) / len(column)
    return Dependence(
        feature=name,
        unit=catalog[place].unit,
        values=tuple(categories) if categories else tuple(grid.tolist()),
        means=tuple(mean_at(value) for value in grid),
        deciles=() if categories or not len(known) else tuple(np.quantile(known, np.arange(1, 10) / 10).tolist()),
        shares=tuple(float((known == code).mean()) for code in grid) if categories else (),
        share_missing=missing,
        mean_missing=mean_at(np.nan) if missing else None,
    )


def columns_of_groups(catalog: Sequence[Feature] = FEATURES) -> dict[str, list[int]]:
    """The columns of each group, groups in the catalog's order."""
    groups: dict[str, list[int]] = {}
    for place, feature in enumerate(catalog):
        groups.setdefault(feature.group, []).append(place)
    return groups


def _grid(known: np.ndarray, points: int) -> np.ndarray:
    return np.unique(np.quantile(known, np.linspace(*_ENDS, points))) if len(known) else known


def _ranked(
    values: dict[str, np.ndarray], day: np.ndarray, how: Resampling, catalog: Sequence[Feature]
) -> list[Importance]:
    """The mean of each with the same drawn days, the largest first."""
    group_of = {feature.name: feature.group for feature in catalog}
    days, index = np.unique(day, return_inverse=True)
    times = draw_days(len(days), how.rounds, np.random.default_rng(how.seed))
    rows = times @ np.bincount(index)
    tail = (1 - how.confidence) / 2
    found = []
    for name, each in values.items():
        drawn = (times @ np.bincount(index, weights=each)) / rows
        lower, upper = np.quantile(drawn, (tail, 1 - tail)).tolist()
        found.append(Importance(name, group_of.get(name, name), float(each.mean()), lower, upper))
    return sorted(found, key=lambda one: -one.mean)
