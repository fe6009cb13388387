"""The prediction service as a child process on a leash: started on a loopback port, waited for, ended with us."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from infra.errors import PreflightError
from infra.leash import leashed
from infra.network import LOOPBACK, claim_port, wait_until_answering

SERVICE = "services.service:FlightLateness"
START_SECONDS = 120
WORKER = "_bentoml_impl.worker.service"


class ServiceEnded(PreflightError, RuntimeError):  # noqa: N818
    """The service ended although nobody asked it to."""


@dataclass(frozen=True)
class Service:
    """A service that answers at `address`, and where it logs."""

    address: str
    log: Path
    process: subprocess.Popen

    def wait(self) -> None:
        """Return when it is ready. Raises ServerDidNotStart naming its log."""
        wait_until_answering(f"{self.address}/readyz", self.process, self.log, START_SECONDS)

    def require_alive(self) -> None:
        """Raise ServiceEnded, naming its log, when it has ended."""
        if self.process.poll() is not None:
            raise ServiceEnded(f"the service ended with code {self.process.returncode}; see {self.log}")


@contextmanager
def running_service(home: Path, port: int, workers: int = 1) -> Iterator[Service]:
    """A service that answers from `home` in so many processes; it ends with the block.

    Raises PortInUse before anything is started, ServerDidNotStart naming its log.
    """
    with started_service(home, port, workers) as service:
        service.wait()
        yield service


@contextmanager
def started_service(home: Path, port: int, workers: int = 1) -> Iterator[Service]:
    """As `running_service`, not waited for."""
    log = home / "logs" / f"service-{claim_port(port)}.log"
    environment = {
        **os.environ,
        "PREFLIGHT_HOME": str(home),
        "BENTOML_HOME": str(home / "bentoml" / str(port)),  # two services in one folder delete each other's metrics
    }
    command = [sys.executable, "-m", "bentoml", "serve", SERVICE, "--host", LOOPBACK, "--port", str(port)]
    command += ["--arg", f"workers={workers}"]
    with leashed(command, log, environment) as process:
        yield Service(f"http://{LOOPBACK}:{port}", log, process)


def workers_below(process: int, log: Path) -> list[psutil.Process]:
    """The workers of services that a process has started and that have come up: each holds a file of `log` open."""
    return [one for one in psutil.Process(process).children(recursive=True) if _is_up(one, log)]


def _is_up(process: psutil.Process, log: Path) -> bool:
    try:
        return WORKER in process.cmdline() and any(file.path.startswith(f"{log}/") for file in process.open_files())
    except psutil.Error:
        return False
