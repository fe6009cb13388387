"""The tables of docs/scaling.md: what was measured, and the arithmetic that leads from it to larger sizes."""

import math
import os
import platform
import re
from dataclasses import asdict, dataclass

from benchmarks.data_path import CHECK, FEATURES, READ
from benchmarks.scaling import DATA, FIT, LOG, MONITOR, SCORE
from benchmarks.serving.findings import DAY_SECONDS, UTILISATION

BEGIN, END = "<!-- begin: python -m benchmarks.scaling -->", "<!-- end -->"
LEG_OF = {READ: DATA, CHECK: DATA, FEATURES: DATA, SCORE: SCORE, LOG: LOG, FIT: FIT, MONITOR: MONITOR}
WORDS = {
    READ: "land",
    CHECK: "validate",
    FEATURES: "build features",
    SCORE: "score in batches",
    LOG: "load the log into SQLite",
    FIT: "fit once",
    MONITOR: "monitor one window",
}
ONCE_THROUGH = (READ, CHECK, FEATURES, SCORE)
"""What every flight of a backlog goes through; a fit and a window of monitoring look at a part of them."""
RATES, BACKLOG, TASK_SECONDS, NODE_GB = (10_000, 100_000), 10_000_000_000, 60, 64
MILLION, HOUR = 1e6, 3600


@dataclass(frozen=True)
class Online:
    """One worker's answer to one flight: µs of processor time at most; MB of memory that a worker holds."""

    cpu_us: float
    worker_mb: float


@dataclass(frozen=True)
class Cost:
    """A part at two sizes. Processor seconds are for a million flights; `growth` is how many times as much in all."""

    part: str
    flights: tuple[int, int]
    cpu_seconds: tuple[float, float]
    growth: float
    times_floor: float
    bytes_a_flight: float
    peak_mb: tuple[float, float]

    @property
    def marginal(self) -> float:
        """Processor seconds that a million flights more take: what is paid once is not in it."""
        few, many = self.flights
        less, more = (seconds * rows for seconds, rows in zip(self.cpu_seconds, self.flights, strict=True))
        return (more - less) / (many - few)


@dataclass(frozen=True)
class Found:
    """A run: documents of the legs at both sizes, and what other commands have measured."""

    small: dict[str, dict]
    large: dict[str, dict]
    online: Online
    engine: dict | None = None

    def cost(self, part: str) -> Cost:
        """What a part costs."""
        once, more = self.small[LEG_OF[part]], self.large[LEG_OF[part]]
        cpu = tuple(leg["cpu_seconds"][part] for leg in (once, more))
        flights = (once["flights"], more["flights"])
        millions = tuple(seconds / rows * MILLION for seconds, rows in zip(cpu, flights, strict=True))
        return Cost(
            part=part,
            flights=flights,
            cpu_seconds=millions,
            growth=cpu[1] / cpu[0],
            times_floor=millions[1] / more["floor_per_million"],
            bytes_a_flight=more["bytes"][part] / flights[1],
            peak_mb=tuple(leg["peak_gib"] * 1024 for leg in (once, more)),
        )

    def as_dict(self) -> dict:
        """Everything as plain values that JSON takes."""
        return {**asdict(self), "costs": [asdict(self.cost(part)) for part in LEG_OF]}


def online_of(document: str) -> Online:
    """What docs/serving-measured.md says of our service. Raises ValueError when it does not."""
    answers = re.findall(r"^\| ours \| \d+ \|(?:[^|]+\|){3} ([\d,]+) \|", document, re.MULTILINE)
    memory = re.search(r"^\| ours: [^|]+\| [\d.]+ \| ([\d,]+) \|", document, re.MULTILINE)
    if not answers or not memory:
        raise ValueError("expected rows of ours by clients and one of its memory; write them: make bench-serving")
    return Online(max(map(_number, answers)), _number(memory[1]))


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def between_markers(document: str, tables: str) -> str:
    """The document with its part between the markers replaced. Raises ValueError when it has none."""
    head, begin, rest = document.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"expected the lines {BEGIN} and {END} in the document; add them where the tables go")
    return f"{head}{BEGIN}\n\n{tables}\n{END}{tail}"


def markdown(found: Found) -> str:
    """All tables, each with the arithmetic behind it."""
    floors = [leg["floor_per_million"] for size in (found.small, found.large) for leg in size.values()]
    machine = f"{os.cpu_count()} processors, {platform.machine()}, Python {platform.python_version()}"
    parts = [
        f"Measured by `python -m benchmarks.scaling` on {machine}. "
        f"The floor, reading and hashing a million rows of features, took {min(floors):.2f} to "
        f"{max(floors):.2f} s of processor time: the spread is what else the machine was doing.",
        _costs(found),
        _online(found),
        _backlog(found),
    ]
    return "\n\n".join([*parts, *([_engine(found.engine)] if found.engine else [])]) + "\n"


def outcome(found: Found) -> str:
    """The last line."""
    cost = {part: found.cost(part).marginal for part in LEG_OF}
    through = sum(cost[part] for part in ONCE_THROUGH)
    most = max(ONCE_THROUGH, key=cost.get)
    return (
        f"a million flights cost {through:.0f} s of processor time from landing to prediction, "
        f"{cost[most] / through:.0%} of it to {WORDS[most]}"
    )


def answering(found: Found, per_second: int) -> dict[str, float]:
    """What so many predictions a second take."""
    log = found.cost(LOG)
    cores = per_second * found.online.cpu_us / MILLION / UTILISATION
    return {
        "answering_cores": cores,
        "answering_gib": math.ceil(cores) * found.online.worker_mb / 1024,
        "predictions_a_day": per_second * DAY_SECONDS,
        "log_mb_a_second": per_second * log.bytes_a_flight / MILLION,
        "log_tb_a_day": per_second * DAY_SECONDS * log.bytes_a_flight / 1e12,
        "loading_cores": per_second * log.marginal / MILLION / UTILISATION,
    }


def catching_up(found: Found, part: str, flights: int = BACKLOG) -> dict[str, float]:
    """What a part takes for so many flights, in tasks of a minute each."""
    cost = found.cost(part)
    in_a_task = int(TASK_SECONDS / cost.marginal * MILLION)
    return {
        "core_hours": flights * cost.marginal / MILLION / HOUR,
        "terabytes": flights * cost.bytes_a_flight / 1e12,
        "flights_a_task": in_a_task,
        "tasks": math.ceil(flights / in_a_task),
    }


def _costs(found: Found) -> str:
    heads = (
        "part",
        "flights",
        "CPU s per million",
        "at ten times",
        "a million more",
        "times rows",
        "times CPU",
        "of the floor",
        "bytes a flight",
    )
    rows = []
    for cost in map(found.cost, LEG_OF):
        few, many = cost.flights
        rows.append(
            (
                *(WORDS[cost.part], f"{few:,}", f"{cost.cpu_seconds[0]:.1f}", f"{cost.cpu_seconds[1]:.1f}"),
                *(f"{cost.marginal:.1f}", f"{many / few:.1f}", f"{cost.growth:.1f}", f"{cost.times_floor:.1f}"),
                *(f"{cost.bytes_a_flight:,.0f}", f"{cost.peak_mb[0]:,.0f}", f"{cost.peak_mb[1]:,.0f}"),
            )
        )
    database_bytes = found.large[LOG]["database_bytes"] / found.large[LOG]["flights"]
    note = (
        "*A million more* is the slope between the two sizes, without what is paid once; all that follows is reckoned "
        "with it. The log is of requests for one flight. Bytes of a fit are those of its matrix in memory, of the "
        "log those of its lines; the others are what is written. The database has "
        f"{database_bytes:,.0f} bytes for each flight of the log. Land, validate and features are one process, so "
        "they share one peak."
    )
    return f"{_table('Cost of a million flights', (*heads, 'peak MB', 'at ten times'), rows)}\n\n{note}"


def _online(found: Found) -> str:
    each, log, few = found.online, found.cost(LOG), RATES[0]
    heads = ("predictions a second", "cores that answer", "GiB", "a day", "log MB/s", "log TB a day", "cores that load")
    rows = []
    for rate in RATES:
        takes = answering(found, rate)
        rows.append(
            (
                *(f"{rate:,}", f"{math.ceil(takes['answering_cores'])}", f"{takes['answering_gib']:.1f}"),
                *(f"{takes['predictions_a_day'] / 1e9:.2f} billion", f"{takes['log_mb_a_second']:.0f}"),
                *(f"{takes['log_tb_a_day']:.1f}", f"{takes['loading_cores']:.1f}"),
            )
        )
    sums = (
        f"Cores: {few:,} times {each.cpu_us:.0f} µs ([measured](serving-measured.md), a flight a request, "
        f"with as many clients as make it dearest) / {UTILISATION} busy. "
        f"GiB: a worker of {each.worker_mb:.0f} MB on each. Log: {log.bytes_a_flight:,.0f} bytes a flight times "
        f"86,400 s. Cores that load: {few:,} times {log.marginal:.0f} µs / {UTILISATION}."
    )
    return f"{_table('Answering', heads, rows)}\n\n{sums}"


def _backlog(found: Found) -> str:
    heads = ("part", "core-hours", "TB written", "flights a task", "tasks of a minute")
    rows = []
    for part in ONCE_THROUGH:
        takes = catching_up(found, part)
        counts = (f"{takes['flights_a_task']:,}", f"{takes['tasks']:,}")
        rows.append((WORDS[part], f"{takes['core_hours']:,.0f}", f"{takes['terabytes']:.2f}", *counts))
    fit = found.cost(FIT)
    hours = sum(catching_up(found, part)["core_hours"] for part in ONCE_THROUGH)
    node = NODE_GB * 1e9 / 2 / fit.bytes_a_flight
    sums = (
        f"{hours:,.0f} core-hours in all: a day on {hours / 24 / UTILISATION:,.0f} cores that are {UTILISATION:.0%} "
        f"busy. The matrix of one fit on all of it would be {BACKLOG * fit.bytes_a_flight / 1e12:.1f} TB; half of a "
        f"node of {NODE_GB} GB holds {node / MILLION:,.0f} million flights, {node / MILLION * fit.marginal / HOUR:.1f} "
        f"core-hours a fit."
    )
    return f"{_table(f'{BACKLOG:,} flights, once through', heads, rows)}\n\n{sums}"


def _engine(proof: dict) -> str:
    local = proof["ways"]["local"]
    rows = [
        (way, f"{of['seconds']:.0f}", f"{of['cpu_seconds']:.0f}", f"{of['cpu_seconds'] / local['cpu_seconds']:.2f}")
        for way, of in proof["ways"].items()
    ]
    heads = ("built by", "seconds", "CPU s", "CPU of local")
    hashes = {of["table_sha256"][:12] for of in proof["ways"].values()}
    note = (
        f"Table hash: {', '.join(sorted(hashes))}, by `preflight prove engine`; processes and their imports included."
    )
    title = f"The features of {proof['weeks']} weeks"
    return f"{_table(title, heads, rows)}\n\n{note}"


def _table(title: str, heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    ruler = ["---", *["---:"] * (len(heads) - 1)]
    lines = [f"| {' | '.join(row)} |" for row in (heads, ruler, *rows)]
    return "\n".join([f"**{title}**", "", *lines])
