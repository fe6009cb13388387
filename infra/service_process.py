"""The prediction service as a child process on a leash: started on a loopback port, waited for, ended with us."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.leash import leashed
from infra.network import LOOPBACK, claim_port, wait_until_answering

SERVICE = "services.service:FlightLateness"
START_SECONDS = 120


@contextmanager
def running_service(home: Path, port: int) -> Iterator[str]:
    """The address of a service that answers from `home`; it ends with the block.

    Raises PortInUse before anything is started, ServerDidNotStart naming its log.
    """
    log = home / "logs" / f"service-{claim_port(port)}.log"
    environment = {
        **os.environ,
        "PREFLIGHT_HOME": str(home),
        "BENTOML_HOME": str(home / "bentoml" / str(port)),  # two services in one folder delete each other's metrics
    }
    command = [sys.executable, "-m", "bentoml", "serve", SERVICE, "--host", LOOPBACK, "--port", str(port)]
    with leashed(command, log, environment) as process:
        address = f"http://{LOOPBACK}:{port}"
        wait_until_answering(f"{address}/readyz", process, log, START_SECONDS)
        yield address
