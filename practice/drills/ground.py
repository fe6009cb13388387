"""The life that drills begin from: some weeks of the year with small models, lived once, copied for each drill."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from infra.errors import PreflightError
from infra.leash import leashed, run_on_leash
from infra.network import LOOPBACK, free_port, wait_until_answering
from infra.registry_place import keep_own_files
from infra.settings import Settings, load_settings
from infra.storage import Store
from monitoring.decision import PAGE, RETRAIN, WAIT, WATCH
from pipelines.clock import Week
from pipelines.context import Context

FOLDER = "practice/ground"
LIFE = {
    "first_scored_week": date(2013, 2, 4),
    "last_day": date(2013, 3, 10),
    "trees": 10,
    "tune_trials": 2,
    "calibration_days": 5,
    "fold_days": 5,
    "retrain_every_weeks": 2,
    "gate_least_gain": 0.0,
    "gate_confidence": 0.51,
}
"""Five weeks to learn from, four that are scored, one left to be lived. The gate lets small gains pass, so that there
is a champion before the champion."""
UNTIL, NEXT = date(2013, 3, 3), Week(date(2013, 3, 4))
LAST = NEXT.plus(-1)
"""The ground has lived up to that day, the end of week `LAST`; `NEXT` is the week that drills live, spoilt or not."""
COMMAND_SECONDS, START_SECONDS = 900, 180
NOT_INHERITED = ("PREFLIGHT_", "PREFECT_HOME", "BENTOML_HOME", "MPLCONFIGDIR", "PREFECT_API_URL")


class CommandFailed(PreflightError):  # noqa: N818
    """A command that a drill relies on did not end as it has to."""


@dataclass(frozen=True)
class Played:
    """A home that is played in by commands, as a user would.

    `code` is a folder of other code of ours that commands are run from, `variables` are more of their environment.
    """

    home: Path
    settings_of_life: Mapping[str, object] = field(default_factory=lambda: dict(LIFE))
    code: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The settings of the home."""
        return load_settings(home=self.home, **self.settings_of_life)

    @property
    def context(self) -> Context:
        """The home as it is now, nothing remembered."""
        return Context(self.settings)

    @property
    def store(self) -> Store:
        """Its files."""
        return Store(self.home)

    def environment(self, **more: object) -> dict[str, str]:
        """The variables of a command in this home; `more` are settings by name."""
        chosen = {"home": self.home, **self.settings_of_life, **more}
        theirs = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
        ours = {f"PREFLIGHT_{name.upper()}": str(value) for name, value in chosen.items()}
        return theirs | ours | dict(self.variables)

    def run(self, *arguments: object, **more: object) -> subprocess.CompletedProcess[str]:
        """A command of ours, whatever it comes to. Raises CommandFailed when it comes to nothing."""
        try:
            command = [sys.executable, "-m", "preflight", *map(str, arguments)]
            return run_on_leash(command, COMMAND_SECONDS, self.environment(**more), self.code)
        except subprocess.TimeoutExpired as error:
            said = " ".join(map(str, arguments))
            raise CommandFailed(f"`preflight {said}` had not ended after {COMMAND_SECONDS} s; try again") from error

    def must(self, *arguments: object, **more: object) -> str:
        """What a command says. Raises CommandFailed when it does not end with 0."""
        ended = self.run(*arguments, **more)
        if ended.returncode != 0:
            said = " ".join(map(str, arguments))
            raise CommandFailed(f"`preflight {said}` ended with {ended.returncode}: {ended.stderr.strip()[-600:]}")
        return ended.stdout

    def ask(self, *arguments: object, **more: object) -> dict:
        """What a command says as JSON. Raises CommandFailed."""
        return json.loads(self.must(*arguments, "--json", **more))

    def event(self, week: Week, stage: str) -> dict:
        """What is on record of a stage of a week, empty when nothing is."""
        return self.context.journal.read(week.id, stage) or {}

    @contextmanager
    def serving(self, *options: str, **more: object) -> Iterator[str]:
        """`preflight serve` in this home for the length of the block; its address."""
        port, log = free_port(), self.home / "logs" / "serve.log"
        command = [sys.executable, "-m", "preflight", "serve", "--port", str(port), *options]
        with leashed(command, log, self.environment(**more)) as process:
            address = f"http://{LOOPBACK}:{port}"
            wait_until_answering(f"{address}/readyz", process, log, START_SECONDS)
            yield address


@dataclass(frozen=True)
class Ground:
    """The prepared life, under `folder`; nobody breaks it, everybody copies it."""

    folder: Path
    life: Mapping[str, object] = field(default_factory=lambda: dict(LIFE))
    until: date = UNTIL

    @property
    def played(self) -> Played:
        """The home itself, to look at."""
        return Played(self.folder, self.life)

    def prepare(self) -> None:
        """Live up to the day drills begin at, unless that was done before. Raises CommandFailed."""
        if not self._is_lived():
            self.played.must("replay", "--until", self.until.isoformat())

    def copy(self, folder: Path) -> Played:
        """A copy to break, models and all: the registry of it names its own files."""
        shutil.copytree(self.folder, folder)
        keep_own_files(folder / "mlflow")
        return Played(folder, self.life)

    def _is_lived(self) -> bool:
        """Whether the last week was decided about, and what was decided was done."""
        last = Week.holding(self.until)
        action = self.played.event(last, "decide").get("action")
        return action in (WAIT, WATCH, PAGE) or (action == RETRAIN and bool(self.played.event(last, "promote")))

    def other(self, name: str, life: Mapping[str, object], until: date) -> "Ground":
        """Another life, kept beside this one; not prepared yet."""
        return Ground(self.folder.with_name(f"{self.folder.name}-{name}"), life, until)
