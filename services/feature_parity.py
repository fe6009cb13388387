"""One definition, three ways: a flight's features alone, online, and in the batch of its week have the same bits."""

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl

from infra.arrays import pack_arrays, unpack_arrays
from pipelines.clock import Week
from pipelines.features import as_table, numeric_features
from pipelines.mismatch import Mismatch, find_mismatches
from pipelines.state import Flights, State
from services.messages import FlightRequest
from services.online import OnlineFeatures, as_features
from services.parity import as_message

ALONE, LOOKED_UP, COMPUTED = "alone", "looked up online", "computed online"
KEPT = "in the table that was scored"

Rules = Callable[[Flights, State], dict[str, np.ndarray]]


def compare_ways(
    schedule: pl.DataFrame,
    state: State,
    week: Week,
    rules: Rules = numeric_features,
    scored: pl.DataFrame | None = None,
) -> Iterator[tuple[str, Mismatch]]:
    """Every value of a week's flights that is another alone, online or as `scored` than in the batch of the week.

    Alone: the rules are asked about one flight after the other. Online: a flight's message is parsed and
    looked up, as the service does, in arrays that went through a file; and computed, as it does for a
    flight that is not in the plan.
    """
    flights, kept = Flights.of(schedule, state.keys), unpack_arrays(State, pack_arrays(state))
    batch = as_table(schedule, rules(flights, state))
    alone = [rules(flight, kept) for flight in flights.one_by_one()]
    messages = [FlightRequest(**as_message(row)) for row in schedule.iter_rows(named=True)]
    online = OnlineFeatures(kept, schedule, week)
    ways = {
        ALONE: as_table(schedule, {name: np.concatenate([row[name] for row in alone]) for name in alone[0]}),
        LOOKED_UP: as_features([online.rows([message]) for message in messages]),
        COMPUTED: online.computed(messages),
        **({} if scored is None else {KEPT: scored}),
    }
    for way, table in ways.items():
        yield from ((way, mismatch) for mismatch in find_mismatches(batch, table))
