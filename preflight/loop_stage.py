"""What the loop needs to be shown: a home whose champion has aged, a Prefect server, a worker, a service."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from infra.errors import PreflightError
from infra.leash import leashed
from infra.local_process import kill_family
from infra.network import LOOPBACK, free_port, wait_until_answering
from infra.orchestrator import prefect_server
from infra.settings import Settings, load_settings
from pipelines.clock import Week
from pipelines.context import Context

AGED = {
    "first_day": date(2013, 6, 24),
    "first_scored_week": date(2013, 7, 29),
    "last_day": date(2013, 9, 8),
    "history_days": 31,
    "calibration_days": 7,
    "trees": 40,
    "forests": 1,
    "tune_trials": 0,
    "retrain_every_weeks": 52,
}
"""A champion of the stormy weeks around July that nobody renews by the calendar: in September it is too gloomy."""
LAST_WEEK = Week(date(2013, 9, 2))
"""The week at whose end its probabilities are off by more than is allowed: real flights, found by living on."""
START_SECONDS = 180
PREPARE_SECONDS = 1800
NOT_INHERITED = ("PREFLIGHT_", "BENTOML_HOME", "MPLCONFIGDIR", "PREFECT_API_URL")


class LoopBroken(PreflightError, RuntimeError):  # noqa: N818
    """A step of the loop did not come, or not in time."""


@dataclass
class Stage:
    """A folder with the home that is played in, a copy of it as it was prepared, and the server's address."""

    folder: Path
    server_url: str
    worker: subprocess.Popen | None = None

    @property
    def home(self) -> Path:
        """Where everything is played: always the same folder, so that one worker serves all times."""
        return self.folder / "home"

    @property
    def settings(self) -> Settings:
        """The settings of that home."""
        return load_settings(home=self.home, **AGED)

    @property
    def context(self) -> Context:
        """The home as it is now, nothing remembered."""
        return Context(self.settings)

    def restore(self) -> None:
        """Put the home back to how it was prepared."""
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.copytree(self.folder / "prepared", self.home)

    def command(self, *arguments: str) -> list[str]:
        """A command of ours."""
        return [sys.executable, "-m", "preflight", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a command that acts in this home and tells this server."""
        ours = {f"PREFLIGHT_{name.upper()}": str(value) for name, value in AGED.items()}
        theirs = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
        return {
            **theirs,
            **ours,
            "PREFLIGHT_HOME": str(self.home),
            "PREFECT_HOME": str(self.folder / "prefect"),
            "PREFECT_API_URL": self.server_url,
        }

    @contextmanager
    def working(self) -> Iterator[subprocess.Popen]:
        """`preflight worker`, for the length of the block, or until it is killed."""
        log = self.folder / "logs" / "worker.log"
        with leashed(self.command("worker"), log, self.environment) as process:
            wait_for_words(log, "trainings are done in", process)
            self.worker = process
            yield process

    @contextmanager
    def serving(self) -> Iterator[str]:
        """`preflight serve` for the length of the block; its address."""
        port, log = free_port(), self.folder / "logs" / "serve.log"
        with leashed(self.command("serve", "--port", str(port)), log, self.environment) as process:
            address = f"http://{LOOPBACK}:{port}"
            wait_until_answering(f"{address}/readyz", process, log, START_SECONDS)
            yield address

    def end_week(self) -> dict:
        """`preflight end-week`, and what it decided. Raises LoopBroken."""
        command = self.command("end-week", LAST_WEEK.id, "--json")
        ended = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=PREPARE_SECONDS)
        if ended.returncode != 0:
            raise LoopBroken(f"the week did not end: {ended.stderr.strip()[-500:]}")
        return json.loads(ended.stdout)

    def kill_worker(self) -> int:
        """End the worker and all that it runs with SIGKILL, as a machine that goes down; how many processes."""
        return kill_family(self.worker.pid)


@contextmanager
def set_stage(folder: Path, tell: Callable[[str], None]) -> Iterator[Stage]:
    """A stage with a server that runs and a home that is prepared, told week by week."""
    with prefect_server(folder) as server:
        stage = Stage(folder, server.url)
        _prepare(stage, tell)
        server.wait()
        yield stage


def _prepare(stage: Stage, tell: Callable[[str], None]) -> None:
    """Live up to the week before the last, without a server of others."""
    environment = {name: value for name, value in stage.environment.items() if name != "PREFECT_API_URL"}
    environment["PREFECT_HOME"] = str(stage.folder / "prefect-of-preparation")
    log, told = stage.folder / "logs" / "prepare.log", 0
    tell(f"preparing: real weeks are lived until the champion of July is old, up to {LAST_WEEK.id}")
    command = stage.command("replay", "--until", LAST_WEEK.plus(-1).id)
    with leashed(command, log, environment) as process:
        while process.poll() is None:
            weeks = stage.context.journal.weeks("validate")
            for week in weeks[told:]:
                tell(f"living the week of {week}")
            told = len(weeks)
            time.sleep(0.5)
    if process.returncode != 0:
        raise LoopBroken(f"the home could not be prepared: {log.read_text()[-500:]}")
    shutil.copytree(stage.home, stage.folder / "prepared")


def wait_for_words(log: Path, words: str, process: subprocess.Popen, seconds: float = START_SECONDS) -> None:
    """Return when a log that grows has said something. Raises LoopBroken."""
    deadline, before = time.monotonic() + seconds, log.stat().st_size if log.exists() else 0
    while time.monotonic() < deadline and process.poll() is None:
        with log.open("rb") as said:
            said.seek(before)
            if words.encode() in said.read():
                return
        time.sleep(0.2)
    raise LoopBroken(f"the worker did not start; see {log}")
