"""Loopback ports and servers that come up: is a port free, who holds it, does it answer yet?"""

import contextlib
import socket
import subprocess
import time

import httpx
import psutil

from infra.errors import PreflightError

LOOPBACK = "127.0.0.1"


class PortInUse(PreflightError, RuntimeError):  # noqa: N818
    """A port that a server needs is held by another process."""


class ServerDidNotStart(PreflightError, RuntimeError):  # noqa: N818
    """A server ended or stayed silent before it answered."""


def free_port() -> int:
    """A loopback port that nothing listens on right now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


def claim_port(port: int) -> int:
    """`port` if nothing listens on it. Raises PortInUse naming the owner and the way out."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise PortInUse(
                f"port {port} is in use by {port_owner(port)}; end it, or choose another with --port or PREFLIGHT_PORT"
            ) from error
    return port


def port_owner(port: int) -> str:
    """Name and id of the process that listens on a port, as far as this user may see it."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
                name = psutil.Process(connection.pid).name() if connection.pid else "another user's process"
                return f"{name} (process {connection.pid})"
    return "another process"


def wait_until_answering(
    url: str, process: subprocess.Popen, log: object, timeout_seconds: float, verify: bool = True
) -> None:
    """Return when `url` answers 200. Raises ServerDidNotStart, naming the log, when the process ends or time is up.

    Without `verify` any certificate will do: that of a server of our own names its public name, not the loopback.
    """
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerDidNotStart(f"the server for {url} ended with code {process.returncode}; see {log}")
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=2, verify=verify).status_code == 200:
                return
        time.sleep(0.1)
    raise ServerDidNotStart(f"{url} did not answer within {timeout_seconds:.0f} s; see {log}")
