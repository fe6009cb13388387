"""The artefact that is served: a folder of three files, none of which can run anybody's code, and how it is verified.

    model.onnx      the graph: probability, log-odds, and what reasons are made of
    reasons.npy     (n_leaves, n_features) float64: what each feature adds on the way to a leaf; of trees alone
    manifest.json   SHA-256 and size of the others, the features in order, calibration, threshold, facts

The SHA-256 of the manifest is the bundle's name: who knows it knows every byte. Files are read once and verified
in memory, and what was verified is what is used.
"""

import hashlib
import io
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from infra.errors import PreflightError
from infra.onnx_form import forbidden_in
from infra.storage import write_atomically

MODEL_NAME = "flight-lateness"
FORMAT = 1
MANIFEST, MODEL, REASONS = "manifest.json", "model.onnx", "reasons.npy"
FILES = {"forest": (MODEL, REASONS), "linear": (MODEL,)}
"""The files beside the manifest, by kind of model; any other is refused."""
LARGEST_BYTES = {MANIFEST: 2**20, MODEL: 2**26, REASONS: 2**28}
FORM = {
    "format": int,
    "kind": str,
    "files": dict,
    "features": list,
    "bias": float,
    "calibration": dict,
    "decision_threshold": float,
    "facts": dict,
}
"""What a manifest says, and of which type."""


class ModelFileError(PreflightError, ValueError):
    """A file of a model is missing, is not the one that was registered, or holds what is not allowed."""


@dataclass(frozen=True)
class Bundle:
    """The bytes of a bundle's files by name, as they were packed or verified."""

    files: dict[str, bytes]

    @property
    def sha256(self) -> str:
        """The bundle's name: SHA-256 of its manifest."""
        return _sha256(self.files[MANIFEST])

    @cached_property
    def manifest(self) -> dict:
        """What the manifest says."""
        return json.loads(self.files[MANIFEST])


def pack_bundle(
    kind: str,
    model: bytes,
    reasons: np.ndarray | None,
    *,
    features: tuple[str, ...],
    bias: float,
    calibration: dict,
    decision_threshold: float,
    facts: dict,
) -> Bundle:
    """A bundle of a graph and its reasons; the same arguments give the same bytes. `facts` is free, plain JSON."""
    files = {MODEL: model} | ({} if reasons is None else {REASONS: _npy(reasons)})
    manifest = {
        "format": FORMAT,
        "kind": kind,
        "files": {name: {"sha256": _sha256(content), "bytes": len(content)} for name, content in files.items()},
        "features": list(features),
        "bias": float(bias),
        "calibration": calibration,
        "decision_threshold": float(decision_threshold),
        "facts": facts,
    }
    text = json.dumps(manifest, sort_keys=True, indent=1, allow_nan=False) + "\n"
    return Bundle({**files, MANIFEST: text.encode()})


def write_bundle(folder: Path, bundle: Bundle) -> Path:
    """Write every file whole, the manifest last: a folder with a manifest is complete. Done again it repairs."""
    for name, content in bundle.files.items():
        write_atomically(folder / name, content)
    for leftover in folder.glob(".*.part"):  # of a writer that was killed
        leftover.unlink(missing_ok=True)
    return folder


def read_bundle(folder: Path, expected_sha256: str) -> Bundle:
    """The bundle in a folder, verified. Raises ModelFileError naming the file that is not as it has to be."""
    content = _read(folder / MANIFEST)
    _require_sha256(folder / MANIFEST, content, expected_sha256)
    manifest = _parsed(folder / MANIFEST, content)
    names = FILES[manifest["kind"]]
    _require_no_others(folder, {*names, MANIFEST})
    files = {name: _verified(folder / name, manifest["files"][name]) for name in names}
    forbidden = forbidden_in(files[MODEL])
    if forbidden:
        raise ModelFileError(f"{folder / MODEL} holds {forbidden}; export it again, or see infra/onnx_form.py")
    return Bundle({**files, MANIFEST: content})


def read_npy(path: Path, content: bytes) -> np.ndarray:
    """The array in the bytes of `path`, never by unpickling. Raises ModelFileError for anything but float64."""
    try:
        array = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, MemoryError, OverflowError) as error:
        raise ModelFileError(f"{path} is no plain array ({error}); export it again") from error
    if array.dtype != np.float64:
        raise ModelFileError(f"{path} holds {array.dtype}, expected float64; export it again")
    return array


def _read(path: Path) -> bytes:
    """The bytes of a file, read once. Raises ModelFileError when it is missing, no file, or too large."""
    try:
        if not path.is_file():
            raise ModelFileError(f"{path} is missing; restore it, or train again")
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES[path.name] + 1)
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror or error}; restore it") from error
    if len(content) > LARGEST_BYTES[path.name]:
        raise ModelFileError(f"{path} has over {LARGEST_BYTES[path.name]} bytes, the most allowed; train fewer trees")
    return content


def _verified(path: Path, promised: dict) -> bytes:
    content = _read(path)
    if len(content) != promised["bytes"]:
        raise ModelFileError(
            f"{path} is not what was registered: {len(content)} bytes, expected {promised['bytes']}; "
            "restore it, or train again"
        )
    _require_sha256(path, content, promised["sha256"])
    return content


def _require_sha256(path: Path, content: bytes, expected: str) -> None:
    found = _sha256(content)
    if found != expected:
        raise ModelFileError(
            f"{path} is not what was registered: SHA-256 {found[:12]}..., expected {expected[:12]}...; "
            "restore it, or train again"
        )


def _parsed(path: Path, content: bytes) -> dict:
    """The manifest, if it has the form of this version. Its hash was right, so this guards against other versions."""
    manifest = json.loads(content)
    form = {key: type(value) for key, value in manifest.items()} if isinstance(manifest, dict) else {}
    if form != FORM or manifest["format"] != FORMAT:
        raise ModelFileError(
            f"{path} has format {form and manifest.get('format')} with {sorted(form)}, expected {FORMAT} with "
            f"{sorted(FORM)}; export it again with this version"
        )
    kind, listed = manifest["kind"], manifest["files"]
    if set(listed) != set(FILES.get(kind, ())) or any(set(file) != {"sha256", "bytes"} for file in listed.values()):
        raise ModelFileError(
            f"{path} lists {sorted(listed)} for a model of kind {kind!r}, expected SHA-256 and bytes of one of "
            f"{FILES}; export it again with this version"
        )
    return manifest


def _require_no_others(folder: Path, allowed: set[str]) -> None:
    others = sorted(path.name for path in folder.iterdir() if path.name not in allowed)
    if others:
        raise ModelFileError(f"{folder / others[0]} does not belong to a bundle of {sorted(allowed)}; remove it")


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array, dtype=np.float64), allow_pickle=False)
    return buffer.getvalue()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
