"""From a fitted estimator to the bundle that serves it, and the gate that the bundle has to pass."""

from collections.abc import Sequence

import numpy as np
from sklearn.pipeline import Pipeline

from infra.bundle import Bundle, pack_bundle
from infra.scorer import Scorer
from pipelines.artefact_parity import ArtefactParity, estimator_probability, hard_rows, require_parity
from pipelines.calibration_map import CalibrationMap
from pipelines.encoding import FLIGHTS
from pipelines.feature_catalog import NAMES
from pipelines.forest import UnservableModelError, forest_of, path_contributions
from pipelines.linear import linear_of
from pipelines.onnx_export import forest_onnx, linear_onnx


def build_bundle(
    estimator: object,
    calibration: CalibrationMap,
    decision_threshold: float,
    facts: dict,
    features: Sequence[str] = NAMES,
) -> Bundle:
    """The bundle of a classifier fitted on `encode_features`: trees of scikit-learn or LightGBM, or a regression.

    The same fit gives the same bytes. `facts` is free, plain JSON. Raises UnservableModelError for a model that has
    no exact form, ValueError for a fact that JSON does not have.
    """
    linear = isinstance(estimator, Pipeline)
    model = linear_of(estimator) if linear else forest_of(estimator)
    if model.n_features != len(features):
        raise UnservableModelError(
            f"the model was fitted on {model.n_features} features, expected the {len(features)} that are named; "
            "fit it on encode_features"
        )
    reasons, bias = (None, model.bias) if linear else path_contributions(model)
    return pack_bundle(
        "linear" if linear else "forest",
        linear_onnx(model, calibration) if linear else forest_onnx(model, calibration),
        reasons,
        features=tuple(features),
        bias=bias,
        calibration=calibration.as_dict(),
        decision_threshold=decision_threshold,
        facts=facts,
    )


def require_exact(
    estimator: object,
    calibration: CalibrationMap,
    scorer: Scorer,
    gate: np.ndarray,
    seed: int,
    sizes: Sequence[int] = FLIGHTS.sizes,
) -> ArtefactParity:
    """That a loaded bundle says what its estimator says, on the encoded rows of the gate and hard rows made of them.

    Raises WrongConversion with the largest difference when it does not: such a bundle must not be registered.
    """
    rows = rows_to_probe(estimator, gate, seed, sizes)
    return require_parity(estimator_probability(estimator, calibration, rows), scorer.probability(rows))


def rows_to_probe(estimator: object, gate: np.ndarray, seed: int, sizes: Sequence[int] = FLIGHTS.sizes) -> np.ndarray:
    """The encoded rows of the gate, and hard ones made of them for this estimator; `sizes`: codes of each category."""
    forest = None if isinstance(estimator, Pipeline) else forest_of(estimator)
    return hard_rows(gate, sizes, seed, forest, infinities=forest is not None)  # a regression takes none
