"""How far the inputs of a week have moved from a reference window, by Evidently. The only module that imports it."""

from dataclasses import dataclass
from pathlib import Path

import plotly.io
import polars as pl
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import ValueDrift

from data_checks import schema as s
from monitoring.windows import DRIFT_THRESHOLD

NUMERIC_METHOD, CATEGORICAL_METHOD = "wasserstein", "jensenshannon"


@dataclass(frozen=True)
class Drift:
    """Distance of each feature's current window from the reference window, 0 same shape, and the report behind it."""

    distances: dict[str, float]
    report: object

    @property
    def drifted(self) -> list[str]:
        """The features above the threshold, the farthest first."""
        above = [name for name, distance in self.distances.items() if distance >= DRIFT_THRESHOLD]
        return sorted(above, key=lambda name: -self.distances[name])

    @property
    def share_drifted(self) -> float:
        """Share of the features above the threshold, 0 to 1."""
        return len(self.drifted) / len(self.distances)

    def save_html(self, path: Path) -> None:
        """Write Evidently's own page, readable offline."""
        self.report.save_html(str(path))


def measure_drift(reference: pl.DataFrame, current: pl.DataFrame, categorical: tuple[str, ...]) -> Drift:
    """Drift of every feature column: normed Wasserstein distance for numbers, Jensen-Shannon for categories.

    Both frames have the same feature columns; `current` is one week. A column that is empty in
    either window has moved all the way and counts as 1.
    """
    columns = [name for name in reference.columns if name not in (s.FLIGHT_ID,)]
    empty = [name for name in columns if reference[name].is_null().all() or current[name].is_null().all()]
    measured = [name for name in columns if name not in empty]
    plotly.io.templates.default = "none"  # copying the default theme into each figure is a fifth of the whole cost
    definition = DataDefinition(
        numerical_columns=[name for name in measured if name not in categorical],
        categorical_columns=[name for name in measured if name in categorical],
    )
    metrics = [
        ValueDrift(
            column=name,
            method=CATEGORICAL_METHOD if name in categorical else NUMERIC_METHOD,
            threshold=DRIFT_THRESHOLD,
        )
        for name in measured
    ]
    report = Report(metrics).run(
        Dataset.from_pandas(current.select(measured).to_pandas(), data_definition=definition),
        Dataset.from_pandas(reference.select(measured).to_pandas(), data_definition=definition),
    )
    found = {metric["config"]["column"]: float(metric["value"]) for metric in report.dict()["metrics"]}
    return Drift({name: found.get(name, 1.0) for name in columns}, report)
