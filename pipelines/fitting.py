"""A training from labelled rows to a bundle: calibrate on a slice of its own, fit, build the artefact, prove it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import polars as pl
from sklearn.pipeline import Pipeline

from data_checks import schema as s
from infra.bundle import Bundle
from infra.scorer import Scorer
from infra.stopwatch import part
from monitoring.labels import IS_LATE
from pipelines.artefact import build_bundle, rows_to_probe
from pipelines.artefact_parity import ArtefactParity, estimator_probability, measure_parity
from pipelines.calibrating import CalibrationChoice, choose_calibration, to_log_odds
from pipelines.calibration_map import IDENTITY, CalibrationMap
from pipelines.clock import local_day
from pipelines.encoding import encode_features
from pipelines.estimators import ModelParameters
from pipelines.protocol import Slices
from pipelines.training import departing, fit_model, predict_probability

LATENCY_CALLS = 200
NOT_CALIBRATED = CalibrationChoice(IDENTITY, "too little history for a calibration slice", {})


@dataclass(frozen=True)
class Fitted:
    """A fitted pipeline, how it is calibrated, and the bundle that serves both."""

    model: Pipeline
    calibration: CalibrationMap
    bundle: Bundle

    @cached_property
    def scorer(self) -> Scorer:
        """The bundle, answering."""
        return Scorer(self.bundle, Path("the bundle of this fit"))


def calibrate(
    labelled: pl.DataFrame, slices: Slices, parameters: ModelParameters, confidence: float
) -> CalibrationChoice:
    """The calibration chosen on its slice, of a model that has learned from the days before it alone."""
    held = departing(labelled, slices.calibration, slices.gate)
    if held.is_empty():
        return NOT_CALIBRATED
    early = fit_model(departing(labelled, slices.start, slices.calibration), parameters)
    day = held.select(local_day(s.SCHEDULED_DEPARTURE)).to_series().to_numpy()
    return choose_calibration(predict_probability(early, held), labels_of(held), day, confidence, parameters.seed)


def fit_bundle(
    learned: pl.DataFrame, parameters: ModelParameters, calibration: CalibrationMap, threshold: float, facts: dict
) -> Fitted:
    """Fit on the rows and build the bundle; the same arguments give the same bytes on the same machine."""
    model = fit_model(learned, parameters)
    with part("ONNX"):
        return Fitted(model, calibration, build_bundle(model[-1], calibration, threshold, facts))


def prove_parity(fitted: Fitted, rows: pl.DataFrame, seed: int) -> ArtefactParity:
    """How far artefact and scikit-learn are apart: on the rows by way of their names, and on hard ones made of them."""
    encoded = encode_features(rows)
    hard = rows_to_probe(fitted.model[-1], encoded, seed)
    named = fitted.calibration.apply(to_log_odds(predict_probability(fitted.model, rows)))
    ours = np.concatenate([named, estimator_probability(fitted.model[-1], fitted.calibration, hard)])
    return measure_parity(ours, np.concatenate([fitted.scorer.probability(encoded), fitted.scorer.probability(hard)]))


def latency_us(scorer: Scorer, encoded: np.ndarray) -> float:
    """The median of what one of the first encoded rows takes, in microseconds, encoded row to probability."""
    return 1e6 * median(_seconds(scorer, row[None, :]) for row in encoded[:LATENCY_CALLS])


def size_bytes(bundle: Bundle) -> int:
    """The bytes of all files of a bundle."""
    return sum(map(len, bundle.files.values()))


def labels_of(rows: pl.DataFrame) -> np.ndarray:
    """The labels as 0 and 1, (n_rows,)."""
    return rows[IS_LATE].cast(pl.Int8).to_numpy()


def _seconds(scorer: Scorer, row: np.ndarray) -> float:
    began = perf_counter()
    scorer.probability(row)
    return perf_counter() - began
