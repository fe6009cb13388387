"""What we rely on in Evidently's workspace: a file a snapshot, read back whole, and panels that find their series."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from evidently.ui.workspace import Workspace

from infra.evidently_process import running_evidently
from infra.network import free_port
from monitoring.drift import measure_drift
from monitoring.labels import IS_LATE
from monitoring.quality import measure_quality
from monitoring.workspace import PROJECT, WatchedWeek, add_week, build_dashboard, has_week, prepare_workspace

RNG = np.random.default_rng(7)
CATEGORICAL = ("carrier",)
GROUPS = {"plan": ["carrier"], "weather": ["temperature_f"]}


def window(rows: int = 600, warmer_f: float = 0) -> pl.DataFrame:
    """Two features and a probability."""
    return pl.DataFrame(
        {
            "carrier": RNG.choice(["UA", "AA"], rows),
            "temperature_f": RNG.normal(50 + warmer_f, 10, rows),
            "probability": RNG.beta(2, 6, rows),
        }
    )


def watched(week: str = "2013-07-01") -> WatchedWeek:
    """A week that was ten degrees warmer, whose last hundred flights have no label."""
    current = window(warmer_f=10)
    late = RNG.random(current.height) < current["probability"].to_numpy()
    return WatchedWeek(
        week=week,
        ended_at=datetime(2013, 7, 8, 4, tzinfo=UTC),
        version=3,
        reference=window(),
        current=current,
        answers=current.select("probability", pl.Series(IS_LATE, late)).head(500),
        facts={"share_drifted": 0.5, "missing_share": 0.05, "quarantined_share": 0.25, "label_coverage": 0.83},
    )


@pytest.fixture(scope="module")
def week() -> WatchedWeek:
    """The week that all tests look at."""
    return watched()


@pytest.fixture(scope="module")
def folder(week: WatchedWeek, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that holds it; nobody writes to it."""
    made = prepare_workspace(tmp_path_factory.mktemp("workspace"), GROUPS)
    add_week(made, week, CATEGORICAL)
    return made


def test_a_week_that_is_added_twice_is_there_once(week, tmp_path):
    folder = prepare_workspace(tmp_path, GROUPS)
    before = has_week(folder, week.week)

    first, second = (add_week(folder, week, CATEGORICAL) for _ in range(2))

    assert first.equals(second)
    assert (before, has_week(folder, week.week)) == (False, True)
    assert len(Workspace.create(str(folder)).list_runs(PROJECT)) == 2


def test_a_snapshot_that_was_half_written_when_the_machine_went_is_not_there(week, folder, tmp_path, monkeypatch):
    def stopped(path: Path, content: bytes) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("monitoring.workspace.write_atomically", stopped)
    half = prepare_workspace(tmp_path, GROUPS)

    with pytest.raises(KeyboardInterrupt):
        add_week(half, week, CATEGORICAL)

    assert not has_week(half, week.week)
    assert list(tmp_path.rglob("snapshots/*")) == []


def test_evidently_reads_back_what_was_written_with_the_time_of_our_own_clock(folder):
    workspace = Workspace.create(str(folder))

    runs = [workspace.get_run(PROJECT, run) for run in workspace.list_runs(PROJECT)]

    assert sorted(run.name for run in runs) == ["2013-07-01 answers", "2013-07-01 inputs"]
    assert {run.timestamp for run in runs} == {datetime(2013, 7, 8, 4, tzinfo=UTC)}


def test_the_numbers_are_those_that_we_measure_ourselves(week, folder):
    numbers = add_week(folder, week, CATEGORICAL)
    quality = measure_quality(week.answers["probability"].to_numpy(), week.answers[IS_LATE].cast(pl.Int8).to_numpy())

    assert value(numbers, "drift", "temperature_f") == pytest.approx(
        measure_drift(week.reference, week.current, CATEGORICAL).distances["temperature_f"], abs=1e-9
    )
    assert value(numbers, "roc_auc") == pytest.approx(quality.roc_auc, abs=1e-9)
    assert value(numbers, "log_loss") == pytest.approx(quality.log_loss, abs=1e-9)
    assert value(numbers, "mean", "calibration_gap") == pytest.approx(quality.calibration_gap, abs=1e-9)
    assert value(numbers, "mean", "quarantined_share") == pytest.approx(0.25)
    assert value(numbers, "flights") == 600


def test_a_share_of_missing_values_is_a_share_of_one(week, tmp_path):
    holes = week.current.with_columns(
        pl.when(pl.int_range(pl.len()) < 150).then(None).otherwise(pl.col("temperature_f")).alias("temperature_f")
    )

    numbers = add_week(prepare_workspace(tmp_path, GROUPS), replace(week, current=holes), CATEGORICAL)

    assert value(numbers, "missing_share", "temperature_f") == pytest.approx(0.25)


def test_every_panel_is_on_one_tab_once():
    dashboard = build_dashboard(GROUPS)

    assert sorted(panel for tab in dashboard.tabs for panel in tab.panels) == sorted(
        panel.id for panel in dashboard.panels
    )


def test_every_line_of_every_panel_is_measured(folder):
    found = [metric for path in folder.rglob("snapshots/*.json") for metric in described(json.loads(path.read_text()))]

    for panel in build_dashboard(GROUPS).panels:
        for line in panel.values:
            assert any(
                name == line.metric and line.metric_labels.items() <= parameters.items() and set(line.tags) <= tags
                for name, parameters, tags in found
            ), f"{panel.title}: {line.metric} {line.metric_labels}"


def described(snapshot: dict) -> list[tuple[str, dict, set]]:
    """Type, parameters and tags of each metric of a snapshot."""
    locations = [result["metric_value_location"]["metric"]["params"] for result in snapshot["metric_results"].values()]
    return [(params["type"], params, set(snapshot["tags"])) for params in locations]


def test_evidently_serves_the_workspace_on_loopback(folder, tmp_path):
    import httpx

    (tmp_path / "evidently").symlink_to(folder)

    with running_evidently(tmp_path, free_port()) as server:
        projects = httpx.get(f"{server.address}/api/projects").json()

    assert [project["name"] for project in projects] == ["Preflight 2013"]


def value(numbers: pl.DataFrame, measure: str, subject: str = "") -> float:
    """The one number of a measure and its subject."""
    return numbers.filter(pl.col("measure") == measure, pl.col("subject") == subject)["value"].item()
