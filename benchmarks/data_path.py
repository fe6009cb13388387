"""How long the data path takes and how much memory: `python -m benchmarks.data_path`, or `make bench`.

The year is landed, validated (Great Expectations included) and built into features, week by week, by the tasks
of our own flows, in a scratch home; beside it the same work in pandas; then ours on ten times the
rows. Each leg is a process of its own, so that its peak memory is its own. Nothing is kept.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from time import perf_counter, process_time

LEGS = OURS, BARE, PANDAS, COMPARE, SOURCES, REPEATED = "ours", "bare", "pandas", "compare", "sources", "repeated"
MOST_SECONDS_PER_ROW, MOST_GIB = 1.1, 6  # ten times the rows in at most eleven times the time
READ, CHECK, FEATURES = "read and land", "validate", "features"


class Leg:
    """Seconds by part of the work, on the clock and of the processor, and rows."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.cpu_seconds: dict[str, float] = defaultdict(float)
        self.facts: dict[str, object] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the time of the block for `name`."""
        began, cpu_began = perf_counter(), process_time()
        yield
        self.seconds[name] += perf_counter() - began
        self.cpu_seconds[name] += process_time() - cpu_began

    def document(self) -> dict:
        """What was measured. Linux counts the peak in kilobytes, macOS in bytes."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        spent = {"seconds": dict(self.seconds), "cpu_seconds": dict(self.cpu_seconds)}
        return {**spent, "peak_gib": peak / 2**30, **self.facts}


def live(leg: Leg, home: Path, weeks: int | None = None) -> None:
    """The year of the installed package through our own tasks, or its first `weeks`."""
    from infra.settings import load_settings

    _live_weeks(leg, [(load_settings(home=home), date.min, date.max)], weeks)


def write_repeated(leg: Leg, folder: Path, times: int) -> None:
    """The source folders of the year so many times over."""
    from benchmarks.repeated_year import last_day, write_sources
    from data_checks import schema as s
    from infra.source import open_source

    tables = open_source(None, s.SOURCE_COLUMNS).tables(s.SOURCE_COLUMNS)
    last = last_day(times, tables["flights"])
    write_sources(tables, folder, last)
    leg.facts["last_day"] = last.isoformat()


def live_repeated(leg: Leg, home: Path, sources: Path, last: date) -> None:
    """The year so many times over, one source folder after the other, into one home."""
    from benchmarks.repeated_year import weeks_of_source
    from infra.settings import load_settings

    settings = (
        (load_settings(home=home, source=source, last_day=last), *weeks_of_source(source))
        for source in sorted(sources.iterdir())
    )
    _live_weeks(leg, settings)


def _live_weeks(leg: Leg, sources: object, most: int | None = None) -> None:
    """Land, validate and build each week between the days that go with each source."""
    with leg.part("imports"):
        import data_checks.suites  # noqa: F401
        from pipelines.context import Context
        from pipelines.features_flow import week_features
        from pipelines.ingest_flow import land_week, stage_source
        from pipelines.validate_flow import validate_week
    flights = accepted = 0
    for settings, start, end in sources:
        context = Context(settings)
        with leg.part(READ):
            stage_source.fn(context)
        for week in [week for week in context.all_weeks() if start <= week.monday < end][:most]:
            with leg.part(READ):
                land_week.fn(context, week)
            with leg.part(CHECK):
                accepted += sum(counts["accepted"] for counts in validate_week.fn(context, week)["feeds"].values())
            with leg.part(FEATURES):
                flights += week_features.fn(context, week).height
    leg.facts |= {"flights": flights, "accepted": accepted}


def bare(leg: Leg) -> None:
    """Our rules on the whole year at once: no Great Expectations, no files, nothing that survives a kill."""
    with leg.part("imports"):
        from data_checks import schema as s
        from data_checks.feeds import split_feeds
        from infra.source import open_source
        from pipelines.features import build_features
        from pipelines.state import World, prepare_state
    with leg.part(READ):
        feeds = split_feeds(open_source(None, s.SOURCE_COLUMNS).tables(s.SOURCE_COLUMNS))
    with leg.part(FEATURES):
        world = World(**{name: feeds[name] for name in s.FEEDS}, planes=feeds["planes"])
        built = build_features(world.schedule, prepare_state(world))
    leg.facts |= {"flights": built.height, "accepted": sum(feeds[name].height for name in s.FEEDS)}


def in_pandas(leg: Leg) -> None:
    """The year in pandas, at once."""
    with leg.part("imports"):
        from benchmarks import pandas_version
        from data_checks import schema as s
        from infra.source import package_folder
    with leg.part(READ):
        feeds = pandas_version.split(pandas_version.read_tables(package_folder()))
    with leg.part(CHECK):
        accepted = {name: pandas_version.check(feeds[name], feed) for name, feed in s.FEEDS.items()}
    with leg.part(FEATURES):
        built = pandas_version.features(**accepted, planes=feeds["planes"])
    leg.facts |= {"flights": len(built), "accepted": sum(map(len, accepted.values()))}


def compare(leg: Leg, home: Path) -> None:
    """The pandas features on the rows that our weeks accepted, against ours: the largest difference of any value."""
    import polars as pl

    from benchmarks import pandas_version
    from data_checks import schema as s
    from infra.storage import Store
    from pipelines.feature_catalog import CATEGORIES, NAMES

    store = Store(home)
    weeks = [path.stem for path in store.files("features", "*.parquet")]
    rows = {name: store.read_weeks(f"accepted/{name}", weeks).to_pandas() for name in s.FEEDS}
    theirs = pandas_version.features(**rows, planes=store.read_table("reference", "planes").to_pandas())
    ours = store.read_weeks("features", weeks)
    both = ours.join(pl.from_pandas(theirs, nan_to_null=True), on=s.FLIGHT_ID, suffix="_pandas")
    shared = [name for name in NAMES if name in theirs.columns]
    other = sum((both[name].is_null() != both[f"{name}_pandas"].is_null()).sum() for name in shared)
    other += sum((both[name] != both[f"{name}_pandas"]).sum() for name in CATEGORIES)
    numbers = [name for name in shared if name not in CATEGORIES]
    largest = {name: (both[name] - both[f"{name}_pandas"]).abs().max() or 0.0 for name in numbers}
    leg.facts |= {
        "flights": both.height,
        "not_compared": [name for name in NAMES if name not in shared],
        "flights_apart": ours.height - both.height,
        "missing_or_other": int(other),
        "largest_difference": max(largest.values()),
        "differs_most": max(largest, key=largest.get),
    }


def main() -> None:
    """Run every leg in a process of its own, print the table; with `--leg`, be one of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data_path", description=__doc__)
    parser.add_argument("--times", type=int, default=10, help="how often the year is repeated; 1 leaves that leg out")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of the table")
    parser.add_argument("--leg", choices=LEGS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--last-day", type=date.fromisoformat, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.leg:
        print(json.dumps(_run(chosen)))
        return
    with tempfile.TemporaryDirectory(prefix="preflight-bench-") as folder:
        found = _run_all(Path(folder), chosen.times)
    report(found, chosen.times, chosen.json)


def _run(chosen: argparse.Namespace) -> dict:
    from infra.settings import load_settings
    from preflight.session import prepare

    os.environ["PREFECT_LOGGING_TO_API_ENABLED"] = "false"  # the tasks run outside of a flow
    leg, sources = Leg(), chosen.folder / "sources"
    home = chosen.folder / ("homes" if chosen.leg == REPEATED else "home")
    prepare(load_settings(home=home), verbose=False)
    work = {
        OURS: lambda: live(leg, home),
        BARE: lambda: bare(leg),
        PANDAS: lambda: in_pandas(leg),
        COMPARE: lambda: compare(leg, home),
        SOURCES: lambda: write_repeated(leg, sources, chosen.times),
        REPEATED: lambda: live_repeated(leg, home, sources, chosen.last_day),
    }
    work[chosen.leg]()
    return leg.document()


def _run_all(folder: Path, times: int) -> dict[str, dict]:
    found = {}
    for name in LEGS if times > 1 else LEGS[: LEGS.index(SOURCES)]:
        sys.stderr.write(f"{name} ...\n")
        command = [sys.executable, "-m", "benchmarks.data_path", "--leg", name, "--folder", str(folder)]
        command += ["--times", str(times)]
        if name == REPEATED:
            command += ["--last-day", found[SOURCES]["last_day"]]
        ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found[name] = json.loads(ended.stdout)
    return found


def report(found: dict[str, dict], times: int, as_json: bool) -> None:
    """Print a row per leg, the ratios, and as last line whether the bounds are kept."""
    from preflight import show

    names = {OURS: "ours, week by week", BARE: "ours, at once, unchecked", PANDAS: "pandas, at once"}
    names |= {REPEATED: f"ours, {times} times the rows"}
    rows = [_row(names[leg], found[leg]) for leg in names if leg in found]
    outcome, document = _judgement(found, times)
    if not as_json:
        columns = ["leg", "flights", READ, CHECK, FEATURES, "seconds", "CPU", "peak GiB"]
        show.table("The data path", dict.fromkeys(columns, "right") | {"leg": "left"}, rows)
        for line in document["lines"]:
            show.tell(line)
    show.finish(outcome, {**document, "legs": found}, as_json)


def _row(name: str, leg: dict) -> tuple:
    parts = [f"{leg['seconds'][part]:.1f}" if part in leg["seconds"] else "-" for part in (READ, CHECK, FEATURES)]
    totals = (f"{_seconds(leg):.1f}", f"{_seconds(leg, 'cpu_seconds'):.1f}", f"{leg['peak_gib']:.2f}")
    return (name, f"{leg['flights']:,}", *parts, *totals)


def _seconds(leg: dict, kind: str = "seconds") -> float:
    """The seconds of the work; what the tools take to import is another matter."""
    return sum(seconds for part, seconds in leg[kind].items() if part != "imports")


def _judgement(found: dict[str, dict], times: int) -> tuple[str, dict]:
    """The last line, and every ratio."""
    ours, pandas, same = found[OURS], found[PANDAS], found[COMPARE]
    lines = [
        f"pandas and ours on the same {same['flights']:,} flights: largest difference {same['largest_difference']:.1e} "
        f"({same['differs_most']}), {same['missing_or_other']} values missing in one or other, "
        f"not compared: {', '.join(same['not_compared']) or 'none'}",
        f"accepted rows: ours {ours['accepted']:,}, pandas {pandas['accepted']:,}",
        f"ours at once takes {_seconds(found[BARE]) / _seconds(pandas):.2f} of the time of pandas, "
        f"features alone {found[BARE]['seconds'][FEATURES] / pandas['seconds'][FEATURES]:.2f}",
    ]
    ratios = {
        "to_pandas_seconds": _seconds(ours) / _seconds(pandas),
        "to_pandas_memory": ours["peak_gib"] / pandas["peak_gib"],
    }
    outcome = (
        f"the year in {_seconds(ours):.0f} s and {ours['peak_gib']:.2f} GiB, "
        f"{ratios['to_pandas_seconds']:.2f} times the time of pandas and {ratios['to_pandas_memory']:.2f} of its memory"
    )
    if REPEATED in found:
        more = found[REPEATED]
        ratios |= {
            "rows": more["flights"] / ours["flights"],
            "repeated_seconds": _seconds(more) / _seconds(ours),
            "repeated_cpu_seconds": _seconds(more, "cpu_seconds") / _seconds(ours, "cpu_seconds"),
        }
        lines.append(f"{times} times the rows: {ratios['repeated_cpu_seconds']:.2f} times the processor's time")
        most = round(MOST_SECONDS_PER_ROW * times, 1)
        kept = ratios["repeated_seconds"] <= most and more["peak_gib"] < MOST_GIB
        outcome += (
            f"; {ratios['rows']:.2f} times the rows in {ratios['repeated_seconds']:.2f} times the time "
            f"and {more['peak_gib']:.2f} GiB ({'within' if kept else 'NOT within'} {most:g} and {MOST_GIB})"
        )
    return outcome, {"lines": lines, "ratios": ratios}


if __name__ == "__main__":
    main()
