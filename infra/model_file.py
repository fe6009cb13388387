"""A fitted model as a skops file, for people who want to look at it: which file it must be, which types it may hold.

The list of trusted types is ours and lies here: the one MLflow stores lies inside the model
it is meant to guard. What is served is not this file but the bundle beside it (infra/bundle.py).
"""

import hashlib
from pathlib import Path

import skops.io

from infra.bundle import ModelFileError

TRUSTED_TYPES = (
    "collections.OrderedDict",
    "functools.partial",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "numpy.dtype",
    "pipelines.averaging.AveragedForests",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils.validation.check_array",
)


def sha256_of(path: Path) -> str:
    """SHA-256 of a model file. Raises ModelFileError when it is missing."""
    if not path.exists():
        raise ModelFileError(f"{path} is missing; restore it, or train again")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def verify_model(path: Path, expected_sha256: str) -> Path:
    """`path`, if its content has the expected hash. Raises ModelFileError when it has another."""
    found = sha256_of(path)
    if found != expected_sha256:
        raise ModelFileError(
            f"{path} is not what was registered: SHA-256 {found[:12]}..., expected {expected_sha256[:12]}...; "
            "restore it, or train again"
        )
    return path


def load_model(path: Path) -> object:
    """The model in a file that was verified. Raises ModelFileError when it holds a type outside TRUSTED_TYPES."""
    unknown = sorted(set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED_TYPES))
    if unknown:
        raise ModelFileError(f"{path} holds types that are not trusted: {', '.join(unknown)}")
    return skops.io.load(path, trusted=list(TRUSTED_TYPES))
