"""The system that a card breaks: a copy of the ground, what lies around it, and helpers of those who break it."""

import hashlib
import random
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from data_checks import schema as s
from infra.bundle import MANIFEST
from infra.leash import run_on_leash
from infra.storage import export_table
from pipelines.clock import Week
from pipelines.scoring import NoChampion
from practice.drills.feeds import week_of_source
from practice.drills.ground import COMMAND_SECONDS, LAST, NEXT, Played


@dataclass(frozen=True)
class Scratch:
    """The folder of a card, its system under `home`, and what is random in its fault."""

    folder: Path
    played: Played
    random: random.Random

    @property
    def backup(self) -> Path:
        """The archive that was made before anything broke."""
        return self.folder / "backup" / "last-night.tar"

    @property
    def sender(self) -> Path:
        """Where senders put what they export when they are asked."""
        return self.folder / "sender"

    def back_up(self) -> None:
        """Keep the system as it is now, in the place of an archive that was kept before."""
        self.backup.unlink(missing_ok=True)
        self.played.must("backup", self.backup)

    def export(self, name: str, rows: pl.DataFrame) -> Path:
        """A file that a sender exports."""
        return export_table(self.sender / f"{name}.parquet", rows)

    def aircraft(self) -> dict[str, str]:
        """The tail number of one that flew in the newest week, and one of its flights as `explain flight` takes it."""
        plan = rows_of(self.played, s.SCHEDULE, LAST).drop_nulls(s.TAIL_NUMBER).sort(s.FLIGHT_ID)
        row = plan.row(self.random.randrange(plan.height), named=True)
        return {"tail": row[s.TAIL_NUMBER], "flight": as_asked(row)}


def dress(scratch: Scratch) -> None:
    """What lies around every system: last night's backup, and what senders export of the week to come."""
    scratch.back_up()
    for feed in s.FEEDS.values():
        scratch.export(feed.name, week_of_source(scratch.played, feed, NEXT))


def places(folder: Path) -> dict[str, str]:
    """The facts that every card has: where its things are."""
    return {
        "home": str(folder / "home"),
        "backup": str(folder / "backup" / "last-night.tar"),
        "sender": str(folder / "sender"),
        "env": str(folder / "env.sh"),
        "next": NEXT.id,
        "last": LAST.id,
    }


def champion_of(played: Played) -> int:
    """The version that answers, as it is on record. Raises NoChampion."""
    version = played.context.answering_version()
    if version is None:
        raise NoChampion(f"expected a champion under {played.home}, got none; prepare the ground again")
    return version


def registered_sha256(played: Played, version: int) -> str:
    """The hash that names the bundle of a version, as the gate's own record of it says."""
    records = [played.store.read_json(f"records/{path.name}") for path in played.store.files("records", "*.json")]
    return next(one["bundle_sha256"] for one in records if one is not None and one["version"] == version)


def bundle_of(played: Played, version: int) -> Path:
    """The folder of a version's bundle in the registry, known by the hash of its manifest."""
    named = registered_sha256(played, version)
    manifests = (played.home / "mlflow").rglob(MANIFEST)
    return next(path.parent for path in manifests if sha256_of(path) == named)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def by_hand(played: Played, code: str) -> None:
    """What somebody did in a notebook, beside all commands: Python with MLflow pointed at this home's registry."""
    uri = f"sqlite:///{played.home / 'mlflow' / 'mlflow.db'}"
    environment = played.environment() | {"MLFLOW_TRACKING_URI": uri, "MLFLOW_DISABLE_TELEMETRY": "true"}
    run_on_leash([sys.executable, "-c", code], COMMAND_SECONDS, environment).check_returncode()


def write_environment(path: Path, played: Played) -> None:
    """A file to be sourced: from then on the ordinary commands act on this home and no other."""
    chosen = {"home": played.home, **played.settings_of_life}
    lines = [f"export PREFLIGHT_{name.upper()}={shlex.quote(str(value))}" for name, value in chosen.items()]
    forgotten = "unset PREFECT_HOME PREFECT_API_URL BENTOML_HOME MPLCONFIGDIR"
    path.write_text(
        "\n".join(["# the system of the incident card; to leave it, close this shell", forgotten, *lines, ""])
    )


def read_environment(path: Path) -> Played:
    """The system that such a file names, with the settings that stand in it now."""
    lines = [line.removeprefix("export ") for line in path.read_text().splitlines() if line.startswith("export ")]
    named = dict(shlex.split(line)[0].split("=", 1) for line in lines)
    settings = {name.removeprefix("PREFLIGHT_").lower(): value for name, value in named.items()}
    return Played(Path(settings.pop("home")), settings)


def as_asked(flight: Mapping[str, object]) -> str:
    """A row of the plan as commands take it: flight, day, airport."""
    name = f"{flight[s.CARRIER]}{flight[s.FLIGHT_NUMBER]}"
    return f"{name} {str(flight[s.FLIGHT_ID])[:10]} --origin {flight[s.ORIGIN]}"


def rows_of(played: Played, feed: s.Feed, week: Week) -> pl.DataFrame:
    """The rows of a feed that were accepted for a week."""
    return played.store.read_table(f"accepted/{feed.name}", week.id)
