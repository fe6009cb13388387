"""Servers side by side, each asked in turn and more than once, so that a noisy minute meets them all."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice

import httpx
import psutil

from benchmarks.serving.export import Export
from benchmarks.serving.load import (
    SERVER_CORE,
    Leg,
    Patience,
    median_leg,
    on_core,
    processes_of,
    run_leg,
)
from benchmarks.serving.targets import Target
from infra.errors import PreflightError
from infra.leash import leashed
from infra.network import LOOPBACK, free_port, wait_until_answering

START_SECONDS, WARM_SECONDS, WARM_CLIENTS = 120, 1, 8
CHECKED = 100
LOGS = ("requests", "prediction_log")
"""The folders of a home in which our service logs what it answered."""


class WrongAnswer(PreflightError, RuntimeError):  # noqa: N818
    """A server that is to be measured does not answer what it is asked."""


@dataclass
class Server:
    """A running server and what was found out about it. `largest_difference` is that of any probability."""

    target: Target
    address: str
    process: psutil.Process
    ready_seconds: float
    largest_difference: float | None = None
    worker_bytes: int = 0
    all_bytes: int = 0
    legs: dict[int, list[Leg]] = field(default_factory=dict)

    def look_at_memory(self) -> None:
        """Note the most that the busiest process, its worker, and all of them together were seen to hold alone."""
        found = {process: process.memory_full_info().uss for process in processes_of(self.process)}
        worker = max(found, key=lambda process: process.cpu_times().user)
        self.worker_bytes = max(self.worker_bytes, found[worker])
        self.all_bytes = max(self.all_bytes, sum(found.values()))

    def asked(self, target: Target) -> "Server":
        """The same server asked otherwise, to be measured apart."""
        return replace(self, target=target, largest_difference=None, legs={})

    def medians(self) -> dict[int, Leg]:
        """The median leg by number of clients."""
        return {clients: median_leg(legs) for clients, legs in self.legs.items()}


@contextmanager
def running(targets: Sequence[Target], export: Export) -> Iterator[list[Server]]:
    """All servers, answering, each started alone and checked; they end with the block.

    Raises WrongAnswer or ServerDidNotStart.
    """
    with ExitStack() as stack:
        servers = []
        for target in targets:
            server = stack.enter_context(_running(target, export))
            server.largest_difference = check_answers(server, export)
            servers.append(server)
        yield servers


@contextmanager
def _running(target: Target, export: Export) -> Iterator[Server]:
    port = free_port()
    log = export.folder / "logs" / f"{port}.log"
    began = time.perf_counter()
    with ExitStack() as stack:
        with on_core(SERVER_CORE):
            command, variables = target.command(export, port), target.variables(export, port)
            process = stack.enter_context(leashed(command, log, variables))
        address = f"http://{LOOPBACK}:{port}"
        wait_until_answering(f"{address}{target.ready}", process, log, START_SECONDS)
        yield Server(target, address, psutil.Process(process.pid), time.perf_counter() - began)


def check_answers(server: Server, export: Export) -> float | None:
    """The largest difference from the right probabilities over the first requests; None for who has none to give.

    Raises WrongAnswer for anything but 200.
    """
    target, differences = server.target, []
    url = server.address + target.path
    with export.bodies(target.form).open() as lines, httpx.Client(timeout=60) as client:
        for line, expected in zip(islice(lines, CHECKED), export.expected, strict=False):
            response = client.post(url, content=line, headers={"Content-Type": "application/json"})
            if response.status_code != 200:
                raise WrongAnswer(f"{target.name} answers {url} with {response.status_code}: {response.text[:300]}")
            if target.probability:
                differences.append(abs(target.probability(response.json()) - expected))
    return max(differences, default=None)


def measure(
    servers: Sequence[Server], export: Export, *, seconds: int, repeats: int, patience: Patience, clients: Sequence[int]
) -> None:
    """Give every server its legs: all of them once, then all of them again."""
    for server in servers:
        _leg(server, export, WARM_CLIENTS, WARM_SECONDS)
    for _ in range(repeats):
        for number in clients:
            for server in servers:
                if number in server.target.clients:
                    patience.wait_for_quiet()
                    server.legs.setdefault(number, []).append(_leg(server, export, number, seconds))
                    server.look_at_memory()


def _leg(server: Server, export: Export, clients: int, seconds: int) -> Leg:
    url = server.address + server.target.path
    return run_leg(url, export.bodies(server.target.form), clients, seconds, server.process)


def logs_per_request(server: Server, export: Export) -> float:
    """Bytes that our service logs of one request, on average."""
    before = _logged_bytes(export)
    check_answers(server, export)
    return (_logged_bytes(export) - before) / CHECKED


def _logged_bytes(export: Export) -> int:
    folders = (export.home / name for name in LOGS)
    return sum(path.stat().st_size for folder in folders if folder.exists() for path in folder.iterdir())
