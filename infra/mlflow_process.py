"""MLflow's own pages over the registry of a home folder: the command of its server."""

import sys
from pathlib import Path

from infra.network import LOOPBACK


def mlflow_command(home: Path, port: int) -> list[str]:
    """A tracking server with one worker on a loopback port, over the files that `infra/registry.py` writes itself.

    Its job runner, eight more processes, is off in every command of ours: see `infra/environment.py`.
    """
    folder = home / "mlflow"
    return [
        *(sys.executable, "-m", "mlflow", "server", "--host", LOOPBACK, "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
        *("--artifacts-destination", (folder / "artifacts").as_uri()),
    ]
