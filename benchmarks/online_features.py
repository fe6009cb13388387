"""What the features of one request cost: looked up, computed, and beside a data frame's own as-of join.

Run with `python -m benchmarks.online_features`. The floor is a dictionary that hands out a row made beforehand;
the peer is one as-of join of polars for one row, of which these features would take fifteen.
"""

import time
from collections.abc import Callable
from statistics import median

import polars as pl

from data_checks import schema as s
from data_checks.feeds import split_feeds
from infra.arrays import pack_arrays, unpack_arrays
from infra.source import open_source
from pipelines.clock import Week
from pipelines.features import numeric_features
from pipelines.state import Flights, State, World, prepare_state
from pipelines.time_travel import world_of_week
from preflight import show
from services.messages import FlightRequest
from services.online import OnlineFeatures
from services.parity import as_message

WEEK, HISTORY_WEEKS, ASKED, ROUNDS = Week.from_id("2013-07-01"), 8, 500, 7


def main() -> None:
    """Print microseconds per flight and their ratio to the floor, the median of several rounds each."""
    feeds = split_feeds(open_source(None, s.SOURCE_COLUMNS).tables(s.SOURCE_COLUMNS))
    year = World(**{name: feeds[name] for name in s.FEEDS}, planes=feeds["planes"])
    world = world_of_week(year, WEEK, HISTORY_WEEKS)
    schedule = world.schedule.filter(pl.col(s.SCHEDULED_DEPARTURE) >= WEEK.start)
    content = pack_arrays(prepare_state(world))
    state = unpack_arrays(State, content)
    online = OnlineFeatures(state, schedule, WEEK)
    requests = [FlightRequest(**as_message(row)) for row in schedule.head(ASKED).iter_rows(named=True)]
    flights = Flights.of(schedule.head(ASKED), state.keys)
    alone = list(flights.one_by_one())
    rows = dict(enumerate(online.of(requests).rows()))
    weather = world.weather.sort(s.KNOWN_AT)
    asked = [schedule[row].select(s.ORIGIN, s.SCHEDULED_DEPARTURE) for row in range(ASKED)]

    ways: dict[str, Callable[[], object]] = {
        "floor: a dictionary of rows": lambda: [rows[number] for number in range(ASKED)],
        "looked up, request to table": lambda: [online.of([request]) for request in requests],
        "computed, arrays to arrays": lambda: [numeric_features(flight, state) for flight in alone],
        "computed, request to table": lambda: [online.computed([request]) for request in requests],
        "computed in a batch": lambda: numeric_features(flights, state),
        "peer: one as-of join of polars": lambda: [_as_of_join(row, weather) for row in asked],
    }
    costs = {name: _microseconds(way) / ASKED for name, way in ways.items()}
    floor = costs["floor: a dictionary of rows"]
    table = [(name, f"{cost:.2f}", f"{cost / floor:.0f}") for name, cost in costs.items()]
    show.table("One flight's features", {"way": "left", "µs": "right", "times the floor": "right"}, table)
    show.tell(f"the arrays of {HISTORY_WEEKS} weeks are {len(content) / 1e6:.1f} MB")


def _as_of_join(row: pl.DataFrame, weather: pl.DataFrame) -> pl.DataFrame:
    return row.join_asof(
        weather, left_on=s.SCHEDULED_DEPARTURE, right_on=s.KNOWN_AT, by=s.ORIGIN, check_sortedness=False
    )


def _microseconds(way: Callable[[], object]) -> float:
    """Median time of a round, in microseconds; the first round warms up."""
    way()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        way()
        times.append(time.perf_counter() - start)
    return 1e6 * median(times)


if __name__ == "__main__":
    main()
