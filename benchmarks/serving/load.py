"""One leg of load: wrk on its core, the server on another, and what the leg cost the server's processor."""

import json
import os
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import median

import psutil

from infra.errors import PreflightError

SERVER_CORE, LOAD_CORE = 0, 1
SCRIPT = Path(__file__).with_name("cycle.lua")
TIMEOUT_SECONDS = 10
QUIET_CORES, LOOK_SECONDS = 0.2, 0.2


class NoLoad(PreflightError, RuntimeError):  # noqa: N818
    """The load generator is missing, or did not say what it measured."""


@dataclass(frozen=True)
class Leg:
    """What so many clients in a closed loop got. `cpu_us` is what a request took of the processor in all processes of
    the server, `worker_us` in the busiest one. `load_cores` is how busy wrk was,
    `foreign_cores` what all others took of the machine meanwhile.
    """

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    worker_us: float
    failures: float
    load_cores: float
    foreign_cores: float


def require_wrk() -> None:
    """Raise NoLoad when the load generator is not there."""
    if shutil.which("wrk") is None:
        raise NoLoad("wrk, which makes the load, is not on the path; run: apt-get install wrk")


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Run this thread, and what it starts, on one core for the length of the block, where the system lets us choose."""
    if not hasattr(os, "sched_setaffinity") or os.cpu_count() == 1:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def run_leg(address: str, bodies: Path, clients: int, seconds: int, server: psutil.Process) -> Leg:
    """Ask `address` with the bodies of a file in turn. `server` is the parent of its processes, not counted itself."""
    options = ["--threads", "1", "--connections", str(clients), "--duration", f"{seconds}s"]
    options += ["--timeout", f"{TIMEOUT_SECONDS}s", "--script", str(SCRIPT)]
    before, spent_before = _Spent.until_now(), cpu_by_process(server)
    with on_core(LOAD_CORE):
        ended = subprocess.run(
            ["wrk", *options, address, "--", str(bodies)], capture_output=True, text=True, check=False
        )
    spent, spent_after = _Spent.until_now().since(before), cpu_by_process(server)
    by_process = [seconds - spent_before.get(process, 0.0) for process, seconds in spent_after.items()]
    found = parse_wrk(ended.stdout)
    requests = max(found["requests"], 1)
    return Leg(
        per_second=found["requests"] / (found["microseconds"] / 1e6),
        p50_ms=found["p50"] / 1e3,
        p99_ms=found["p99"] / 1e3,
        cpu_us=1e6 * sum(by_process) / requests,
        worker_us=1e6 * max(by_process, default=0.0) / requests,
        failures=found["failures"],
        load_cores=spent.load / spent.clock,
        foreign_cores=max(0.0, spent.machine - sum(by_process) - spent.load) / spent.clock,
    )


def parse_wrk(output: str) -> dict[str, float]:
    """What cycle.lua said in its last line. Raises NoLoad with the words of wrk when it said nothing."""
    lines = output.strip().splitlines()
    try:
        return json.loads(lines[-1])
    except (IndexError, ValueError) as error:
        raise NoLoad(f"wrk measured nothing, it said {output.strip()[-200:]!r}; see {SCRIPT.name}") from error


def median_leg(legs: Sequence[Leg]) -> Leg:
    """Each figure's median; of failures the sum, as none may be hidden."""
    figures = {name: median(getattr(leg, name) for leg in legs) for name in Leg.__annotations__}
    return Leg(**{**figures, "failures": sum(leg.failures for leg in legs)})


class Patience:
    """So many seconds in all that may be spent on waiting for others to be done."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    def wait_for_quiet(self) -> None:
        """Return when hardly anything runs, or patience is over; the legs say themselves how quiet it was."""
        while self._left > 0:
            before = _busy_seconds()
            time.sleep(LOOK_SECONDS)
            self._left -= LOOK_SECONDS
            if (_busy_seconds() - before) / LOOK_SECONDS < QUIET_CORES:
                return


@dataclass(frozen=True)
class _Spent:
    """Seconds of processor up to a moment, and the clock on the wall."""

    clock: float
    machine: float
    load: float

    @classmethod
    def until_now(cls) -> "_Spent":
        children = resource.getrusage(resource.RUSAGE_CHILDREN)  # servers are counted here when they end, not before
        own = resource.getrusage(resource.RUSAGE_SELF)
        load = sum(usage.ru_utime + usage.ru_stime for usage in (children, own))
        return cls(time.perf_counter(), _busy_seconds(), load)

    def since(self, before: "_Spent") -> "_Spent":
        pairs = zip(astuple(self), astuple(before), strict=True)
        return _Spent(*(now - then for now, then in pairs))


def cpu_by_process(server: psutil.Process) -> dict[psutil.Process, float]:
    """Seconds of processor that each process of a server has taken, without the leash that holds them."""
    found = {}
    for process in server.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it may end as we look
            times = process.cpu_times()
            found[process] = times.user + times.system
    return found


def _busy_seconds() -> float:
    """Seconds that all cores together have worked, or were taken away by the host."""
    times = psutil.cpu_times()
    return times.user + times.nice + times.system + getattr(times, "steal", 0.0)
