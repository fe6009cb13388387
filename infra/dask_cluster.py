"""A Dask scheduler and workers on loopback, by the commands a real cluster is started with, for a proof or a test."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from infra.leash import leashed
from infra.network import LOOPBACK, ServerDidNotStart, free_port

SCHEDULER = ("-m", "distributed.cli.dask_scheduler", "--no-dashboard")
WORKER = ("-m", "distributed.cli.dask_worker", "--no-dashboard", "--no-nanny", "--nthreads", "1")
START_SECONDS = 60


@dataclass(frozen=True)
class DaskCluster:
    """The scheduler's address, and where each worker writes the number of its process."""

    address: str
    pid_files: tuple[Path, ...]

    def kill(self, number: int) -> None:
        """End a worker as `kill -9` does. Nobody starts it again."""
        psutil.Process(int(self.pid_files[number].read_text())).kill()


@contextmanager
def dask_cluster(folder: Path, workers: int) -> Iterator[DaskCluster]:
    """A scheduler with so many workers, ended with the block; logs and what they spill are in `folder`."""
    address = f"tcp://{LOOPBACK}:{free_port()}"
    scheduler = [sys.executable, *SCHEDULER, "--host", address, "--pid-file", str(folder / "scheduler.pid")]
    pid_files = tuple(folder / f"worker-{number}.pid" for number in range(workers))
    with ExitStack() as running:
        process = running.enter_context(leashed(scheduler, folder / "scheduler.log"))
        _wait_for(folder / "scheduler.pid", process, folder / "scheduler.log")
        for number, pid_file in enumerate(pid_files):
            worker = [sys.executable, *WORKER, address, "--host", LOOPBACK, "--pid-file", str(pid_file)]
            worker += ["--local-directory", str(folder), "--name", f"worker-{number}"]
            process = running.enter_context(leashed(worker, folder / f"worker-{number}.log"))
            _wait_for(pid_file, process, folder / f"worker-{number}.log")
        yield DaskCluster(address, pid_files)


def _wait_for(pid_file: Path, process: Any, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not (pid_file.exists() and pid_file.read_text().strip()):
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServerDidNotStart(f"Dask did not come up; see {log}")
        time.sleep(0.05)
