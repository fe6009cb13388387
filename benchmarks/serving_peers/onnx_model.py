"""What the peers on ONNX Runtime share: the champion's graph on one thread, and the row it is asked with."""

import json
import os
from pathlib import Path

import numpy as np
import onnxruntime
from pydantic import BaseModel, create_model

FOLDER = Path(os.environ["BENCH_FOLDER"])
NAMES = json.loads((FOLDER / "bundle" / "manifest.json").read_text())["features"]
CODES = json.loads((FOLDER / "codes.json").read_text())

Features = create_model("Features", **{name: ((str if name in CODES else float) | None, None) for name in NAMES})
"""The features of one flight by name; those that are not known are null."""


def load_session() -> onnxruntime.InferenceSession:
    """The graph, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(FOLDER / "bundle" / "model.onnx", options, providers=["CPUExecutionProvider"])


def probability(session: onnxruntime.InferenceSession, flights: list[BaseModel]) -> np.ndarray:
    """The probability of each flight, (n,)."""
    rows = [[CODES[name].get(value) if name in CODES else value for name, value in flight] for flight in flights]
    return session.run(["probability"], {"features": np.array(rows, dtype=np.float64)})[0]
