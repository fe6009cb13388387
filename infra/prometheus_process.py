"""Prometheus on a leash, with the configuration and the rules of `infra/prometheus`, before the service of a home."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.errors import PreflightError
from infra.leash import leashed
from infra.network import LOOPBACK, claim_port, free_port, wait_until_answering
from infra.storage import write_atomically

FOLDER = Path(__file__).parent / "prometheus"
TARGETS = "targets.json"
ANNOUNCED = f"metrics/{TARGETS}"
"""Where `preflight serve` says at which addresses its workers can be scraped."""
DATA = "prometheus/data"
START_SECONDS = 60
KEPT = "100d"  # the quality objective looks back on eight weeks; the default is fifteen days


class PrometheusMissing(PreflightError, RuntimeError):  # noqa: N818
    """Prometheus is not installed."""


class PrometheusEnded(PreflightError, RuntimeError):  # noqa: N818
    """Prometheus ended although nobody asked it to."""


@dataclass(frozen=True)
class Prometheus:
    """A Prometheus that answers at `address`, where it keeps its data, and where it logs."""

    address: str
    data: Path
    log: Path
    process: subprocess.Popen

    def require_alive(self) -> None:
        """Raise PrometheusEnded, naming its log, when it has ended."""
        if self.process.poll() is not None:
            raise PrometheusEnded(f"Prometheus ended with code {self.process.returncode}; see {self.log}")


@contextmanager
def running_prometheus(home: Path, service_port: int, port: int | None = None) -> Iterator[Prometheus]:
    """Prometheus on a loopback port, before where the service of `home` last answered, or else `service_port`.

    Raises PrometheusMissing, PortInUse before anything is started, ServerDidNotStart naming its log.
    """
    find_program("prometheus")
    home, port = home.resolve(), claim_port(port or free_port())
    log = home / "logs" / f"prometheus-{port}.log"
    with leashed(prometheus_command(home, service_port, port), log) as process:
        running = Prometheus(f"http://{LOOPBACK}:{port}", home / DATA, log, process)
        wait_until_answering(f"{running.address}/-/ready", process, log, START_SECONDS)
        yield running


def prometheus_command(home: Path, service_port: int, port: int) -> list[str]:
    """Prometheus on a loopback port, with a copy of the configuration under `home`. Raises PrometheusMissing."""
    program, home = find_program("prometheus"), home.resolve()
    command = [program, f"--config.file={copy_configuration(home, service_port)}", f"--storage.tsdb.path={home / DATA}"]
    return [*command, f"--web.listen-address={LOOPBACK}:{port}", f"--storage.tsdb.retention.time={KEPT}"]


def copy_configuration(home: Path, service_port: int) -> Path:
    """A copy of the configuration under `home`, with the targets of its service; where it lies."""
    folder = home / "prometheus" / "config"
    shutil.copytree(FOLDER, folder, dirs_exist_ok=True)
    announced = home / ANNOUNCED
    if not announced.exists():
        announce_targets(home, [f"{LOOPBACK}:{service_port}"])
    configuration = folder / "prometheus.yml"
    configuration.write_text(configuration.read_text().replace(TARGETS, str(announced)))
    return configuration


def announce_targets(home: Path, addresses: list[str]) -> None:
    """Say at which addresses, `host:port`, the workers of a home can be scraped; Prometheus follows the file."""
    write_atomically(home / ANNOUNCED, json.dumps([{"targets": addresses}]).encode())


def find_program(name: str) -> str:
    """The path of `prometheus` or `promtool`. Raises PrometheusMissing saying how to install it."""
    found = shutil.which(name)
    if found is None:
        raise PrometheusMissing(
            f"there is no {name} on PATH; install it (apt-get install prometheus, brew install prometheus)"
        )
    return found
