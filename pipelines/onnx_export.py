"""Forests, regressions and calibrations as ONNX in float64. The only module that imports onnx; serving needs none.

Every graph takes `features`, (n, n_features) float64, and gives `probability` (n,) after calibration, `log_odds` (n,)
before it, and what the reasons are made of: `leaf` (n, n_trees) int64, the number of the leaf of each tree among
all leaves, or of a regression `contribution` (n, n_features) float64 itself.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from pipelines.calibration_map import CalibrationMap
from pipelines.forest import Forest
from pipelines.linear import Linear

ML_DOMAIN, OPSET, ML_OPSET, IR = "ai.onnx.ml", 17, 5, 9
BRANCH_LEQ = 0
LANES = 8  # a sigmoid of eight equal numbers: alone as in a batch, where those left over from a vector round otherwise


class _Graph:
    """Nodes and constants of a graph, in the order in which they were added."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str | np.ndarray | float, name: str = "", **options: object) -> str:
        """Append a node; arrays and numbers among its inputs become constants. Returns the name of its output."""
        name = name or f"t{len(self.nodes)}"
        names = [value if isinstance(value, str) else self._constant(value) for value in inputs]
        self.nodes.append(helper.make_node(operator, names, [name], **options))
        return name

    def cast(self, value: str, kind: int, name: str = "") -> str:
        """Append a cast to another type of number."""
        return self.add("Cast", value, name=name, to=kind)

    def _constant(self, value: np.ndarray | float) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name


def forest_onnx(forest: Forest, calibration: CalibrationMap) -> bytes:
    """The graph of a forest; equal forests give equal bytes."""
    graph = _Graph()
    number = graph.add("TreeEnsemble", "features", domain=ML_DOMAIN, **_tree_attributes(forest))
    leaf = graph.cast(number, TensorProto.INT64, "leaf")
    values = graph.add("Gather", forest.leaf_value, leaf)
    total = graph.add("ReduceSum", values, np.array([1]), keepdims=0)
    graph.add("Add", total, np.float64(forest.baseline), name="log_odds")
    _add_calibration(graph, calibration)
    return _serialised(graph, forest.n_features, ("leaf", TensorProto.INT64, forest.n_trees))


def linear_onnx(linear: Linear, calibration: CalibrationMap) -> bytes:
    """The graph of a regression; equal regressions give equal bytes."""
    graph = _Graph()
    parts = []
    for column, table in enumerate(linear.tables):
        code = _columns(graph, column, column + 1)
        is_code = graph.cast(graph.add("Equal", code, table.codes[None, :]), TensorProto.DOUBLE)
        known = graph.add("MatMul", is_code, table.weights[:, None])
        missing = graph.add("Mul", graph.cast(graph.add("IsNaN", code), TensorProto.DOUBLE), np.float64(table.missing))
        parts.append(graph.add("Sub", graph.add("Add", known, missing), np.float64(table.centre)))
    numbers = _columns(graph, len(linear.tables), linear.n_features)
    filled = graph.add("Where", graph.add("IsNaN", numbers), linear.fill, numbers)
    scaled = graph.add("Div", graph.add("Sub", filled, linear.mean), linear.scale)
    parts.append(graph.add("Mul", scaled, linear.weight))
    contribution = graph.add("Concat", *parts, name="contribution", axis=1)
    total = graph.add("ReduceSum", contribution, np.array([1]), keepdims=0)
    graph.add("Add", total, np.float64(linear.bias), name="log_odds")
    _add_calibration(graph, calibration)
    return _serialised(graph, linear.n_features, ("contribution", TensorProto.DOUBLE, linear.n_features))


def _tree_attributes(forest: Forest) -> dict:
    """The forest as attributes of `TreeEnsemble`: splits and leaves numbered apart, one target per tree.

    A leaf's weight is its number. A tree that is a single leaf becomes a split whose sides are both that leaf.
    """
    split = ~forest.is_leaf
    roots = np.searchsorted(forest.tree, np.arange(forest.n_trees))
    split[roots] = True
    number = np.where(forest.is_leaf, forest.leaf_number, np.cumsum(split) - 1)
    lone = forest.is_leaf & split
    left, right = (np.where(lone, np.arange(split.size), side)[split] for side in (forest.left, forest.right))
    return {
        "aggregate_function": 1,  # sum: the one leaf of each tree
        "n_targets": forest.n_trees,
        "nodes_featureids": forest.feature[split].tolist(),
        "nodes_modes": numpy_helper.from_array(np.full(split.sum(), BRANCH_LEQ, np.uint8)),
        "nodes_splits": numpy_helper.from_array(forest.threshold[split]),
        "nodes_missing_value_tracks_true": forest.missing_left[split].astype(int).tolist(),
        "nodes_truenodeids": number[left].tolist(),
        "nodes_trueleafs": forest.is_leaf[left].astype(int).tolist(),
        "nodes_falsenodeids": number[right].tolist(),
        "nodes_falseleafs": forest.is_leaf[right].astype(int).tolist(),
        "leaf_targetids": forest.tree[forest.is_leaf].tolist(),
        "leaf_weights": numpy_helper.from_array(np.arange(forest.is_leaf.sum(), dtype=np.float64)),
        "tree_roots": (np.cumsum(split) - 1)[roots].tolist(),
    }


def _add_calibration(graph: _Graph, calibration: CalibrationMap) -> None:
    if calibration.kind == "isotonic":
        _add_lines(graph, np.array(calibration.x), np.array(calibration.y))
        return
    column = graph.add("Unsqueeze", "log_odds", np.array([1]))
    scaled = graph.add("Mul", column, np.full((1, LANES), calibration.slope))
    wide = graph.add("Sigmoid", graph.add("Add", scaled, np.float64(calibration.intercept)))
    graph.add("Gather", wide, np.int64(0), name="probability", axis=1)


def _add_lines(graph: _Graph, x: np.ndarray, y: np.ndarray) -> None:
    """Straight lines between knots, as numpy.interp draws them: from the knot below, by the slope of its piece."""
    inside = graph.add("Min", graph.add("Max", "log_odds", x[:1]), x[-1:])
    column = graph.add("Unsqueeze", inside, np.array([1]))
    passed = graph.cast(graph.add("GreaterOrEqual", column, x[None, 1:-1]), TensorProto.INT64)
    piece = graph.add("ReduceSum", passed, np.array([1]), keepdims=0)
    beyond = graph.add("Sub", inside, graph.add("Gather", x[:-1], piece))
    rise = graph.add("Mul", beyond, graph.add("Gather", np.diff(y) / np.diff(x), piece))
    graph.add("Min", graph.add("Add", graph.add("Gather", y[:-1], piece), rise), y[-1:], name="probability")


def _columns(graph: _Graph, start: int, end: int) -> str:
    return graph.add("Slice", "features", np.array([start]), np.array([end]), np.array([1]))


def _serialised(graph: _Graph, n_features: int, reasons: tuple[str, int, int]) -> bytes:
    double = TensorProto.DOUBLE
    name, kind, width = reasons
    outputs = [
        helper.make_tensor_value_info("probability", double, ["n"]),
        helper.make_tensor_value_info("log_odds", double, ["n"]),
        helper.make_tensor_value_info(name, kind, ["n", width]),
    ]
    features = helper.make_tensor_value_info("features", double, ["n", n_features])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "flight-lateness", [features], outputs, graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(ML_DOMAIN, ML_OPSET)],
        ir_version=IR,
        producer_name="preflight",
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)
