"""Two hundred spoilt bundles, none of which loads; and a loader that looks away is found out."""

from pathlib import Path

import pytest

from infra.bundle import MODEL, ModelFileError
from infra.scorer import load_bundle
from pipelines.tampering import WAYS, Attempt, small_bundle, tally, try_tampering

BUNDLE, OTHER = small_bundle(1), small_bundle(2)


def test_no_spoilt_bundle_loads_and_each_refusal_begins_with_the_file(tmp_path):
    attempts = list(try_tampering(tmp_path, BUNDLE, OTHER, 200, seed=1))

    assert [attempt for attempt in attempts if not attempt.caught] == []
    assert len(attempts) == 200
    assert {(attempt.way, attempt.file) for attempt in attempts} == {(w, f) for w in WAYS for f in BUNDLE.files}


def test_the_bundle_is_whole_again_afterwards(tmp_path):
    list(try_tampering(tmp_path, BUNDLE, OTHER, 24, seed=1))

    assert load_bundle(tmp_path, BUNDLE.sha256).manifest["facts"] == {"seed": 1}


def trusting(folder: Path, sha256: str) -> None:
    """A loader that looks at nothing."""


def vague(folder: Path, sha256: str) -> None:
    """A loader that does not say which file."""
    raise ModelFileError(f"something in {folder} is wrong")


@pytest.mark.parametrize("load", [trusting, vague])
def test_a_loader_that_lets_through_or_names_nothing_is_found_out(tmp_path, load):
    attempts = list(try_tampering(tmp_path, BUNDLE, OTHER, 12, seed=1, load=load))

    assert [attempt.caught for attempt in attempts] == [False] * 12


def test_attempts_are_counted_by_way_and_file():
    attempts = [Attempt("cut off", MODEL, "said", True), Attempt("cut off", MODEL, None, False)]

    (row,) = tally(attempts)

    assert (row.tried, row.caught) == (2, 1)


def test_the_same_seed_makes_the_same_bundle_and_another_another():
    assert small_bundle(1).files == BUNDLE.files
    assert OTHER.sha256 != BUNDLE.sha256
