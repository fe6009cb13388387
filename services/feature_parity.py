"""One definition, three ways: a flight's features alone, online, and in the batch of its week have the same bits."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from data_checks import schema as s
from infra.arrays import pack_arrays, unpack_arrays
from pipelines.clock import Week
from pipelines.feature_catalog import NUMERIC
from pipelines.features import numeric_features
from pipelines.state import Flights, State
from services.messages import FlightRequest
from services.online import OnlineFeatures
from services.parity import as_message

Rules = Callable[[Flights, State], dict[str, np.ndarray]]


@dataclass(frozen=True)
class Disagreement:
    """A value that one way gives and the batch does not."""

    way: str
    flight_id: str
    feature: str
    value: float | None
    in_batch: float | None

    def sentence(self) -> str:
        """The difference in words."""
        return f"{self.feature} of {self.flight_id} is {self.value} {self.way} and {self.in_batch} in its batch"


def compare_ways(
    schedule: pl.DataFrame, state: State, week: Week, rules: Rules = numeric_features
) -> list[Disagreement]:
    """Every number of a week's flights that is another alone, or online, than in the batch of the week.

    Alone: the flight is asked on its own. Online: its message is parsed and looked up, as the service
    does, in arrays that went through a file, and computed, as it does for a flight that is not planned.
    """
    flights, kept = Flights.of(schedule, state.keys), unpack_arrays(State, pack_arrays(state))
    messages = [FlightRequest(**as_message(row)) for row in schedule.iter_rows(named=True)]
    online = OnlineFeatures(kept, schedule, week)
    batch = _rows(rules(flights, state))
    ways = {
        "alone": (_rows(rules(flight, kept))[0] for flight in flights.one_by_one()),
        "looked up online": (online.of([message]).select(NUMERIC).row(0) for message in messages),
        "computed online": iter(online.computed(messages).select(NUMERIC).rows()),
    }
    names = schedule[s.FLIGHT_ID].to_list()
    return [found for way, rows in ways.items() for found in _disagreements(way, names, rows, batch)]


def _rows(values: dict[str, np.ndarray]) -> list[tuple]:
    rows = zip(*(values[name].tolist() for name in NUMERIC), strict=True)
    return [tuple(None if value != value else value for value in row) for row in rows]  # NaN differs from itself


def _disagreements(way: str, names: list[str], rows: Iterator[tuple], batch: list[tuple]) -> Iterator[Disagreement]:
    for name, row, together in zip(names, rows, batch, strict=True):
        if row != together:
            for feature, value, expected in zip(NUMERIC, row, together, strict=True):
                if value != expected:
                    yield Disagreement(way, name, feature, value, expected)
