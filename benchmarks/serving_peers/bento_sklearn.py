"""The textbook BentoML service: a scikit-learn pipeline, a data frame in, an array out, every setting at its default.

`Batching` is the same with adaptive batching switched on.
"""

import os
from pathlib import Path

import bentoml
import joblib
import numpy as np
import pandas as pd


@bentoml.service
class Textbook:
    """Asked with a list of rows."""

    def __init__(self) -> None:
        self.model = joblib.load(Path(os.environ["BENCH_FOLDER"], "pipeline.joblib"))

    @bentoml.api
    def predict(self, flights: pd.DataFrame) -> np.ndarray:
        """The probability of each row."""
        return self.model.predict_proba(flights)[:, 1]


@bentoml.service
class Batching:
    """Rows of requests that come together are asked together."""

    def __init__(self) -> None:
        self.model = joblib.load(Path(os.environ["BENCH_FOLDER"], "pipeline.joblib"))

    @bentoml.api(batchable=True)
    def predict(
        self, flights: list[dict]
    ) -> np.ndarray:  # asked with a data frame, 1.4.39 takes its shape for a number
        """The probability of each row."""
        return self.model.predict_proba(pd.DataFrame(flights))[:, 1]
