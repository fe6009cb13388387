"""How far the inputs of a week have moved from a reference window, by Evidently. Its other home is `workspace.py`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import plotly.io
import polars as pl
from evidently import DataDefinition, Dataset, Report
from evidently.legacy.calculations.stattests import get_stattest, jensenshannon_stat_test, wasserstein_stat_test
from evidently.metrics import ValueDrift

from monitoring.windows import DRIFT_THRESHOLD

NUMERIC, CATEGORICAL = wasserstein_stat_test, jensenshannon_stat_test
MOVED_ALL_THE_WAY = 1.0


@dataclass(frozen=True)
class Drift:
    """Distance of each feature's current window from the reference window, 0 for the same shape."""

    distances: dict[str, float]

    @property
    def drifted(self) -> list[str]:
        """The features above the threshold, the farthest first."""
        above = [name for name, distance in self.distances.items() if distance >= DRIFT_THRESHOLD]
        return sorted(above, key=lambda name: -self.distances[name])

    @property
    def share_drifted(self) -> float:
        """Share of the features above the threshold, 0 to 1."""
        return len(self.drifted) / len(self.distances)


def measure_drift(reference: pl.DataFrame, current: pl.DataFrame, categorical: tuple[str, ...]) -> Drift:
    """Drift of every feature column: normed Wasserstein distance for numbers, Jensen-Shannon for categories.

    Both frames have the same feature columns; `current` is one week. A column that is empty in
    either window has moved all the way and counts as 1. The distances are those of `save_report`,
    asked of Evidently's functions directly: its metrics draw two figures a feature, which is
    three quarters of their cost.
    """
    distances = dict.fromkeys(reference.columns, MOVED_ALL_THE_WAY)
    for name in present_in_both(reference, current):
        kind = CATEGORICAL if name in categorical else NUMERIC
        before, now = (frame[name].drop_nulls().to_pandas() for frame in (reference, current))
        result = kind(before, now, kind.allowed_feature_types[0], DRIFT_THRESHOLD)
        distances[name] = float(result.drift_score)
    return Drift(distances)


def save_report(reference: pl.DataFrame, current: pl.DataFrame, categorical: tuple[str, ...], path: Path) -> Drift:
    """Write Evidently's own page of the same measurement, readable offline, and return what it measured."""
    plotly.io.templates.default = "none"  # copying the default theme into each figure is a fifth of the cost
    present = present_in_both(reference, current)
    definition = DataDefinition(
        numerical_columns=[name for name in present if name not in categorical],
        categorical_columns=[name for name in present if name in categorical],
    )
    metrics = [
        ValueDrift(
            column=name,
            method=(CATEGORICAL if name in categorical else NUMERIC).name,
            threshold=DRIFT_THRESHOLD,
        )
        for name in present
    ]
    report = Report(metrics).run(
        Dataset.from_pandas(current.select(present).to_pandas(), data_definition=definition),
        Dataset.from_pandas(reference.select(present).to_pandas(), data_definition=definition),
    )
    report.save_html(str(path))
    found = {metric["config"]["column"]: float(metric["value"]) for metric in report.dict()["metrics"]}
    return Drift({name: found.get(name, MOVED_ALL_THE_WAY) for name in reference.columns})


def drifted_by_default(reference: pl.DataFrame, current: pl.DataFrame, categorical: tuple[str, ...]) -> list[str]:
    """The features that Evidently calls drifted when nobody chooses how: nothing here acts on it.

    Up to 1,000 rows of reference it tests for significance, each column at 5 %; above it measures distances.
    """
    found = []
    for name in present_in_both(reference, current):
        kind = (CATEGORICAL if name in categorical else NUMERIC).allowed_feature_types[0]
        before, now = (frame[name].drop_nulls().to_pandas() for frame in (reference, current))
        with np.errstate(divide="ignore", invalid="ignore"):  # of a level the reference lacks: chi-square is infinite
            if get_stattest(before, now, kind, None)(before, now, kind, None).drifted:
                found.append(name)
    return found


def present_in_both(reference: pl.DataFrame, current: pl.DataFrame) -> list[str]:
    """The columns that have a value in both windows."""
    return [
        name for name in reference.columns if not (reference[name].is_null().all() or current[name].is_null().all())
    ]
