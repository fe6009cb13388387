"""Trees as plain arrays, whichever library fitted them, and what each feature adds to a score."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from infra.errors import PreflightError
from pipelines.averaging import AveragedForests

NO_NODE = -1
TINY = float(np.float32(1e-35))
"""Nearer to zero is zero for LightGBM (meta.h, kZeroThreshold; predictor.hpp)."""
DUMPED_INFINITY = 1e300
"""What LightGBM's dump says for a threshold of infinity, a split of what is missing from all else (AvoidInf)."""


class UnservableModelError(PreflightError, ValueError):
    """An estimator has a part for which no exact serving form is known."""


@dataclass(frozen=True)
class Forest:
    """Binary trees whose leaves add up to log-odds. One entry per node, roots before what lies below them.

    A row goes left where `row[feature] <= threshold`, and where the value is NaN if `missing_left`.
    `left` and `right` are node numbers, NO_NODE at a leaf; `value` counts at leaves alone, in log-odds;
    `count` is how many training rows came by.
    """

    n_features: int
    baseline: float
    tree: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    missing_left: np.ndarray
    left: np.ndarray
    right: np.ndarray
    is_leaf: np.ndarray
    value: np.ndarray
    count: np.ndarray

    @property
    def n_trees(self) -> int:
        """How many trees there are."""
        return int(self.tree[-1]) + 1

    @property
    def leaf_number(self) -> np.ndarray:
        """(n_nodes,) the number of each leaf among all leaves of the forest; meaningless at other nodes."""
        return np.cumsum(self.is_leaf) - 1

    @property
    def leaf_value(self) -> np.ndarray:
        """(n_leaves,) what each leaf adds to the log-odds."""
        return self.value[self.is_leaf]


_COLUMNS = [one.name for one in fields(Forest) if one.name not in ("n_features", "baseline")]


def forest_of(estimator: object) -> Forest:
    """The trees of a fitted classifier of scikit-learn (HistGradientBoosting) or LightGBM (classifier, booster).

    Those of averaged ones stand one after the other, and are worth so much less.
    Raises UnservableModelError for categorical splits, more than two classes, and whatever else has no exact form.
    """
    if isinstance(estimator, AveragedForests):
        return average_forests([forest_of(one) for one in estimator.estimators_])
    if isinstance(estimator, HistGradientBoostingClassifier):
        return _of_hist_gradient_boosting(estimator)
    booster = getattr(estimator, "booster_", estimator)
    if hasattr(booster, "dump_model"):
        return _of_dump(booster.dump_model())
    raise UnservableModelError(
        f"expected trees of HistGradientBoostingClassifier or LightGBM, got {type(estimator).__name__}; "
        "add a reader to pipelines/forest.py"
    )


def average_forests(forests: Sequence[Forest]) -> Forest:
    """One forest whose log-odds are the mean of theirs."""
    nodes = [forest.tree.size for forest in forests]
    columns = {name: np.concatenate([getattr(forest, name) for forest in forests]) for name in _COLUMNS}
    node, tree = (
        np.repeat(np.cumsum([0, *sizes[:-1]]), nodes) for sizes in (nodes, [forest.n_trees for forest in forests])
    )
    for side in ("left", "right"):
        columns[side] = np.where(columns["is_leaf"], NO_NODE, columns[side] + node)
    columns |= {"tree": columns["tree"] + tree, "value": columns["value"] / len(forests)}
    return Forest(forests[0].n_features, float(np.mean([forest.baseline for forest in forests])), **columns)


def path_contributions(forest: Forest) -> tuple[np.ndarray, float]:
    """What each feature adds on the way to each leaf, (n_leaves, n_features), and the bias, both in log-odds.

    A split credits its feature with the change of the expected value, the count-weighted mean of the leaves
    below. For every row, the rows of its leaves added up, plus the bias, are its log-odds.
    Source: A. Saabas, "Interpreting random forests", 2014 (path attribution, not SHAP values).
    """
    expected = _expected_values(forest)
    credit = np.zeros((forest.is_leaf.size, forest.n_features))
    for node in np.flatnonzero(~forest.is_leaf):  # roots first, so that a node is complete before its children
        for child in (forest.left[node], forest.right[node]):
            credit[child] = credit[node]
            credit[child, forest.feature[node]] += expected[child] - expected[node]
    roots = np.searchsorted(forest.tree, np.arange(forest.n_trees))
    return credit[forest.is_leaf], float(forest.baseline + expected[roots].sum())


def _expected_values(forest: Forest) -> np.ndarray:
    rows = np.where(forest.is_leaf, np.maximum(forest.count, 1), 0).astype(np.float64)  # a leaf nobody reached: one
    total = np.where(forest.is_leaf, forest.value * rows, 0.0)
    for node in np.flatnonzero(~forest.is_leaf)[::-1]:
        for child in (forest.left[node], forest.right[node]):
            rows[node] += rows[child]
            total[node] += total[child]
    return total / rows


def _of_hist_gradient_boosting(estimator: HistGradientBoostingClassifier) -> Forest:
    if len(estimator.classes_) != 2:
        raise UnservableModelError(f"expected two classes, got {len(estimator.classes_)}; fit on late or not late")
    if estimator.is_categorical_ is not None:
        raise UnservableModelError(
            f"{int(np.sum(estimator.is_categorical_))} of {estimator.n_features_in_} features are split as native "
            "categories, whose conversion is not exact; expected numeric codes: fit with categorical_features=None"
        )
    return _from_nodes(estimator.n_features_in_, *_private_trees(estimator))


def _from_nodes(n_features: int, baseline: float, trees: list[np.ndarray]) -> Forest:
    """Trees whose nodes scikit-learn numbers anew in each, under one numbering."""
    sizes = [len(nodes) for nodes in trees]
    start = np.repeat(np.cumsum([0, *sizes[:-1]]), sizes)
    node = np.concatenate(trees)
    is_leaf = node["is_leaf"].astype(bool)
    return Forest(
        n_features=n_features,
        baseline=baseline,
        tree=np.repeat(np.arange(len(trees)), sizes),
        feature=np.where(is_leaf, 0, node["feature_idx"]),
        threshold=np.where(is_leaf, 0.0, node["num_threshold"]),
        missing_left=~is_leaf & node["missing_go_to_left"].astype(bool),
        left=np.where(is_leaf, NO_NODE, start + node["left"]),
        right=np.where(is_leaf, NO_NODE, start + node["right"]),
        is_leaf=is_leaf,
        value=node["value"].astype(np.float64),
        count=node["count"].astype(np.int64),
    )


def _private_trees(estimator: HistGradientBoostingClassifier) -> tuple[float, list[np.ndarray]]:
    """Baseline log-odds and the nodes of each tree: private to scikit-learn, which offers no public way to them.

    tests/contracts/test_sklearn_contract.py says what is relied on, and fails when a version changes it.
    """
    return float(estimator._baseline_prediction[0, 0]), [trees[0].nodes for trees in estimator._predictors]


def _of_dump(dump: dict) -> Forest:
    """From what LightGBM's public `dump_model` says; the average is in its first tree, so the baseline is 0."""
    expected = {"objective": "binary sigmoid:1", "average_output": False, "num_tree_per_iteration": 1}
    wrong = [
        f"{name} is {dump.get(name)!r}, expected {want!r}" for name, want in expected.items() if dump[name] != want
    ]
    if wrong or not dump["tree_info"]:
        raise UnservableModelError(f"{'; '.join(wrong) or 'no tree was grown'}: fit a boosted binary classifier")
    nodes: list[dict] = []
    for number, tree in enumerate(dump["tree_info"]):
        _append_nodes(nodes, number, tree["tree_structure"])
    columns = {name: np.array([node[name] for node in nodes]) for name in nodes[0]}
    return Forest(n_features=dump["max_feature_idx"] + 1, baseline=0.0, **columns)


def _append_nodes(nodes: list[dict], tree: int, node: dict) -> int:
    """Append a node of a dump and all below it; returns its number."""
    number, is_leaf = len(nodes), "leaf_value" in node
    _require_plain(node)
    entry = {
        "tree": tree,
        "feature": node.get("split_feature", 0),
        "threshold": 0.0 if is_leaf else _exact_threshold(node["threshold"]),
        "missing_left": not is_leaf and _missing_goes_left(node),
        "left": NO_NODE,
        "right": NO_NODE,
        "is_leaf": is_leaf,
        "value": float(node.get("leaf_value", 0.0)),
        "count": node.get("leaf_count", node.get("internal_count", 0)),
    }
    nodes.append(entry)
    if not is_leaf:
        entry["left"] = _append_nodes(nodes, tree, node["left_child"])
        entry["right"] = _append_nodes(nodes, tree, node["right_child"])
    return number


def _require_plain(node: dict) -> None:
    if "leaf_const" in node:
        raise UnservableModelError("a leaf holds a linear model, expected a number: fit with linear_tree=False")
    if node.get("decision_type", "<=") != "<=":
        raise UnservableModelError(
            f"feature {node['split_feature']} is split by {node['decision_type']!r}, a native category, expected '<=': "
            "fit on numeric codes, without categorical_feature"
        )
    if node.get("missing_type") == "Zero":
        raise UnservableModelError("zeros are taken as missing, expected NaN alone: fit with zero_as_missing=False")


def _exact_threshold(threshold: float) -> float:
    """The threshold that does to every value what LightGBM does, which takes values up to TINY from zero as zero."""
    if abs(threshold) >= DUMPED_INFINITY:
        return float(np.copysign(np.inf, threshold))
    if abs(threshold) > TINY:
        return float(threshold)
    return TINY if threshold >= 0 else float(np.nextafter(-TINY, -np.inf))


def _missing_goes_left(node: dict) -> bool:
    """By the node's default if it saw NaN, else NaN counts as zero (LightGBM's tree.h, NumericalDecision)."""
    return node["default_left"] if node["missing_type"] == "NaN" else node["threshold"] >= 0.0
