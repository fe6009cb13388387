"""What each group of features takes of a processor: its look-ups for the flights of one week, the fastest of some."""

from collections.abc import Callable
from functools import partial
from time import perf_counter

import polars as pl

from data_checks import schema as s
from pipelines.clock import Week
from pipelines.features import GROUPS
from pipelines.state import Flights, World, prepare_state
from pipelines.worth import groups


def time_groups(world: World, week: Week, repetitions: int) -> dict[str, float]:
    """Milliseconds that each group takes for a thousand flights of a week, by name."""
    rows, state = _flights_of(world, week), prepare_state(world)
    flights = Flights.of(rows, state.keys)
    return {
        group: 1e6 * _fastest(partial(GROUPS[group], flights, state), repetitions) / rows.height for group in groups()
    }


def time_state(world: World, week: Week, repetitions: int) -> float:
    """Milliseconds that the state which all groups share takes for a thousand flights of a week."""
    return 1e6 * _fastest(partial(prepare_state, world), repetitions) / _flights_of(world, week).height


def _flights_of(world: World, week: Week) -> pl.DataFrame:
    return world.schedule.filter(pl.col(s.SCHEDULED_DEPARTURE) >= week.start)


def _fastest(work: Callable[[], object], repetitions: int) -> float:
    """The seconds of the fastest of some repetitions: what the machine does beside it only adds."""
    seconds = []
    for _ in range(repetitions):
        began = perf_counter()
        work()
        seconds.append(perf_counter() - began)
    return min(seconds)
