"""Evidently's own pages as a child process on a leash: it shows the workspace of a home folder, on loopback."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.errors import PreflightError
from infra.leash import leashed
from infra.network import LOOPBACK, claim_port, wait_until_answering

WORKSPACE = "evidently"
START_SECONDS = 180


class NoWorkspace(PreflightError, LookupError):  # noqa: N818
    """There is no workspace yet that could be shown."""


class EvidentlyEnded(PreflightError, RuntimeError):  # noqa: N818
    """The server ended although nobody asked it to."""


@dataclass(frozen=True)
class EvidentlyServer:
    """A server that answers at `address`, and where it logs."""

    address: str
    log: Path
    process: subprocess.Popen

    def require_alive(self) -> None:
        """Raise EvidentlyEnded, naming its log, when it has ended."""
        if self.process.poll() is not None:
            raise EvidentlyEnded(f"evidently ended with code {self.process.returncode}; see {self.log}")


@contextmanager
def running_evidently(home: Path, port: int) -> Iterator[EvidentlyServer]:
    """A server of the workspace of `home`; it ends with the block.

    Raises NoWorkspace, PortInUse before anything is started, ServerDidNotStart naming its log.
    """
    command, log = evidently_command(home, port), home / "logs" / "evidently.log"
    claim_port(port)
    with leashed(command, log) as process:
        server = EvidentlyServer(f"http://{LOOPBACK}:{port}", log, process)
        wait_until_answering(f"{server.address}/api/version", process, log, START_SECONDS)
        yield server


def evidently_command(home: Path, port: int) -> list[str]:
    """The server of the workspace of `home` on a loopback port. Raises NoWorkspace."""
    folder = home / WORKSPACE
    if not folder.exists():
        raise NoWorkspace(f"there is no Evidently workspace under {home}; run: preflight workspace")
    command = [sys.executable, "-m", "evidently.cli", "ui", "--host", LOOPBACK, "--port", str(port)]
    return [*command, "--workspace", str(folder)]
