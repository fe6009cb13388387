"""The textbook BentoML service on ONNX Runtime: pydantic rows in, every setting at its default.

`Batching` is the same with adaptive batching switched on: does it pay where a call costs microseconds?
"""

import bentoml
import numpy as np

from benchmarks.serving_peers.onnx_model import Features, load_session, probability


@bentoml.service
class Textbook:
    """Asked with a list of rows."""

    def __init__(self) -> None:
        self.session = load_session()

    @bentoml.api
    def predict(self, flights: list[Features]) -> np.ndarray:
        """The probability of each row."""
        return probability(self.session, flights)


@bentoml.service
class Batching:
    """Rows of requests that come together are asked together."""

    def __init__(self) -> None:
        self.session = load_session()

    @bentoml.api(batchable=True)
    def predict(self, flights: list[Features]) -> np.ndarray:
        """The probability of each row."""
        return probability(self.session, flights)
