"""From labelled rows to a verified bundle: split in time, fit, calibrate, export, prove parity, load from disk.

What is here is what `pipelines/training.py` and `pipelines/fitting.py` do by the column names of flights.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from examples.second_data_set import contract as c
from examples.second_data_set.features import ENCODING, IS_EAST, NAMES, features_sha256
from infra.bundle import Bundle, write_bundle
from infra.scorer import Scorer, load_bundle
from monitoring.decision_cost import CostTable
from pipelines.artefact import build_bundle, require_exact
from pipelines.artefact_parity import ArtefactParity, estimator_probability
from pipelines.calibrating import choose_calibration
from pipelines.calibration_map import IDENTITY
from pipelines.estimators import ModelParameters, make_estimator
from pipelines.folds import fit_estimator
from pipelines.protocol import Protocol, Slices

COSTS = CostTable(missed_late=1.0, false_alarm=1.0)
"""A parcel on the wrong belt costs the same whichever belt it is; `late` is our word for east."""
PROTOCOL = Protocol(gate_days=14, calibration_days=7, folds=0)
SEED = 2024


@dataclass(frozen=True)
class Model:
    """A model that answers: its bundle, loaded from its folder after every byte was verified."""

    version: int
    bundle: Bundle
    scorer: Scorer
    slices: Slices
    learned: int
    calibration: str
    parity: ArtefactParity

    @property
    def name(self) -> str:
        """What it is called in sentences."""
        return f"version {self.version}"

    def probability(self, rows: pl.DataFrame) -> np.ndarray:
        """Calibrated probabilities of east, (n_rows,)."""
        return self.scorer.probability(ENCODING.encode(rows))


def scanned(rows: pl.DataFrame, start: datetime, end: datetime) -> pl.DataFrame:
    """The rows scanned from `start` to before `end`. No random split: it would leak the next hand into the past."""
    return rows.filter(pl.col(c.SCANNED_AT) >= start, pl.col(c.SCANNED_AT) < end)


def days_of(rows: pl.DataFrame) -> np.ndarray:
    """The day of each scan: what is resampled, as scans of one day are of one hand."""
    return rows[c.SCANNED_AT].dt.date().to_numpy()


def train(version: int, labelled: pl.DataFrame, slices: Slices, parameters: ModelParameters, folder: Path) -> Model:
    """Fit on what is older than the calibration slice, calibrate on that, and leave the gate's days alone.

    Raises WrongConversion when the artefact does not answer as the estimator does.
    """
    learned = scanned(labelled, slices.start, slices.calibration)
    held = scanned(labelled, slices.calibration, slices.gate)
    estimator = fit_estimator(
        make_estimator(parameters, codes=len(ENCODING.categories)),
        ENCODING.encode(learned),
        learned[IS_EAST].to_numpy(),
        parameters.threads,
    )
    said = estimator_probability(estimator, IDENTITY, ENCODING.encode(held))
    chosen = choose_calibration(said, held[IS_EAST].to_numpy(), days_of(held), PROTOCOL.confidence, SEED)
    facts = {"features_sha256": features_sha256(), "protocol_sha256": PROTOCOL.sha256, **slices.as_text()}
    bundle = build_bundle(estimator, chosen.map, COSTS.threshold, facts, features=NAMES)
    scorer = load_bundle(write_bundle(folder / bundle.sha256[:16], bundle), bundle.sha256)
    asked = ENCODING.encode(scanned(labelled, slices.gate, slices.end))
    parity = require_exact(estimator, chosen.map, scorer, asked, SEED, ENCODING.sizes)
    return Model(version, bundle, scorer, slices, learned.height, chosen.map.kind, parity)
