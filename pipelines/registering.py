"""From a fit to a version of the registry: what is noted on it, and the sample that drift is measured against."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from infra.settings import Settings
from infra.stopwatch import part
from infra.storage import content_hash
from monitoring.decision_cost import CostTable, cost_per_thousand
from monitoring.labels import IS_LATE
from monitoring.quality import measure_quality
from monitoring.windows import sample_reference
from pipelines.calibration_map import CalibrationMap
from pipelines.context import Context
from pipelines.definitions import features_sha256
from pipelines.encoding import encode_features
from pipelines.estimators import ModelParameters
from pipelines.feature_catalog import NAMES
from pipelines.fitting import Fitted, fit_bundle, labels_of
from pipelines.lineage import describe_lineage
from pipelines.protocol import Slices, protocol_of
from pipelines.training import fit_key


@dataclass(frozen=True)
class Fit:
    """One fit to be made or made again: the rows it learns from, and everything else that it depends on."""

    window: str
    slices: Slices
    parameters: ModelParameters
    learned: pl.DataFrame
    judged: pl.DataFrame
    calibration: CalibrationMap

    @cached_property
    def data(self) -> dict[str, str]:
        """Hashes of the rows: those learned from and those that judge."""
        return {"training": content_hash(self.learned), "gate": content_hash(self.judged)}

    @cached_property
    def key(self) -> str:
        """The name of the fit."""
        return fit_key(self.slices, self.parameters, self.data)

    def make(self, settings: Settings) -> Fitted:
        """Fit, and build the bundle."""
        facts = {
            "fit_key": self.key,
            **self.slices.as_text(),
            "features_sha256": features_sha256(),
            "protocol_sha256": protocol_of(settings).sha256,
        }
        threshold = costs_of(settings).threshold
        with part("model"):
            return fit_bundle(self.learned, self.parameters, self.calibration, threshold, facts)


def costs_of(settings: Settings) -> CostTable:
    """The cost table of the settings."""
    return CostTable(missed_late=settings.cost_missed_late, false_alarm=settings.cost_false_alarm)


def refit_of(fit: Fit) -> Fit:
    """The same recipe on all rows, those included that have judged it; nothing is left to judge the result."""
    slices = replace(fit.slices, calibration=fit.slices.end, gate=fit.slices.end)
    return replace(fit, slices=slices, learned=pl.concat([fit.learned, fit.judged]))


def lineage_of(fit: Fit, probability: np.ndarray, settings: Settings) -> dict:
    """The manifest of a fit as plain values; `probability` (n_rows,) is what it says of the rows that judge."""
    facts = describe_lineage(
        window=fit.window,
        slices=fit.slices,
        parameters=fit.parameters,
        protocol=protocol_of(settings),
        data=fit.data,
        rows=fit.learned.height,
    )
    return {
        **facts,
        "late_share": float(fit.learned[IS_LATE].mean()),
        "predictions_sha256": content_hash(pl.DataFrame({"probability": probability})),
        "calibration": fit.calibration.as_dict(),
    }


def register_fit(context: Context, fit: Fit, fitted: Fitted, run_name: str, more: dict[str, object]) -> dict:
    """Register a fit as a version; returns the facts of it. Done again it returns the version that exists.

    `more` is noted in the lineage: how the calibration was chosen, or what it is a refit of.
    """
    settings, data = context.settings, fit.data
    probability = fitted.scorer.probability(encode_features(fit.judged))
    quality = measure_quality(probability, labels_of(fit.judged))
    cost = cost_per_thousand(probability, labels_of(fit.judged), costs_of(settings))
    lineage = lineage_of(fit, probability, settings)
    moments = fit.slices.as_text()
    with part("MLflow"):
        version = context.registry.register(
            fit.key,
            fitted.model,
            fitted.bundle,
            run_name=run_name,
            parameters={**fit.parameters.as_dict(), "window": fit.window, **moments, "rows": fit.learned.height},
            metrics={**quality.as_metrics("gate_"), "gate_cost_per_thousand": cost},
            datasets=data,
            tags={"window": fit.window, "protocol_sha256": lineage["protocol_sha256"], **moments},
            lineage={**lineage, **more},
            example=fit.learned.select(NAMES).head(5).to_pandas(),
        )
    with part("data"):
        sample = sample_reference(fit.learned.select(NAMES), settings.seed)
        context.store.write_table("reference_windows", f"version-{version}", sample)
    return {
        "version": version,
        "window": fit.window,
        "rows": fit.learned.height,
        "data": data,
        **moments,
        "predictions_hash": lineage["predictions_sha256"],
        "bundle_sha256": fitted.bundle.sha256,
    }
