"""The Evidently workspace of the year: two snapshots a week, and a dashboard built from code.

With `drift.py` the only module that imports Evidently. A snapshot has an id that follows from its week and
is written whole or not at all, so that a week is there once however often, and when, the writing was killed.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import plotly.io
import polars as pl
from evidently import BinaryClassification, DataDefinition, Dataset, Report
from evidently.core.report import Snapshot
from evidently.legacy.utils import NumpyEncoder
from evidently.metrics import LogLoss, MeanValue, MissingValueCount, Precision, Recall, RocAuc, RowCount, ValueDrift
from evidently.sdk.models import DashboardModel, DashboardPanelPlot, DashboardTabModel, PanelMetric, ProjectModel
from evidently.sdk.panels import line_plot_panel
from evidently.ui.workspace import Workspace

from infra.storage import write_atomically
from monitoring.drift import CATEGORICAL, NUMERIC, present_in_both
from monitoring.labels import IS_LATE
from monitoring.levels import group_rare_levels
from monitoring.windows import DRIFT_THRESHOLD

PROJECT = uuid.UUID("20130101-0000-4000-8000-000000000000")
INPUTS, ANSWERS = "inputs", "answers"
PROBABILITY, GAP = "probability", "calibration_gap"
FACTS = ("share_drifted", "missing_share", "quarantined_share", "label_coverage")
MEASURES = {
    "RowCount": "flights",
    "MissingValueCount": "missing_share",
    "ValueDrift": "drift",
    "MeanValue": "mean",
    "RocAuc": "roc_auc",
    "LogLoss": "log_loss",
    "Precision": "precision",
    "Recall": "recall",
}
"""Our names of what Evidently measures, so that a table written today is read when it calls them something else."""


@dataclass(frozen=True)
class WatchedWeek:
    """What a snapshot is made of: a week as it was known when it ended.

    `reference` and `current` have the features and the probability, `answers` the probability and label of the
    flights that had one. `facts` are single numbers of the week, by the names of `FACTS`.
    """

    week: str
    ended_at: datetime
    version: int
    reference: pl.DataFrame
    current: pl.DataFrame
    answers: pl.DataFrame
    facts: dict[str, float]


def prepare_workspace(folder: Path, groups: Mapping[str, Sequence[str]]) -> Path:
    """Make the workspace, its project and its dashboard as this code has them; snapshots that are there stay.

    `groups` are the features that share a panel, by the name of the group.
    """
    workspace = Workspace.create(str(folder))
    description = "Each week as it was known when it ended: its inputs against what the champion had learned from, "
    workspace.add_project(
        ProjectModel(id=PROJECT, name="Preflight 2013", description=f"{description}and its answers against the labels.")
    )
    workspace.save_dashboard(PROJECT, build_dashboard(groups))
    return folder


def has_week(folder: Path, week: str) -> bool:
    """Whether both snapshots of a week are in the workspace."""
    return all(_snapshot_file(folder, week, kind).exists() for kind in (INPUTS, ANSWERS))


def add_week(folder: Path, watched: WatchedWeek, categorical: tuple[str, ...]) -> pl.DataFrame:
    """Measure a week, add its snapshots; returns the numbers: `measure`, `subject` (a column, or empty) and `value`.

    Adding a week again replaces it.
    """
    plotly.io.templates.default = "none"  # copying the default theme into each figure is a fifth of the cost
    snapshots = {INPUTS: _measure_inputs(watched, categorical), ANSWERS: _measure_answers(watched)}
    for kind, snapshot in snapshots.items():
        document = json.dumps(snapshot.to_snapshot_model().dict(), cls=NumpyEncoder)
        write_atomically(_snapshot_file(folder, watched.week, kind), document.encode())
    return pl.concat([_numbers_of(snapshot) for snapshot in snapshots.values()])


def build_dashboard(groups: Mapping[str, Sequence[str]]) -> DashboardModel:
    """Every panel by tab, to be saved whole: `dashboard.add_panel` would list a panel twice in a tab it knows."""
    tabs = {
        "Drift": [
            _lines("Share of the features that drifted", _mean("share_drifted")),
            _lines("Distance of the probabilities", _drift(PROBABILITY)),
            *(_lines(f"Distance of the features: {group}", *map(_drift, names)) for group, names in groups.items()),
        ],
        "Quality": [
            _lines("ROC-AUC", _metric("RocAuc")),
            _lines("Log loss", _metric("LogLoss")),
            _lines("Of the flights called late, and of those that were", _metric("Precision"), _metric("Recall")),
        ],
        "Calibration": [
            _lines("Mean probability and share late", _mean(PROBABILITY), _mean(IS_LATE)),
            _lines("Mean probability less share late", _mean(GAP)),
        ],
        "Data": [
            _lines("Flights of the week", _metric("RowCount", INPUTS)),
            _lines("Share of the rows that were quarantined", _mean("quarantined_share")),
            _lines("Share of the values that are missing", _mean("missing_share")),
            _lines("Share of the flights with a label when the week ended", _mean("label_coverage")),
        ],
    }
    return DashboardModel(
        tabs=[
            DashboardTabModel(id=_id_of("tab", title), title=title, panels=[panel.id for panel in panels])
            for title, panels in tabs.items()
        ],
        panels=[panel for panels in tabs.values() for panel in panels],
    )


def _measure_inputs(watched: WatchedWeek, categorical: tuple[str, ...]) -> Snapshot:
    """Drift and missing values of features and probability, of the columns with a value in both windows.

    No means: Evidently draws a figure or two for every metric of a column, which is nearly all of the cost.
    """
    reference, current = group_rare_levels(watched.reference, watched.current, categorical)
    present = present_in_both(reference, current)
    definition = DataDefinition(
        numerical_columns=[name for name in present if name not in categorical],
        categorical_columns=[name for name in present if name in categorical],
    )
    metrics = [
        RowCount(),
        *(ValueDrift(column=name, method=_method(name, categorical), threshold=DRIFT_THRESHOLD) for name in present),
        *(MissingValueCount(column=name) for name in present if current[name].null_count()),
    ]
    return _run(metrics, watched, INPUTS, definition, current.select(present), reference.select(present))


def _measure_answers(watched: WatchedWeek) -> Snapshot:
    """Quality and calibration of the flights with a label, and the facts, as columns: it plots nothing else.

    The share of missing values is a fact too: Evidently's own is of rows, and above 1 where a row lacks several.
    """
    rows = watched.answers.select(
        PROBABILITY,
        pl.col(IS_LATE).cast(pl.Int8),
        (pl.col(PROBABILITY) - pl.col(IS_LATE).cast(pl.Int8)).alias(GAP),
        *(pl.lit(watched.facts[name], dtype=pl.Float64).alias(name) for name in FACTS),
    )
    definition = DataDefinition(
        numerical_columns=[PROBABILITY, GAP, *FACTS],
        classification=[BinaryClassification(target=IS_LATE, prediction_probas=PROBABILITY, pos_label=1)],
    )
    quality = [RocAuc(), LogLoss(), Precision(), Recall()]
    means = [MeanValue(column=name) for name in (PROBABILITY, IS_LATE, GAP, *FACTS)]
    return _run([*quality, *means], watched, ANSWERS, definition, rows, None)


def _run(
    metrics: list,
    watched: WatchedWeek,
    kind: str,
    definition: DataDefinition,
    current: pl.DataFrame,
    reference: pl.DataFrame | None,
) -> Snapshot:
    known = None if reference is None else Dataset.from_pandas(reference.to_pandas(), data_definition=definition)
    return Report(metrics).run(
        Dataset.from_pandas(current.to_pandas(), data_definition=definition),
        known,
        timestamp=watched.ended_at,
        metadata={"week": watched.week, "version": str(watched.version)},
        tags=[kind],
        name=f"{watched.week} {kind}",
    )


def _numbers_of(snapshot: Snapshot) -> pl.DataFrame:
    rows = [
        {"measure": MEASURES[config["type"].rsplit(":", 1)[1]], "subject": config.get("column", ""), "value": value}
        for config, value in ((metric["config"], _number(metric["value"])) for metric in snapshot.dict()["metrics"])
    ]
    return pl.DataFrame(rows, schema={"measure": pl.String, "subject": pl.String, "value": pl.Float64})


def _number(value: Any) -> float:
    """The one number of a metric: of a count with its share, the share."""
    return float(value["share"] if isinstance(value, dict) else value)


def _method(name: str, categorical: tuple[str, ...]) -> str:
    return (CATEGORICAL if name in categorical else NUMERIC).name


def _lines(title: str, *values: PanelMetric) -> DashboardPanelPlot:
    panel = line_plot_panel(title, list(values), size="half")
    return panel.copy(update={"id": _id_of("panel", title)})


def _mean(column: str) -> PanelMetric:
    return PanelMetric(legend=column, metric="MeanValue", metric_labels={"column": column}, tags=[ANSWERS])


def _drift(column: str) -> PanelMetric:
    return PanelMetric(legend=column, metric="ValueDrift", metric_labels={"column": column}, tags=[INPUTS])


def _metric(name: str, kind: str = ANSWERS) -> PanelMetric:
    return PanelMetric(legend=MEASURES[name], metric=name, tags=[kind])


def _snapshot_file(folder: Path, week: str, kind: str) -> Path:
    return folder / str(PROJECT) / "snapshots" / f"{_id_of(week, kind)}.json"


def _id_of(*names: str) -> uuid.UUID:
    return uuid.uuid5(PROJECT, "/".join(names))
