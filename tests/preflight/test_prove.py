"""What a user sees of a proof: what was compared, or the sentence of what breaks it; and of the worth of features."""

import json
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from data_checks import schema as s
from infra.bundle import read_bundle
from infra.settings import Settings
from infra.storage import Store
from pipelines.backfill import FEATURES, try_ways
from pipelines.clock import Week
from pipelines.state import World
from pipelines.tampering import small_bundle, try_tampering
from pipelines.time_travel import build_together, travel
from services.model import export_model


def leaking(flights: pl.DataFrame, world: World) -> pl.DataFrame:
    left = world.outcomes.filter(pl.col(s.EVENT) == s.DEPARTED)
    known = flights.join(left, on=s.FLIGHT_ID, how="left", maintain_order="left")
    return build_together(flights, world).with_columns(known[s.DELAY].cast(pl.Float64).alias(s.SEATS))


def counting_what_is_there(settings: Settings, folder: Path, week: Week) -> None:
    others = len(Store(folder).files(FEATURES, "*.parquet"))
    Store(folder).write_table(FEATURES, week.id, pl.DataFrame({s.FLIGHT_ID: [week.id], "others": [others]}))


def test_no_leak_says_how_much_was_compared_and_writes_nothing(run_here, tmp_path):
    home = tmp_path / "home"

    ended = run_here(home, "prove", "no-leak", "--moments", "3", "--json")

    said = json.loads(ended.stdout)
    assert ended.returncode == 0, ended.stderr
    assert said["outcome"].startswith("no leak: 3 moments, ")
    assert "0 values changed, on rows of the source" in said["outcome"]
    assert [world["later"] for world in said["worlds"]] == ["deleted", "scrambled"] * 3
    assert not home.exists()


def test_another_seed_goes_back_to_other_moments(run_here, tmp_path):
    first, second = (
        json.loads(run_here(tmp_path, "prove", "no-leak", "--moments", "1", "--seed", seed, "--json").stdout)
        for seed in ("1", "2")
    )

    assert first["worlds"][0]["as_of"] != second["worlds"][0]["as_of"]


def test_accepted_rows_are_proved_where_every_week_was_validated(run_here, lived):
    ended = run_here(lived.settings.home, "prove", "no-leak", "--moments", "2")

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1].endswith("on accepted rows")


def test_a_leak_ends_with_1_and_names_flight_feature_and_both_values(run_here, tmp_path, monkeypatch):
    monkeypatch.setattr("preflight.prove.travel", partial(travel, build=leaking))

    ended = run_here(tmp_path, "prove", "no-leak", "--moments", "3")

    (sentence,) = ended.stderr.strip().splitlines()
    assert ended.returncode == 1
    assert sentence.startswith("preflight: features look ahead: seats of flight 2013-")
    assert "and None when every row known after 2013-" in sentence


def test_backfill_gives_one_hash_and_removes_its_scratch_files(run_here, tmp_path, monkeypatch):
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))

    ended = run_here(home, "prove", "backfill", "--json")

    said = json.loads(ended.stdout)
    assert ended.returncode == 0, ended.stderr
    assert set(said["table_sha256"]) == {"forward", "shuffled", "parallel", "killed"}
    assert len(set(said["table_sha256"].values())) == 1
    assert list(scratch.iterdir()) == []
    assert not home.exists()


def test_weeks_that_depend_on_each_other_end_with_1_and_name_both_values(run_here, tmp_path, monkeypatch):
    monkeypatch.setattr("preflight.prove.try_ways", partial(try_ways, build=counting_what_is_there))

    ended = run_here(tmp_path, "prove", "backfill")

    (sentence,) = ended.stderr.strip().splitlines()
    assert ended.returncode == 1
    assert sentence.startswith("preflight: weeks built shuffled differ from those built forward: others of flight 201")
    assert "expected " in sentence


@pytest.mark.parametrize("arguments", [(), ("2013-02", "--worth")])
def test_features_are_of_a_period_or_weighed(run_here, tmp_path, arguments):
    assert run_here(tmp_path, "features", *arguments).returncode == 2


def test_the_worth_of_every_group_is_printed_and_written_as_a_page(run_here, lived, tmp_path):
    page = tmp_path / "docs" / "feature-worth.md"

    ended = run_here(lived.settings.home, "features", "--worth", "--trees", "3", "--write", str(page), "--json")

    said, written = json.loads(ended.stdout), page.read_text()
    assert ended.returncode == 0, ended.stderr
    assert list(said["months"]) == ["2013-03"]
    assert said["outcome"] in written
    assert "BELOW the 0.747 needed" in said["outcome"]
    for group, worth in said["groups"].items():
        assert worth["verdict"] in ("keep", "no evidence", "harmful")
        assert worth["ms_per_1000_flights"] > 0
        assert worth["megabytes"] > 0
        assert f"| {group} | {worth['features']} | " in written


def test_weeks_built_side_by_side_are_those_of_a_life(run_flow, lived_copy):
    store = lived_copy.context.store
    before = store.read_weeks(FEATURES, ["2013-01-07", "2013-01-14", "2013-01-21"])
    for week in ("2013-01-07", "2013-01-14", "2013-01-21"):
        store.path(FEATURES, f"{week}.parquet").unlink()

    ended = run_flow(lived_copy.settings.home, "features", "2013-01", "--workers", "2")

    assert ended.returncode == 0, ended.stderr
    assert store.read_weeks(FEATURES, ["2013-01-07", "2013-01-14", "2013-01-21"]).equals(before)


def test_spoilt_artefacts_are_counted_by_way_and_file_and_nothing_is_written(run_here, tmp_path):
    home = tmp_path / "home"

    ended = run_here(home, "prove", "artefacts", "--tries", "24", "--json")

    said = json.loads(ended.stdout)
    assert ended.returncode == 0, ended.stderr
    assert said["outcome"] == (
        "artefacts: 24 spoilt copies of a small bundle made for it, 0 loaded, each refusal names the file"
    )
    assert [row["caught"] for row in said["counts"]] == [2] * 12
    assert not home.exists()


def test_an_exported_model_is_the_one_that_is_spoilt_and_stays_as_it_was(run_here, tmp_path):
    served = export_model(Store(tmp_path), small_bundle(5), 7, "2013-03-04")

    ended = run_here(tmp_path, "prove", "artefacts", "--tries", "12")

    assert ended.returncode == 0, ended.stderr
    assert "12 spoilt copies of the exported version 7, 0 loaded" in ended.stdout
    assert read_bundle(tmp_path / served.folder, served.sha256) == small_bundle(5)


def test_a_spoilt_artefact_that_loads_ends_with_1_and_says_which(run_here, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "preflight.prove_artefacts.try_tampering", partial(try_tampering, load=lambda folder, sha256: None)
    )

    ended = run_here(tmp_path, "prove", "artefacts", "--tries", "12")

    assert ended.returncode == 1
    assert "12 of 12 spoilt bundles were not refused by name, the first is model.onnx, one bit flipped: it loaded" in (
        ended.stderr
    )
