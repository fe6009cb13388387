"""Monitoring one week with 28,000 answers on record: seconds by part, beside a week of the replay, and memory.

`python -m benchmarks.monitoring_week --home var`: a lived home is copied, its busiest week answered as if by a service
and monitored again, in a process that has paid its imports. The floor is reading the same tables.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import sqlalchemy as sa

from benchmarks.answered_week import answered
from infra.memory import PeakMemory
from infra.online_predictions import PREDICTIONS, open_predictions
from infra.settings import load_settings
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.exposing import REPLAY
from preflight import show
from preflight.session import prepare

ROWS = 28_000
NOT_COPIED = ("prefect", "gx", "cache", "staged", "landed", "prediction_log", "online_predictions.db*", "bentoml")
FLOOR, ONLINE = "floor: reading the tables", "online answers"
TABLES = ("predictions", "features", "yardsticks")


def main() -> int:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--home", type=Path, default=Path("var"), help="home folder in which the year was lived")
    options.add_argument("--rows", type=int, default=ROWS, help=f"answers on record ({ROWS})")
    chosen = options.parse_args()
    if not (chosen.home / REPLAY).exists():
        sys.stderr.write(f"{chosen.home} holds no year that was lived to its end; run: make demo\n")
        return 1
    with tempfile.TemporaryDirectory(prefix="preflight-monitoring-") as scratch:
        home = Path(scratch, "home")
        shutil.copytree(chosen.home, home, ignore=shutil.ignore_patterns(*NOT_COPIED))
        context = Context(load_settings(home=home)).as_lived()
        prepare(context.settings, verbose=False)
        week = busiest_week(context)
        with open_predictions(home, context.settings.predictions_url).begin() as connection:
            connection.execute(sa.insert(PREDICTIONS), list(answered(context, week, chosen.rows)))
        with PeakMemory() as memory:
            seconds = measure(context, week)
        report(context, week, chosen.rows, seconds, memory.peak_bytes)
    return 0


def busiest_week(context: Context) -> Week:
    """The scored week with the most flights."""
    flights = {event["week"]: event["flights"] for event in context.journal.events("score")}
    return Week.from_id(max(flights, key=flights.get))


def measure(context: Context, week: Week) -> dict[str, float]:
    """Seconds of each part the second time: the first pays imports, and reads files that were not read yet."""
    from pipelines.monitor_flow import measure_week_drift, measure_week_quality
    from pipelines.online_week import answers_of, read_online
    from pipelines.watching import watch

    tables = [context.store.read_table(name, week.id) for name in ("predictions", "features")]
    before = [event for event in context.journal.events("monitor") if event["week"] < week.id]

    parts: dict[str, Callable[[], object]] = {
        FLOOR: lambda: [context.store.read_table(name, week.id) for name in TABLES],
        "quality, with labels": lambda: measure_week_quality.fn(context, week),
        "drift, Evidently": lambda: measure_week_drift.fn(context, week),
        "bands and alarms": lambda: watch(context, week, *tables, before),
        ONLINE: lambda: list(read_online(context, week, answers_of(context, week))),
    }
    for part in parts.values():
        part()
    return {name: _seconds(part) for name, part in parts.items()}


def report(context: Context, week: Week, rows: int, seconds: dict[str, float], peak_bytes: int) -> None:
    """The table, the outcome last."""
    kept = context.store.read_json(REPLAY)
    replay = kept["seconds"] / kept["weeks"]
    heads = {"part": "left", "seconds": "right", "of a week of the replay": "right"}
    show.table(
        f"Monitoring the week of {week.id}, {rows:,} answers on record",
        heads,
        [(name, f"{spent:.2f}", f"{spent / replay:.1%}") for name, spent in seconds.items()],
    )
    total = sum(seconds.values()) - seconds[FLOOR]
    without = total - seconds[ONLINE]
    show.tell(
        f"{total:.1f} s, {without:.1f} s of them without online answers, which is {without / replay:.0%} of the "
        f"{replay:.1f} s that a week of the replay took; {total / seconds[FLOOR]:.0f} times the "
        f"floor; at most {peak_bytes / 2**20:,.0f} MB"
    )


def _seconds(part: Callable[[], object]) -> float:
    began = perf_counter()
    part()
    return perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
