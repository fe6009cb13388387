"""A Prefect server for the length of a command, so that flows need none to be running; one that is named is used.

It is a child process on a leash and keeps its records under `var/prefect`, where
`prefect server start` finds them again.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from infra.errors import PreflightError
from infra.leash import leashed
from infra.local_stack import address_of
from infra.network import LOOPBACK, free_port, wait_until_answering
from infra.storage import forget_unfinished_database, mark_migrated

START_SECONDS = 180
DRAIN_SECONDS = 15
SERVER = "prefect"
"""What the server is called in a local stack; its records lie in the folder of that name."""


def server_of(home: Path) -> str | None:
    """The API of a server that stays: the one that PREFECT_API_URL names, or that of the home's stack; None: neither.

    A stack that runs is found by its own file, so that no command starts a second server on the same database.
    """
    address = os.environ.get("PREFECT_API_URL")
    if address is None and (kept := address_of(home, SERVER)):
        address = f"{kept}/api"
    return address


def server_command(port: int) -> list[str]:
    """A Prefect server on a loopback port, with its pages."""
    return [sys.executable, "-m", "prefect", "server", "start", "--host", LOOPBACK, "--port", str(port)]


@contextmanager
def prefect_server(home: Path) -> Iterator["PrefectServer"]:
    """A server starting in the background; import what you need meanwhile, then enter `.ready()`."""
    if stays := server_of(home):
        yield PrefectServer(stays, None, home, own=False)
        return
    with own_server(home) as server:
        yield server


@contextmanager
def own_server(home: Path) -> Iterator["PrefectServer"]:
    """As `prefect_server`, whatever other server is named or runs."""
    folder, log, port = home / SERVER, home / "logs" / "prefect-server.log", free_port()
    forget_unfinished_database(folder, "prefect.db")
    command = [*server_command(port), "--no-ui"]
    with leashed(command, log, {**os.environ, "PREFECT_HOME": str(folder)}) as process:
        yield PrefectServer(f"http://{LOOPBACK}:{port}/api", process, home, own=True)


class PrefectServer:
    """A server at `url`; `own` when it is ours to start and stop."""

    def __init__(self, url: str, process: Any, home: Path, own: bool) -> None:
        self.url = url
        self._process = process
        self._home = home
        self._own = own

    def wait(self) -> None:
        """Return when a server of ours answers. Raises ServerDidNotStart, naming its log."""
        if self._own:
            log = self._home / "logs" / "prefect-server.log"
            wait_until_answering(f"{self.url}/health", self._process, log, START_SECONDS)
            mark_migrated(self._home / "prefect")

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Flows called inside the block report to this server."""
        from prefect.logging.handlers import APILogHandler
        from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

        with ExitStack() as stack:
            self.wait()
            stack.enter_context(temporary_settings({PREFECT_API_URL: self.url}))
            if self._own:
                # the heartbeat sleeps in steps of a second: one second per flow
                stack.enter_context(temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}))
                self._mark_killed_runs()
            try:
                yield
            finally:
                APILogHandler().flush()
                if self._own:
                    self._drain()

    def _mark_killed_runs(self) -> None:
        """We hold the home folder's lock, so a run that still says Running belongs to a process that was killed."""
        from prefect.client.orchestration import get_client
        from prefect.client.schemas.filters import FlowRunFilter
        from prefect.states import Crashed

        running = FlowRunFilter(state={"type": {"any_": ["RUNNING", "PENDING"]}})
        with get_client(sync_client=True) as client:
            for run in client.read_flow_runs(flow_run_filter=running):
                client.set_flow_run_state(run.id, Crashed(message="its process was killed"), force=True)

    def _drain(self) -> None:
        """Let the server write the task runs it was told of; it records them a moment later."""
        from prefect.client.orchestration import get_client
        from prefect.client.schemas.filters import TaskRunFilter

        unfinished = TaskRunFilter(state={"type": {"any_": ["RUNNING", "PENDING"]}})
        deadline = time.monotonic() + DRAIN_SECONDS
        with get_client(sync_client=True) as client:
            while time.monotonic() < deadline and client.read_task_runs(task_run_filter=unfinished, limit=1):
                time.sleep(0.3)
        time.sleep(1)


def tag_run(*tags: str) -> Callable[..., None]:
    """An `on_running` hook that gives a flow run these tags and `preflight`.

    Tags of a task, or of a `prefect.tags` block, which its tasks inherit, are names of
    concurrency limits too, and each task then pays 0.2 s to ask for them.
    """

    def tag(flow: object, run: Any, state: object) -> None:
        from prefect.client.orchestration import get_client

        with get_client(sync_client=True) as client:
            client.update_flow_run(run.id, tags=["preflight", *tags])

    return tag


def is_worth_a_retry(task: object, run: object, state: Any) -> bool:
    """Whether what a task failed with may be over in a moment: a busy database or file, never a rule that said no."""
    error = state.result(raise_on_failure=False)
    return not isinstance(error, PreflightError | ValueError | TypeError)


RETRIED: dict[str, Any] = {
    "retries": 2,
    "retry_delay_seconds": [1, 4],
    "retry_jitter_factor": 0.5,  # two that met at the same database do not meet there again
    "retry_condition_fn": is_worth_a_retry,
}
"""How a task that reads or writes outside is tried again; each is safe to be done twice."""
