"""What a run has found, as plain values, and what follows from it: ratios, goals, capacity."""

import math
from dataclasses import asdict, dataclass

from benchmarks.serving.bare import BUNDLE, BareCall
from benchmarks.serving.load import Leg
from benchmarks.serving.targets import FASTAPI, MLFLOW, OURS

CLIENTS_JUDGED, WANTED_PER_SECOND, UTILISATION = 8, 10_000, 0.6
TIMES_MLFLOW, OF_FASTAPI, MOST_P99_MS, OF_BARE_CALL = 25, 0.6, 10, 0.5
SAME_PROBABILITY = 1e-6
DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Measured:
    """A server: its median leg by number of clients, seconds until it answered, memory that it alone held at most."""

    name: str
    what: str
    legs: dict[int, Leg]
    ready_seconds: float
    worker_bytes: int
    all_bytes: int
    largest_difference: float | None


@dataclass(frozen=True)
class Findings:
    """A whole run. `page` is ours asked for `flights_per_page` flights at a time by one client.

    `rounds` is how many legs each figure is at least the median of.
    """

    version: int
    week: str
    machine: str
    servers: list[Measured]
    settings: list[Measured]
    bare: list[BareCall]
    page: Leg
    flights_per_page: int
    log_bytes: float
    rounds: int
    took_seconds: float

    @property
    def legs(self) -> list[Leg]:
        """Every median leg of the run."""
        servers = (*self.servers, *self.settings)
        return [self.page, *(leg for server in servers for leg in server.legs.values())]

    def server(self, name: str) -> Measured | None:
        """A server by name, None when it was left out."""
        return next((server for server in self.servers if server.name == name), None)

    def as_dict(self) -> dict:
        """Everything as plain values that JSON takes, with what follows from it."""
        follows = {"goals": [asdict(goal) | {"kept": goal.kept} for goal in goals(self)]}
        return {**asdict(self), **follows, "capacity": asdict(capacity(self))}


@dataclass(frozen=True)
class Goal:
    """Something that ours should reach: `value` is to be at least `bound`, or at most."""

    words: str
    value: float
    bound: float
    at_least: bool = True

    @property
    def kept(self) -> bool:
        """Whether it does; at the bound it does."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    @property
    def sentence(self) -> str:
        """The goal, what was measured, and whether that will do."""
        relation = "at least" if self.at_least else "at most"
        verdict = "kept" if self.kept else "NOT kept"
        return f"{self.words}: {self.value:.3g}, wanted {relation} {self.bound:g}: {verdict}"


@dataclass(frozen=True)
class Capacity:
    """What so many requests a second take, each core busy for `UTILISATION` of its time, a worker to each core."""

    per_second: int
    cores: int
    memory_gb: float
    log_mb_per_second: float
    log_gb_per_day: float


def goals(found: Findings) -> list[Goal]:
    """Every goal that can be judged: a peer that was left out takes its goal with it."""
    ours, mlflow, fastapi = (found.server(name) for name in (OURS, MLFLOW, FASTAPI))
    p99_ms, page = ours.legs[CLIENTS_JUDGED].p99_ms, f"{found.flights_per_page} flights in one request"
    differences = [server.largest_difference for server in found.servers if server.largest_difference is not None]
    failures = sum(leg.failures for leg in found.legs)
    judged = []
    if mlflow:
        judged.append(_rate_goal("times", ours, mlflow, TIMES_MLFLOW))
    if fastapi:
        judged.append(_rate_goal("of those of", ours, fastapi, OF_FASTAPI))
    return [
        *judged,
        Goal(f"p99 in ms, {CLIENTS_JUDGED} clients", p99_ms, MOST_P99_MS, at_least=False),
        Goal(f"{page}, of the rows a second of the bare call", of_bare(found), OF_BARE_CALL),
        Goal("largest difference of any probability", max(differences), SAME_PROBABILITY, at_least=False),
        Goal("requests that failed", failures, 0, at_least=False),
    ]


def _rate_goal(words: str, ours: Measured, peer: Measured, bound: float) -> Goal:
    by_cpu = cpu_ratio(ours, peer, CLIENTS_JUDGED)
    said = f"requests a second, {words} {peer.name} (by processor time {by_cpu:.2f})"
    return Goal(said, ratio(ours, peer, CLIENTS_JUDGED), bound)


def ratio(one: Measured, other: Measured, clients: int) -> float:
    """How many requests a second one answers for each of the other's."""
    return one.legs[clients].per_second / other.legs[clients].per_second


def cpu_ratio(one: Measured, other: Measured, clients: int) -> float:
    """As `ratio`, of what a request took of the processor: right also where others took the machine's time."""
    return other.legs[clients].cpu_us / one.legs[clients].cpu_us


def of_bare(found: Findings) -> float:
    """Flights a second by the page over HTTP, of the rows a second of the bundle alone with a page of them."""
    alone = next(call for call in found.bare if call.name == BUNDLE and call.rows == found.flights_per_page)
    return found.page.per_second * found.flights_per_page / alone.rows_per_second


def capacity(found: Findings, per_second: int = WANTED_PER_SECOND) -> Capacity:
    """From what a request took of the processor where most clients asked, one worker's memory, and the log."""
    ours = found.server(OURS)
    busiest = ours.legs[max(ours.legs)]
    cores = math.ceil(per_second * busiest.cpu_us / 1e6 / UTILISATION)
    logged = per_second * found.log_bytes
    return Capacity(per_second, cores, cores * ours.worker_bytes / 1e9, logged / 1e6, logged * DAY_SECONDS / 1e9)
