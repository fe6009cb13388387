"""Servers side by side, each asked in turn and more than once, so that a noisy minute meets them all."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import islice

import httpx
import psutil

from benchmarks.serving.export import Export
from benchmarks.serving.load import SERVER_CORE, Leg, Patience, cpu_by_process, median_leg, on_core, run_leg
from benchmarks.serving.targets import Target
from infra.errors import PreflightError
from infra.leash import leashed
from infra.network import LOOPBACK, PortInUse, ServerDidNotStart, claim_port, wait_until_answering

START_SECONDS, WARM_SECONDS, WARM_CLIENTS = 120, 1, 8
CHECKED, LAST_WORDS = 100, 1000
PORTS = range(21_000, 22_000)
"""Below those that systems hand out by themselves: a server that is slow to start would find its own taken."""
LOG = "prediction_log"
"""The folder of a home in which our service logs what it answered."""


class WrongAnswer(PreflightError, RuntimeError):  # noqa: N818
    """A server that is to be measured does not answer what it is asked."""


@dataclass
class Server:
    """A running server and what was found out about it. `largest_difference` is that of any probability.

    `all_bytes` is the most that its processes together held alone after a leg; `most_bytes` and `spent`, seconds of
    processor under load, are of each.
    """

    target: Target
    address: str
    process: psutil.Process
    ready_seconds: float
    largest_difference: float | None = None
    all_bytes: int = 0
    most_bytes: dict[psutil.Process, int] = field(default_factory=dict)
    spent: dict[psutil.Process, float] = field(default_factory=dict)
    legs: dict[int, list[Leg]] = field(default_factory=dict)

    def ask(self, export: Export, clients: int, seconds: int) -> Leg:
        """One leg of load."""
        url, bodies = self.address + self.target.path, export.bodies(self.target.form)
        before = cpu_by_process(self.process)
        leg = run_leg(url, bodies, clients, seconds, self.process)
        for process, seconds_after in cpu_by_process(self.process).items():
            self.spent[process] = self.spent.get(process, 0.0) + seconds_after - before.get(process, 0.0)
        self._look_at_memory()
        return leg

    def _look_at_memory(self) -> None:
        found = {process: process.memory_full_info().uss for process in cpu_by_process(self.process)}
        self.all_bytes = max(self.all_bytes, sum(found.values()))
        for process, held in found.items():
            self.most_bytes[process] = max(self.most_bytes.get(process, 0), held)

    @property
    def worker_bytes(self) -> int:
        """The most that its worker held alone after a leg: the process that all legs together kept busiest."""
        return self.most_bytes[max(self.spent, key=self.spent.get)]

    def asked(self, target: Target) -> "Server":
        """The same server asked otherwise, to be measured apart."""
        return replace(self, target=target, largest_difference=None, most_bytes={}, spent={}, legs={})

    def medians(self) -> dict[int, Leg]:
        """The median leg by number of clients."""
        return {clients: median_leg(legs) for clients, legs in self.legs.items()}


@contextmanager
def running(targets: Sequence[Target], export: Export) -> Iterator[list[Server]]:
    """All servers, answering, each started alone and checked; they end with the block.

    Raises WrongAnswer, with its last words when one does not start.
    """
    with ExitStack() as stack:
        servers, ports = [], iter(PORTS)
        for target in targets:
            server = stack.enter_context(_running(target, export, _next_port(ports)))
            server.largest_difference = check_answers(server, export)
            servers.append(server)
        yield servers


@contextmanager
def _running(target: Target, export: Export, port: int) -> Iterator[Server]:
    log = export.folder / "logs" / f"{port}.log"
    began = time.perf_counter()
    with ExitStack() as stack:
        with on_core(SERVER_CORE):
            command, variables = target.command(export, port), target.variables(export, port)
            process = stack.enter_context(leashed(command, log, variables))
        address = f"http://{LOOPBACK}:{port}"
        try:
            wait_until_answering(f"{address}{target.ready}", process, log, START_SECONDS)
        except ServerDidNotStart as error:  # its log is gone when we are
            raise WrongAnswer(f"{target.name} did not start: {log.read_text()[-LAST_WORDS:].strip()}") from error
        yield Server(target, address, psutil.Process(process.pid), time.perf_counter() - began)


def _next_port(ports: Iterator[int]) -> int:
    """The next that nobody holds."""
    for port in ports:
        with suppress(PortInUse):
            return claim_port(port)
    raise WrongAnswer(f"every port from {PORTS[0]} to {PORTS[-1]} is in use; end what holds them")


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
    servers: Sequence[Server],
    export: Export,
    *,
    seconds: int,
    repeats: int,
    patience: Patience,
    clients: Sequence[int],
    until: float,
) -> None:
    """Give every server its legs: all of them once, then all of them again, as often as may be begun `until` then."""
    for server in servers:
        server.ask(export, WARM_CLIENTS, WARM_SECONDS)
    for number_of_round in range(repeats):
        if number_of_round and time.perf_counter() > until:
            return
        for number in clients:
            for server in servers:
                if number in server.target.clients:
                    patience.wait_for_quiet()
                    server.legs.setdefault(number, []).append(server.ask(export, number, seconds))


def logs_per_request(server: Server, export: Export) -> float:
    """Bytes that our service logs of one request, on average."""
    before = _logged_bytes(export)
    check_answers(server, export)
    return (_logged_bytes(export) - before) / CHECKED


def _logged_bytes(export: Export) -> int:
    return sum(path.stat().st_size for path in (export.home / LOG).glob("*.jsonl"))
