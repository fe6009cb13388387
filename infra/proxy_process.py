"""nginx in front of the workers of the service, on a leash: its configuration is `infra/proxy/nginx.conf.jinja`.

What the service cannot do for itself: cut off clients that stall, refuse what is too large or too
much before it costs a worker, and ask another worker when one has died.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from infra.errors import PreflightError
from infra.leash import leashed
from infra.network import LOOPBACK, claim_port, wait_until_answering
from infra.storage import write_atomically

ROUTES = {
    **dict.fromkeys(("/v1/predict", "/v1/predict_batch", "/v1/explain"), "POST"),
    **dict.fromkeys(("/predict", "/predict_batch", "/explain", "/model"), "POST"),
    **dict.fromkeys(("/v1/model", "/readyz"), "GET"),
}
"""What is passed to a worker, and by which method; everything else is answered with 404."""

CONTAINERS = ["service-1:3000", "service-2:3000"]
"""The workers of docker-compose.yml."""
TEMPORARY, OUTPUT = Path("/tmp"), Path("/dev/stdout")
START_SECONDS = 20
DRAIN_SECONDS = 10
OUTSIDE_PATH = "/usr/sbin:/usr/local/sbin"  # where it is installed, and where an ordinary user's PATH does not look


class ProxyMissing(PreflightError, RuntimeError):  # noqa: N818
    """nginx is not installed."""


class ProxyEnded(PreflightError, RuntimeError):  # noqa: N818
    """The proxy ended although nobody asked it to."""


@dataclass(frozen=True)
class ProxyLimits:
    """What clients may ask for, and how long the proxy waits for them and for workers."""

    body_bytes: int = 1_000_000  # 1,000 flights are 250 kB
    requests_per_second: int = 1000  # of one address
    burst: int = 1000  # requests of one address above that pace
    in_flight_of_address: int = 256
    in_flight: int = 512  # of all addresses; as many bodies are in memory at most
    header_seconds: float = 5
    body_seconds: float = 5
    idle_seconds: float = 60
    connect_seconds: float = 1
    answer_seconds: float = 10  # of each of two tries
    rest_seconds: int = 2  # that a worker is left alone after three failures


@dataclass(frozen=True)
class Certificate:
    """The files by which the proxy speaks TLS: the certificate with its chain, and its key."""

    chain: Path
    key: Path


@dataclass(frozen=True)
class Proxy:
    """A proxy that answers at `address`, what it says of itself in `log`, and of each request in `access_log`."""

    address: str
    log: Path
    access_log: Path
    process: subprocess.Popen

    def require_alive(self) -> None:
        """Raise ProxyEnded, naming its log, when it has ended."""
        if self.process.poll() is not None:
            raise ProxyEnded(f"the proxy ended with code {self.process.returncode}; see {self.log}")


@contextmanager
def running_proxy(
    home: Path,
    port: int,
    upstreams: list[str],
    limits: ProxyLimits | None = None,
    certificate: Certificate | None = None,
    host: str = LOOPBACK,
) -> Iterator[Proxy]:
    """nginx on `port` before the workers at `upstreams` (`host:port`); it ends with the block, after what is in flight.

    Raises ProxyMissing, PortInUse before anything is started, ServerDidNotStart naming its log.
    """
    nginx, home, port = find_nginx(), home.resolve(), claim_port(port)
    folder, log = home / "proxy" / str(port), home / "logs" / f"proxy-{port}.log"
    access_log = log.with_name(f"proxy-{port}-access.jsonl")
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        proxy_configuration(
            folder, access_log, f"{host}:{port}", upstreams, limits or ProxyLimits(), certificate, os.geteuid() == 0
        )
    )
    command = [nginx, "-e", "stderr", "-p", str(folder), "-c", str(configuration)]
    with leashed(command, log) as process:
        proxy = Proxy(f"{'https' if certificate else 'http'}://{LOOPBACK}:{port}", log, access_log, process)
        wait_until_answering(f"{proxy.address}/livez", process, log, START_SECONDS, verify=False)
        try:
            yield proxy
        finally:
            _drain(folder / "nginx.pid", process)


def find_nginx() -> str:
    """The path of nginx. Raises ProxyMissing saying how to install it."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:{OUTSIDE_PATH}")
    if found is None:
        raise ProxyMissing(
            f"the proxy needs nginx, and there is none on PATH or in {OUTSIDE_PATH}; "
            "install it (apt-get install nginx, brew install nginx), or serve without a proxy"
        )
    return found


def proxy_configuration(
    folder: Path,
    access_log: Path,
    listen: str,
    upstreams: list[str],
    limits: ProxyLimits,
    certificate: Certificate | None = None,
    is_root: bool = False,
    looked_at: str | None = None,
) -> str:
    """The text of `nginx.conf`: `folder` takes its process id and temporary files, `listen` is `host:port`.

    `looked_at` is a second address, without TLS: for a health check that is beside it.
    """
    environment = Environment(
        loader=PackageLoader("infra", "proxy"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("nginx.conf.jinja").render(
        root=is_root,
        folder=folder,
        access_log=access_log,
        listen=listen,
        looked_at=looked_at,
        upstreams=upstreams,
        limits=limits,
        certificate=certificate,
        routes=ROUTES,
        drain_seconds=DRAIN_SECONDS,
    )


def write_for_containers(folder: Path) -> list[Path]:
    """Write what nginx is started with in a container, `nginx.conf`, and `tls.conf` for who mounts a certificate.

    Temporary files go where a container that is otherwise read-only may write, and the access log to its output.
    """
    plain = proxy_configuration(TEMPORARY, OUTPUT, "0.0.0.0:8080", CONTAINERS, ProxyLimits())
    secret = Certificate(Path("/run/secrets/tls.crt"), Path("/run/secrets/tls.key"))
    inside = f"{LOOPBACK}:8080"  # of the container: what its health check asks, with TLS as without
    tls = proxy_configuration(TEMPORARY, OUTPUT, "0.0.0.0:8443", CONTAINERS, ProxyLimits(), secret, looked_at=inside)
    texts = {"nginx.conf": plain, "tls.conf": tls}
    return [write_atomically(folder / name, text.encode()) for name, text in texts.items()]


def _drain(pid_file: Path, process: subprocess.Popen) -> None:
    """Let it answer what it has accepted; the leash ends what is left."""
    if process.poll() is not None:
        return  # the number in its file may be another's by now
    with contextlib.suppress(OSError, ValueError, subprocess.TimeoutExpired):
        os.kill(int(pid_file.read_text()), signal.SIGQUIT)
        process.wait(DRAIN_SECONDS)


if __name__ == "__main__":
    write_for_containers(Path(sys.argv[1]))
