"""The source is broken for a week: the week is blocked, the files are corrected, and life goes on as if nothing was."""

import json
from pathlib import Path

import polars as pl
from conftest import SHORT_YEAR

from data_checks import schema as s
from infra.settings import load_settings
from infra.source import package_folder
from pipelines.clock import Week
from pipelines.context import Context

BLOCKED = Week.from_id("2013-01-14")
UNTIL = "2013-02-04"


def source_that_lost_flights(folder: Path, tables: dict[str, pl.DataFrame]) -> Path:
    """The source files, with one flight in four left of five days of the blocked week."""
    folder.mkdir()
    for path in package_folder().glob("*.csv*"):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "flights.csv.zip").unlink()
    flights = tables["flights"].with_row_index("row")
    lost = (pl.col("month") == 1) & pl.col("day").is_between(14, 18) & (pl.col("row") % 4 > 0)
    flights.filter(~lost).drop("row").write_csv(folder / "flights.csv", null_value="NA")
    return folder


def test_a_blocked_week_stops_everything_until_its_batches_are_corrected(
    lived, feeds, source_tables, run_flow, run_here, tmp_path
):
    home, source = tmp_path / "home", source_that_lost_flights(tmp_path / "source", source_tables)

    stopped = run_flow(home, "replay", "--until", UNTIL, source=source)

    assert (stopped.returncode, stopped.stdout) == (1, "")
    assert "week 2013-01-14: schedule stays out, it broke: rows_per_day between 500 and 1200 rows" in stopped.stderr
    context = Context(load_settings(home=home, **SHORT_YEAR))
    assert [event["stage"] for event in context.journal.events() if event["week"] >= BLOCKED.id] == ["land"]
    for table in ("accepted/schedule", "accepted/outcomes", "quarantined/schedule", "features", "predictions"):
        assert not context.store.has_table(table, BLOCKED.id)
    assert not (home / "mlflow").exists() or context.registry.aliases() == {}
    listed = json.loads(run_here(home, "deliveries", "--json", source=source).stdout)["deliveries"]
    blocked = {entry["feed"]: entry["batch"] for entry in listed if entry["fate"]["blocked"]}
    assert set(blocked) == {"schedule", "outcomes"}
    assert "; blocked: week 2013-01-14" in run_here(home, "quarantine", "list", source=source).stdout

    for name, batch in blocked.items():
        moment = s.FEEDS[name].week_of
        rows = feeds[name].filter(pl.col(moment) >= BLOCKED.start, pl.col(moment) < BLOCKED.end)
        rows.write_parquet(tmp_path / f"{name}.parquet")
        landed = run_flow(home, "deliver", name, str(tmp_path / f"{name}.parquet"), "--corrects", batch, source=source)
        assert landed.returncode == 0, landed.stderr
    ended = run_flow(home, "replay", "--until", UNTIL, source=source)

    assert ended.returncode == 0, ended.stderr
    for stage in ("train", "gate", "score"):
        (ours,) = context.journal.events(stage)
        assert ours == lived.context.journal.events(stage)[0]
    event = context.journal.read(BLOCKED.id, "validate")["feeds"]["schedule"]
    assert event["landed"] == event["accepted"] + event["quarantined"]
    assert list(event["rules_broken"]) == [
        f"superseded by {name}" for name in event["batches"] if name != blocked["schedule"]
    ]
