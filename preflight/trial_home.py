"""A home folder that may be broken: what serving needs of a lived one, copied; the artefacts stay where they are."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.leash import leashed
from infra.network import LOOPBACK, free_port, wait_until_answering
from pipelines.clock import Week
from pipelines.context import Context

COPIED = ("journal", "ledger", "records", "reference", "history.json", "mlflow")
OF_THE_WEEK = ("accepted/schedule/{week}.parquet", "predictions/{week}.parquet", "online/{week}.npz")
START_SECONDS = 120


@dataclass(frozen=True)
class Trial:
    """A service that runs in a home of its own: the command, its address and its log."""

    context: Context
    week: Week
    address: str
    log: Path
    process: subprocess.Popen


def copy_home(context: Context, week: Week, home: Path) -> Context:
    """A home that serves a week as this one would, and can be changed without this one noticing."""
    for name in (*COPIED, *(path.format(week=week.id) for path in OF_THE_WEEK)):
        source, target = context.store.path(name), home / name
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    return Context(context.settings.model_copy(update={"home": home}))


@contextmanager
def serving(context: Context, week: Week) -> Iterator[Trial]:
    """`preflight serve` in that home for the length of the block, with its agent and its workers."""
    port, home = free_port(), context.settings.home
    log = home / "logs" / "serve.log"
    command = [sys.executable, "-m", "preflight", "--home", str(home), "serve", "--port", str(port), "--week", week.id]
    environment = {**os.environ, "PREFLIGHT_LOG_SEGMENT_MB": "4000"}  # one segment, which loading leaves there
    with leashed(command, log, environment) as process:
        address = f"http://{LOOPBACK}:{port}"
        wait_until_answering(f"{address}/readyz", process, log, START_SECONDS)
        yield Trial(context, week, address, log, process)
