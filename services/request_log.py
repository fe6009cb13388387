"""What the service was asked and what it answered with which features: the evidence that `prove skew` checks."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from data_checks import schema as s
from infra.lines import LineLog, read_lines
from pipelines.as_of import AS_OF
from pipelines.feature_catalog import NAMES
from services.messages import FlightRequest

FOLDER = "requests"


@dataclass(frozen=True)
class Logged:
    """One answered request: the flight as it was asked, its week, the version, the probability and the features."""

    request: FlightRequest
    flight_id: str
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
            features.select(s.FLIGHT_ID, as_text(AS_OF)).rows(),
            probability.tolist(),
            features.select(NAMES).rows(),
            strict=True,
        )
        self._log.append(
            {
                "flight_id": flight_id,
                "week": week,
                "version": version,
                "request": flight.model_dump(mode="json", exclude_none=True),
                "as_of": as_of,
                "probability": score,
                "features": dict(zip(NAMES, values, strict=True)),
            }
            for flight, (flight_id, as_of), score, values in rows
        )

    def close(self) -> None:
        """Let go of the file."""
        self._log.close()


def as_text(moment: str) -> pl.Expr:
    """A column of moments in ISO format, as the log has them."""
    return pl.col(moment).dt.to_string("iso:strict")


def read_requests(home: Path) -> Iterator[Logged]:
    """Every logged answer of a home folder."""
    for document in read_lines(home / FOLDER):
        yield Logged(**{**document, "request": FlightRequest(**document["request"])})
