"""Which model file it must be, and which types it may hold."""

import hashlib

import numpy as np
import pytest
import skops.io
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier

from infra.model_file import ModelFileError, load_model, sha256_of, verify_model


class Stranger(BaseEstimator):
    """A type that nobody has looked at."""


def trees() -> HistGradientBoostingClassifier:
    """A small model of the kind we train."""
    return HistGradientBoostingClassifier(max_iter=2, random_state=1).fit(np.arange(80).reshape(-1, 1), [0, 1] * 40)


def saved(tmp_path, model: object):
    path = tmp_path / "model.skops"
    skops.io.dump(model, path)
    return path


def test_a_model_of_our_kind_answers_as_before_it_was_saved(tmp_path):
    asked = np.arange(10).reshape(-1, 1)

    loaded = load_model(saved(tmp_path, trees()))

    assert np.array_equal(loaded.predict_proba(asked), trees().predict_proba(asked))


def test_a_model_with_a_type_that_is_not_trusted_is_refused_by_its_name(tmp_path):
    with pytest.raises(ModelFileError, match=r"holds types that are not trusted: .*Stranger"):
        load_model(saved(tmp_path, Stranger()))


def test_a_file_with_the_registered_hash_is_the_model(tmp_path):
    path = saved(tmp_path, trees())

    assert verify_model(path, hashlib.sha256(path.read_bytes()).hexdigest()) == path


def test_a_file_that_was_changed_by_one_byte_is_refused_with_both_hashes(tmp_path):
    path = saved(tmp_path, trees())
    registered = sha256_of(path)
    path.write_bytes(path.read_bytes()[:-1] + b"!")

    with pytest.raises(ModelFileError, match=f"SHA-256 {sha256_of(path)[:12]}..., expected {registered[:12]}..."):
        verify_model(path, registered)


@pytest.mark.parametrize("look", [sha256_of, lambda path: verify_model(path, "0" * 64)], ids=["hash", "verify"])
def test_a_model_file_that_is_missing_says_so(tmp_path, look):
    with pytest.raises(ModelFileError, match=r"model.skops is missing; restore it, or train again"):
        look(tmp_path / "model.skops")
