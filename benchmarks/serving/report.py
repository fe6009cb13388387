"""The findings as tables and sentences: in a terminal, as a document, as Markdown."""

from dataclasses import dataclass
from statistics import median

from benchmarks.serving.findings import CLIENTS_JUDGED, UTILISATION, Findings, Measured, capacity, goals, ratio
from benchmarks.serving.load import Leg
from benchmarks.serving.targets import BATCHED, FASTAPI, MLFLOW, OURS
from preflight import show

DIFFERENCE = (
    "Every answer is by the same model. Ours is asked with a planned flight: it checks it, finds or makes the "
    "features, gives reasons and logs the answer before it is given; the others are handed the features and do "
    "none of it."
)

HEAD = (
    "# The service, measured\n\nMade by `python -m benchmarks.serving --write docs/serving-measured.md`; "
    "run it again to refresh. Do not edit."
)


@dataclass(frozen=True)
class Table:
    """Rows of text under headings; the first column is of words, the others of numbers."""

    title: str
    headings: tuple[str, ...]
    rows: list[tuple[str, ...]]

    def print(self) -> None:
        """Show it in the terminal."""
        first, *others = self.headings
        show.table(self.title, {first: "left", **dict.fromkeys(others, "right")}, self.rows)

    def markdown(self) -> str:
        """The table as Markdown."""
        ruler = ["---", *["---:"] * (len(self.headings) - 1)]
        lines = [f"| {' | '.join(row)} |" for row in (self.headings, ruler, *self.rows)]
        return "\n".join([f"**{self.title}**", "", *lines])


def report(found: Findings, as_json: bool) -> None:
    """Print everything, the outcome last."""
    if not as_json:
        show.tell(DIFFERENCE)
        for table in tables(found):
            table.print()
        for line in sentences(found):
            show.tell(line)
    show.finish(outcome(found), found.as_dict(), as_json)


def markdown(found: Findings) -> str:
    """Everything as Markdown."""
    parts = [HEAD, f"Measured on {found.machine}.", DIFFERENCE, *(table.markdown() for table in tables(found))]
    parts.append("\n".join(f"- {line}" for line in sentences(found)))
    return "\n\n".join(parts) + "\n"


def outcome(found: Findings) -> str:
    """The last line."""
    judged = goals(found)
    kept = sum(goal.kept for goal in judged)
    return f"{kept} of {len(judged)} goals kept with version {found.version}, in {found.took_seconds:.0f} s"


def sentences(found: Findings) -> list[str]:
    """The goals, and what many requests take."""
    need, foreign = capacity(found), [leg.foreign_cores for leg in found.legs]
    ours = found.server(OURS)
    busiest = ours.legs[max(ours.legs)]
    return [
        *(goal.sentence for goal in goals(found)),
        *_batching(found),
        *_two_rounds(found),
        f"a request of ours takes {busiest.cpu_us:,.0f} µs of processor, {busiest.worker_us:,.0f} in its worker",
        f"{need.per_second:,} requests/s at {UTILISATION:.0%} of each core: {need.cores} cores, "
        f"{need.memory_gb:.1f} GB in workers, {need.log_mb_per_second:.1f} MB/s of log, "
        f"{need.log_gb_per_day:,.0f} GB a day",
        f"{_of_legs(found.rounds)}; "
        f"others took {median(foreign):.2f} cores in the median leg and {max(foreign):.2f} in the worst; "
        f"wrk was busy for at most {max(leg.load_cores for leg in found.legs):.2f} of its own",
    ]


def _two_rounds(found: Findings) -> list[str]:
    """The same service is in two tables, and does not take the same in both."""
    return [
        f"as it is, in the last table, took {again.legs[CLIENTS_JUDGED].cpu_us:,.0f} µs of processor where the first "
        f"has {found.server(OURS).legs[CLIENTS_JUDGED].cpu_us:,.0f}: the same work, without the agent, in a later "
        "round on a machine that is never twice the same; quote the first, and ratios within one table"
        for again in found.settings
        if again.name == OURS and CLIENTS_JUDGED in again.legs
    ]


def _of_legs(rounds: int) -> str:
    return (
        f"figures are medians of {rounds} legs"
        if rounds > 1
        else "figures are of one leg each, which says nothing of luck"
    )


def _batching(found: Findings) -> list[str]:
    """What adaptive batching is worth where a call costs milliseconds, and where it costs microseconds."""
    pairs = [(found.server(batching), found.server(alone)) for batching, alone in BATCHED]
    return [
        f"{batching.name}: "
        + ", ".join(f"{ratio(batching, alone, clients):.2f} with {clients} clients" for clients in batching.legs)
        + f" times the requests a second of {alone.name}"
        for batching, alone in pairs
        if batching and alone
    ]


def tables(found: Findings) -> list[Table]:
    """All of them."""
    return [_load(found), _start(found), _bare(found), *([_settings(found)] if found.settings else [])]


def _load(found: Findings) -> Table:
    figures = ("req/s", "p50 ms", "p99 ms", "CPU µs")
    headings = ("server", "clients", *figures, "/FastAPI", "/mlflow", "failed", "others")
    peers = [found.server(name) for name in (FASTAPI, MLFLOW)]
    rows = [
        (server.name, str(clients), *_figures(leg), *(_ratio(server, peer, clients) for peer in peers), *_honesty(leg))
        for server in found.servers
        for clients, leg in sorted(server.legs.items())
    ]
    page = found.page
    rows.append((f"ours, {found.flights_per_page} flights each", "1", *_figures(page), "", "", *_honesty(page)))
    return Table("One worker on one core, the load on another", headings, rows)


def _start(found: Findings) -> Table:
    headings = ("server", "s to ready", "worker MB", "all MB", "largest difference")
    rows = [
        (
            f"{server.name}: {server.what}",
            f"{server.ready_seconds:.1f}",
            f"{server.worker_bytes / 1e6:.0f}",
            f"{server.all_bytes / 1e6:.0f}",
            "" if server.largest_difference is None else f"{server.largest_difference:.0e}",
        )
        for server in found.servers
    ]
    return Table("Start, memory of its own at most, and the probabilities", headings, rows)


def _bare(found: Findings) -> Table:
    rows = [(call.name, str(call.rows), f"{call.us:,.1f}", f"{call.rows_per_second:,.0f}") for call in found.bare]
    return Table("The model alone, in process", ("call", "rows", "µs", "rows/s"), rows)


def _settings(found: Findings) -> Table:
    headings = ("ours, but", "req/s", "p50 ms", "p99 ms", "CPU µs", "req/s of ours", "failed", "others")
    as_it_is = next(server for server in found.settings if server.name == OURS)
    rows = [
        (
            "as it is" if server is as_it_is else server.name,
            *_figures(leg),
            _ratio(server, as_it_is, clients),
            *_honesty(leg),
        )
        for server in found.settings
        for clients, leg in server.legs.items()
    ]
    return Table("What each setting is worth, 8 clients", headings, rows)


def _figures(leg: Leg) -> tuple[str, ...]:
    return (f"{leg.per_second:,.0f}", f"{leg.p50_ms:.2f}", f"{leg.p99_ms:.2f}", f"{leg.cpu_us:,.0f}")


def _honesty(leg: Leg) -> tuple[str, ...]:
    """Requests that failed, and cores that others took."""
    return (f"{leg.failures:.0f}", f"{leg.foreign_cores:.2f}")


def _ratio(one: Measured, other: Measured | None, clients: int) -> str:
    return f"{ratio(one, other, clients):.2f}" if other and clients in other.legs else ""
