"""Answers from a verified bundle: probabilities and reasons, by ONNX Runtime and NumPy. The home of onnxruntime."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from infra.bundle import MODEL, REASONS, Bundle, ModelFileError, read_bundle, read_npy

ROWS_AT_ONCE = 256
"""So many rows' leaves are looked up together: a row's are 160 trees of 38 float64, 49 kB."""


@dataclass(frozen=True)
class Explanation:
    """Why rows have their scores, in log-odds before calibration: `bias` plus a row of `contributions` is `log_odds`.

    `log_odds` and `probability`, which is calibrated, are (n,), `contributions` is (n, n_features), above 0 speaks
    for late.
    """

    log_odds: np.ndarray
    bias: float
    contributions: np.ndarray
    probability: np.ndarray


class Scorer:
    """A bundle, ready to answer on one thread. Safe to call from several."""

    def __init__(self, bundle: Bundle, folder: Path) -> None:
        """`folder` is what errors name. Raises ModelFileError when the graph cannot be run as the manifest says."""
        self.manifest, self.sha256 = bundle.manifest, bundle.sha256
        self._session = _session(folder / MODEL, bundle.files[MODEL])
        _require_signature(folder / MODEL, self._session, self.manifest)
        self._reasons = None
        if REASONS in bundle.files:
            self._reasons = _require_width(folder / REASONS, bundle)

    def probability(self, features: np.ndarray) -> np.ndarray:
        """Calibrated probability of a late arrival, (n,), of float64 rows (n, n_features) in the manifest's order."""
        return self._session.run(["probability"], {"features": features})[0]

    def log_odds(self, features: np.ndarray) -> np.ndarray:
        """Log-odds before calibration, (n,), of rows as `probability` takes them."""
        return self._session.run(["log_odds"], {"features": features})[0]

    def explain(self, features: np.ndarray) -> Explanation:
        """What each feature adds to the log-odds of each row, and the probability, in one run."""
        probability, log_odds, found = self._session.run(None, {"features": features})
        contributions = found if self._reasons is None else self._summed(found)
        return Explanation(log_odds, self.manifest["bias"], contributions, probability)

    def _summed(self, leaf: np.ndarray) -> np.ndarray:
        if len(leaf) == 1:
            return np.add.reduce(self._reasons.take(leaf[0], axis=0), axis=0, keepdims=True)
        contributions = np.empty((len(leaf), self._reasons.shape[1]))
        for start in range(0, len(leaf), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            self._reasons[leaf[rows]].sum(axis=1, out=contributions[rows])
        return contributions


def load_bundle(folder: Path, expected_sha256: str) -> Scorer:
    """The scorer of the bundle in a folder. Raises ModelFileError naming the file when one is not as registered."""
    return Scorer(read_bundle(folder, expected_sha256), folder)


def _session(path: Path, content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # a refusal is told once, by us
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's errors have no public base class
        raise ModelFileError(f"{path} does not run ({str(error).splitlines()[0][:120]}); export it again") from error


def _require_signature(path: Path, session: onnxruntime.InferenceSession, manifest: dict) -> None:
    width = len(manifest["features"])
    parts = ("contribution", "tensor(double)") if manifest["kind"] == "linear" else ("leaf", "tensor(int64)")
    expected = (
        [("features", "tensor(double)", width)],
        [("probability", "tensor(double)"), ("log_odds", "tensor(double)"), parts],
    )
    found = (
        [(value.name, value.type, value.shape[-1]) for value in session.get_inputs()],
        [(value.name, value.type) for value in session.get_outputs()],
    )
    if found != expected:
        raise ModelFileError(f"{path} takes and gives {found}, the manifest needs {expected}; export it again")


def _require_width(path: Path, bundle: Bundle) -> np.ndarray:
    reasons, width = read_npy(path, bundle.files[REASONS]), len(bundle.manifest["features"])
    if reasons.ndim != 2 or reasons.shape[1] != width:
        raise ModelFileError(f"{path} has shape {reasons.shape}, expected a column for each of {width} features")
    return reasons
