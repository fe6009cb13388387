"""A version made again has the same bits, and where it has not, the cause is named."""

import json
from collections.abc import Callable
from dataclasses import replace

import polars as pl
import pytest

from data_checks import schema as s
from infra.errors import PreflightError
from pipelines.causes import NOTHING_DIFFERS, Manifests, explain_difference, rank_differences
from pipelines.context import Context
from pipelines.rebuild import CannotRebuild, Registered, rebuild, registered

CANDIDATE, REFIT = 1, 2
LEARNED_WEEK, SCORED_WEEK = "2013-01-07", "2013-02-11"


@pytest.mark.parametrize(("version", "kind"), [(CANDIDATE, "candidate"), (REFIT, "refit")])
def test_a_version_made_again_has_the_same_predictions_and_bytes(lived, version, kind):
    made = rebuild(lived.context, registered(lived.context, version))

    assert (made.kind, made.is_identical, made.causes) == (kind, True, ())


def test_the_calibration_of_a_candidate_is_made_again_and_not_taken_from_the_record(lived):
    wanted = registered(lived.context, CANDIDATE)
    other = {**wanted.lineage["calibration"], "kind": "affine", "slope": 2.0}

    made = rebuild(lived.context, with_lineage(wanted, calibration=other))

    assert made.is_identical


def test_a_refit_takes_the_calibration_of_its_candidate(lived):
    wanted = registered(lived.context, REFIT)
    other = {**wanted.candidate["calibration"], "kind": "affine", "slope": 2.0}

    made = rebuild(lived.context, replace(wanted, candidate={**wanted.candidate, "calibration": other}))

    assert not made.same_predictions
    assert "calibration.slope was 1.0, is 2.0" in made.causes


def test_one_label_that_changed_is_named_by_its_table_and_week(lived_copy):
    context = lived_copy.context
    change_table(context, "accepted/outcomes", LEARNED_WEEK, one_flight_is_late_the_other_way_round)

    made = rebuild(context, registered(context, CANDIDATE))

    assert not made.is_identical
    assert made.causes[0] == f"accepted/outcomes of week {LEARNED_WEEK} changed since the week was validated"
    assert made.causes[1].startswith("data.training was ")


@pytest.mark.parametrize(("version", "week"), [(CANDIDATE, LEARNED_WEEK), (4, SCORED_WEEK)])
def test_one_feature_that_changed_is_named_by_its_week(lived_copy, version, week):
    context = lived_copy.context
    change_table(context, "features", week, lambda rows: rows.with_columns(pl.col("distance_miles") + 1))

    made = rebuild(context, registered(context, version))

    assert made.causes[0] == f"features of week {week} changed since they were built"


@pytest.mark.parametrize("version", [CANDIDATE, REFIT])
def test_another_seed_in_the_lineage_is_named(lived, version):
    wanted = registered(lived.context, version)
    parameters = {**wanted.lineage["parameters"], "seed": 7}

    made = rebuild(lived.context, with_lineage(wanted, parameters=parameters))

    assert not made.same_predictions
    assert made.causes[0] == "parameters.seed was 2013, is 7 in the lineage"


def test_another_definition_of_the_features_is_named(lived, monkeypatch):
    for module in ("registering", "lineage"):
        monkeypatch.setattr(f"pipelines.{module}.features_sha256", lambda: "f" * 64)

    made = rebuild(lived.context, registered(lived.context, CANDIDATE))

    assert (made.same_predictions, made.is_identical) == (True, False)
    assert [cause.partition(" ")[0] for cause in made.causes] == ["features_sha256"]


def test_another_cost_of_a_mistake_is_named(lived_copy):
    context = lived_copy.context
    history = context.store.read_json("history.json")
    context.store.write_json("history.json", {**history, "cost_missed_late": 4.0})

    made = rebuild(context, registered(context, CANDIDATE))

    assert made.causes == ("decision_threshold was 0.25, is 0.2",)


def test_another_library_is_named(lived):
    then, now = manifest(libraries={"numpy": "2.4.6"}), manifest(libraries={"numpy": "2.5.0"})

    assert causes(lived.context, then, now) == ("libraries.numpy was 2.4.6, is 2.5.0",)


def test_where_nothing_recorded_differs_that_is_said(lived):
    assert causes(lived.context, manifest(), manifest()) == (NOTHING_DIFFERS,)


@pytest.mark.parametrize(("threads", "is_named"), [(2, False), (3, True)])
def test_more_than_two_threads_are_a_cause_of_their_own(lived, threads, is_named):
    both = manifest(parameters={"seed": 1, "threads": threads})

    assert (causes(lived.context, both, both) != (NOTHING_DIFFERS,)) == is_named


def test_causes_are_named_the_likeliest_first():
    then = manifest()
    now = manifest(
        calibration={"slope": 2.0},
        protocol_sha256="other",
        libraries={"numpy": "2"},
        code={"sources_sha256": "b", "git_revision": "2", "is_dirty": True},
        features_sha256="other",
        parameters={"seed": 2, "threads": 2},
        data={"training": "other"},
    )

    ways = [sentence.partition(" ")[0] for sentence in ranked(then, now)]

    assert ways == [
        *("data.training", "parameters.seed", "features_sha256", "protocol_sha256", "code.git_revision"),
        *("code.is_dirty", "code.sources_sha256", "libraries.numpy", "calibration.slope"),
    ]


def test_another_revision_is_no_cause_where_the_sources_do_the_same():
    moved = manifest(code={"sources_sha256": "a", "git_revision": "2", "is_dirty": True})

    assert ranked(manifest(), moved) == []


def test_parameters_that_this_code_does_not_have_are_refused_with_the_revision_that_has_them(lived):
    wanted = registered(lived.context, CANDIDATE)
    strange = with_lineage(wanted, parameters={**wanted.lineage["parameters"], "depth": 3})

    with pytest.raises(CannotRebuild, match="depth, which this code does not have; check out revision "):
        rebuild(lived.context, strange)


def test_features_that_are_gone_are_not_built_into_the_home(lived_copy):
    context = lived_copy.context
    table = context.store.path("features", f"{LEARNED_WEEK}.parquet")
    table.unlink()

    with pytest.raises(PreflightError, match=f"preflight features {LEARNED_WEEK}"):
        rebuild(context, registered(context, CANDIDATE))

    assert not table.exists()


def test_the_command_needs_no_settings_of_that_life_and_writes_nothing(lived_copy, run_here):
    home = lived_copy.settings.home
    before = files_of(home)

    ended = run_here(home, "rebuild", str(REFIT), "--json", trees=20, gate_days=10)

    assert ended.returncode == 0, ended.stderr
    (made,) = json.loads(ended.stdout)["rebuilds"]
    assert (made["version"], made["is_identical"]) == (REFIT, True)
    assert files_of(home) == before


def test_the_command_ends_with_1_and_the_likeliest_cause_where_a_version_differs(lived_copy, run_here):
    change_table(lived_copy.context, "accepted/outcomes", LEARNED_WEEK, one_flight_is_late_the_other_way_round)

    ended = run_here(lived_copy.settings.home, "rebuild", "--random", "1", "--seed", "3")

    assert ended.returncode == 1
    assert ended.stdout.splitlines()[-1].endswith(
        f"accepted/outcomes of week {LEARNED_WEEK} changed since the week was validated"
    )


@pytest.mark.parametrize("arguments", [(), ("1", "--random", "2"), ("0",), ("--random", "0")])
def test_the_command_is_told_one_version_or_a_number_of_them(run_here, tmp_path, arguments):
    assert run_here(tmp_path, "rebuild", *arguments).returncode == 2


def with_lineage(version: Registered, **changed: object) -> Registered:
    """The version with other facts in its lineage."""
    return replace(version, lineage={**version.lineage, **changed})


def manifest(**changed: object) -> dict:
    """A lineage of few facts."""
    usual = {
        "data": {"training": "rows"},
        "parameters": {"seed": 1, "threads": 2},
        "features_sha256": "features",
        "code": {"sources_sha256": "a", "git_revision": "1", "is_dirty": False},
        "libraries": {"numpy": "1"},
        "protocol": {"version": 1},
        "protocol_sha256": "protocol",
        "calibration": {"slope": 1.0},
    }
    return {**usual, **changed}


def ranked(then: dict, now: dict) -> list[str]:
    return rank_differences(Manifests(then, now, logged={}))


def causes(context: Context, then: dict, now: dict) -> tuple[str, ...]:
    return explain_difference(context, Manifests(then, now, logged={}))


def change_table(context: Context, dataset: str, week: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    context.store.write_table(dataset, week, change(context.store.read_table(dataset, week)))


def one_flight_is_late_the_other_way_round(outcomes: pl.DataFrame) -> pl.DataFrame:
    """The outcomes with one arrival on the other side of 15 minutes."""
    first = outcomes.filter(pl.col(s.EVENT) == s.ARRIVED)[s.FLIGHT_ID][0]
    is_it = (pl.col(s.FLIGHT_ID) == first) & (pl.col(s.EVENT) == s.ARRIVED)
    other = pl.when(pl.col(s.DELAY) >= s.LATE_MIN).then(0).otherwise(60).cast(outcomes.schema[s.DELAY])
    return outcomes.with_columns(pl.when(is_it).then(other).otherwise(pl.col(s.DELAY)).alias(s.DELAY))


def files_of(home: object) -> dict:
    """Size and time of every file but the one that says the registry is whole, and logs."""
    return {
        path.relative_to(home).as_posix(): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in home.rglob("*")
        if path.is_file() and path.name != "migrated"
    }
