"""Path attribution beside exact Shapley values of the six feature groups: how often do they tell the same story?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np

from pipelines.feature_catalog import FEATURES, Feature
from pipelines.importance import columns_of_groups
from pipelines.reasons import sum_by_group


@dataclass(frozen=True)
class Agreement:
    """How path attribution and Shapley values agree on the groups of some flights.

    `top_group` is the share of flights whose strongest group is the same, `top_sign` the share in which Shapley
    gives the group that path attribution names strongest the same sign; `rank_correlation` is Spearman's of the
    signed contributions of a flight's groups, averaged over flights, `correlation` Pearson's over all of them.
    """

    flights: int
    background: int
    groups: tuple[str, ...]
    top_group: float
    top_sign: float
    rank_correlation: float
    correlation: float


def audit_agreement(
    log_odds: Callable[[np.ndarray], np.ndarray],
    contributions: np.ndarray,
    features: np.ndarray,
    background: np.ndarray,
    catalog: Sequence[Feature] = FEATURES,
    done: Callable[[str], None] = lambda flight: None,
) -> Agreement:
    """Compare the path contributions (n_rows, n_features) of flights with their groups' exact Shapley values."""
    groups = columns_of_groups(catalog)
    path = np.column_stack(list(sum_by_group(contributions, catalog).values()))
    shapley = np.empty_like(path)
    for row, flight in enumerate(features):
        shapley[row] = group_shapley(log_odds, flight, background, list(groups.values()))
        done(f"flight {row + 1}")
    rows, strongest = np.arange(len(path)), np.abs(path).argmax(axis=1)
    return Agreement(
        flights=len(features),
        background=len(background),
        groups=tuple(groups),
        top_group=float((strongest == np.abs(shapley).argmax(axis=1)).mean()),
        top_sign=float((path[rows, strongest] * shapley[rows, strongest] > 0).mean()),
        rank_correlation=float(np.mean([_rank_correlation(*pair) for pair in zip(path, shapley, strict=True)])),
        correlation=_correlation(path.ravel(), shapley.ravel()),
    )


def group_shapley(
    log_odds: Callable[[np.ndarray], np.ndarray], flight: np.ndarray, background: np.ndarray, groups: list[list[int]]
) -> np.ndarray:
    """Exact interventional Shapley values of groups of columns, (n_groups,), in log-odds, over all coalitions.

    A coalition is worth the mean log-odds of the background rows (n_background, n_features) in which its columns
    are those of the flight (n_features,). The values add up to the flight's log-odds less the background's mean.
    Source: Shapley 1953; Lundberg and Lee 2017, equation 8, with groups as players.
    """
    worth = _worth(log_odds, flight, background, groups)
    players = len(groups)
    values = np.zeros(players)
    for player in range(players):
        others = [other for other in range(players) if other != player]
        for size in range(players):
            weight = factorial(size) * factorial(players - size - 1) / factorial(players)
            for coalition in combinations(others, size):
                code = sum(1 << other for other in coalition)
                values[player] += weight * (worth[code | 1 << player] - worth[code])
    return values


def _worth(
    log_odds: Callable[[np.ndarray], np.ndarray], flight: np.ndarray, background: np.ndarray, groups: list[list[int]]
) -> np.ndarray:
    """What each coalition is worth, (2 ** n_groups,): bit g of its number says that group g is in it."""
    member = np.zeros((1 << len(groups), len(flight)), dtype=bool)
    for group, columns in enumerate(groups):
        member[np.ix_(np.flatnonzero(np.arange(1 << len(groups)) >> group & 1), columns)] = True
    rows = np.where(member[:, None, :], flight, background[None, :, :])
    answers = log_odds(np.ascontiguousarray(rows.reshape(-1, len(flight))))
    return answers.reshape(len(member), len(background)).mean(axis=1)


def _rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    return _correlation(_ranks(first), _ranks(second))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 0, equal values sharing the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[place]


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's correlation; 0 where either does not vary."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
