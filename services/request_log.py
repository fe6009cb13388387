"""What the service was asked and what it answered with which features: the evidence that `prove skew` checks."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from infra.lines import LineLog, read_lines
from pipelines.as_of import AS_OF
from pipelines.feature_catalog import NAMES
from services.messages import FlightRequest

FOLDER = "requests"


@dataclass(frozen=True)
class Logged:
    """One answered request: the flight as it was asked, its week, the version, the probability and the features."""

    request: FlightRequest
    week: str
    as_of: str
    version: int
    probability: float
    features: dict[str, object]


class RequestLog:
    """Writes what one process answered under a home folder."""

    def __init__(self, home: Path) -> None:
        self._log = LineLog(home / FOLDER, str(os.getpid()))

    def write(
        self, flights: list[FlightRequest], features: pl.DataFrame, probability: np.ndarray, week: str, version: int
    ) -> None:
        """Log answers before they are given; `features` and `probability` have a row per flight, in order."""
        rows = zip(
            flights,
            features[AS_OF].dt.to_string("iso:strict").to_list(),
            probability.tolist(),
            features.select(NAMES).rows(),
            strict=True,
        )
        self._log.append(
            {
                "week": week,
                "version": version,
                "request": flight.model_dump(mode="json", exclude_none=True),
                "as_of": as_of,
                "probability": score,
                "features": dict(zip(NAMES, values, strict=True)),
            }
            for flight, as_of, score, values in rows
        )

    def close(self) -> None:
        """Let go of the file."""
        self._log.close()


def read_requests(home: Path) -> Iterator[Logged]:
    """Every logged answer of a home folder."""
    for document in read_lines(home / FOLDER):
        yield Logged(**{**document, "request": FlightRequest(**document["request"])})
