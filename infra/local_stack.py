"""A stack of servers as plain processes: one keeper, detached, that holds each of them on a leash.

Here is what commands do with it; the keeper itself is `infra/stack_keeper.py`.

Why a keeper, and not detached servers with pid files: with it nothing can be left behind. The keeper holds a lock of
the operating system as long as it lives, so whether a stack runs is never guessed from a number in a file. It does
what `stack/wanted.json` says, and ends its servers when that file is gone.

- `up` is killed at any moment: before the keeper was started nothing runs; after that the keeper goes on without it.
- The keeper is killed with -9: every leash notices, and ends its server (`infra/leash.py`).
- Keeper and leashes are killed: `stack/running.json` names every process of every server, with the moment it began;
  the next `up` or `down` kills those of them that still run, and nobody who has their number by now.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from infra.errors import PreflightError
from infra.leash import GRACE_SECONDS
from infra.local_process import Identity, end_all
from infra.storage import BusyError, Store

FOLDER, KEEPER = "stack", "stack/keeper"
WANTED, RUNNING = f"{FOLDER}/wanted.json", f"{FOLDER}/running.json"
KEEPER_SECONDS = 60
LOG = "logs/stack.log"


class StackStuck(PreflightError, RuntimeError):  # noqa: N818
    """The keeper of a stack does not start, or does not end."""


@dataclass(frozen=True)
class Service:
    """A server that is wanted. It is started again when `attempt` has grown since it ended.

    `health` is the address that answers 200 when it is up; `needs` names a service that has to be up before it is
    started; `database` is the SQLite file that its first start makes, within the home folder.
    """

    name: str
    command: tuple[str, ...]
    address: str
    health: str
    log: str
    environment: dict[str, str] = field(default_factory=dict)
    needs: str | None = None
    database: str | None = None
    attempt: int = 1


@dataclass(frozen=True)
class Running:
    """What became of a service: its processes, since when, the exit code if it has ended, where its log begins."""

    attempt: int
    since: str
    family: tuple[Identity, ...]
    ended: int | None = None
    log_from: int = 0

    @property
    def pid(self) -> int | None:
        """The number of the server's own process; the leash that holds it is the first of the family."""
        return next((one.pid for one in self.family[1:]), None)


def wanted_services(store: Store) -> list[Service]:
    """The services that are to run, in the order of their start; none when no stack is wanted."""
    found = store.read_json(WANTED) or {"services": []}
    return [Service(**{**one, "command": tuple(one["command"])}) for one in found["services"]]


def want(store: Store, services: Iterable[Service], **more: object) -> None:
    """Say which services are to run; the keeper follows. `more` is kept beside them."""
    store.write_json(WANTED, {"services": [asdict(one) for one in services], **more})


def running_services(store: Store) -> dict[str, Running]:
    """What the keeper last said of each service; nothing when there is no keeper."""
    return {
        name: Running(**{**one, "family": tuple(Identity(*each) for each in one["family"])})
        for name, one in (keeper_says(store) or {"services": {}})["services"].items()
    }


def keeper_says(store: Store) -> dict | None:
    """What a living keeper has written, None when there is none."""
    found = store.read_json(RUNNING)
    return found if found and Identity(*found["keeper"]).process else None


def address_of(home: Path, name: str) -> str | None:
    """Where a service of the home's stack answers, or will; None without a keeper, or when it ended or is not kept."""
    store = Store(home)
    found = keeper_says(store)
    if found is None or (found["services"].get(name) or {}).get("ended") is not None:
        return None
    return next((one.address for one in wanted_services(store) if one.name == name), None)


@contextmanager
def changing(store: Store, wait_seconds: float) -> Iterator[None]:
    """Let one command at a time start or end the stack of a home. Raises BusyError."""
    with store.exclusively(FOLDER, wait_seconds):
        yield


def ensure_keeper(store: Store, environment: dict[str, str]) -> None:
    """Start a keeper unless one is there; return when it is. Raises StackStuck naming its log."""
    if not _sweep_without_keeper(store):
        return
    log = store.path(LOG)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.stack_keeper", str(store.home)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,  # it outlives the command that started it
        )
    threading.Thread(target=process.wait, daemon=True).start()  # if it ends before us, it does not stay as a zombie
    deadline = time.monotonic() + KEEPER_SECONDS
    while keeper_says(store) is None:
        if time.monotonic() > deadline:
            raise StackStuck(f"the keeper of the stack did not start within {KEEPER_SECONDS} s; see {log}")
        time.sleep(0.05)


def end_stack(store: Store) -> int:
    """End every service in reverse order, then the keeper; return when nothing of it runs. How many had to be killed.

    Raises StackStuck when even that does not end it.
    """
    seconds = KEEPER_SECONDS + len(wanted_services(store)) * (GRACE_SECONDS + 5)
    store.remove(WANTED)
    said = keeper_says(store)
    keeper = [Identity(*said["keeper"])] if said else []
    try:
        with store.exclusively(KEEPER, seconds):
            end_all(keeper, GRACE_SECONDS)  # it gave up its lock, and is about to be gone
            return _sweep(store)
    except BusyError:
        end_all(keeper, 0)
    try:
        with store.exclusively(KEEPER, GRACE_SECONDS):
            return _sweep(store)
    except BusyError as error:
        raise StackStuck(f"something still holds {store.path(KEEPER)}; see {store.path(LOG)}") from error


def _sweep_without_keeper(store: Store) -> bool:
    """Whether there is no keeper; then what an earlier one left behind is ended."""
    try:
        with store.exclusively(KEEPER):
            _sweep(store)
            return True
    except BusyError:
        return False


def _sweep(store: Store) -> int:
    """End what a keeper that is gone has left; leashes are given the time that they take."""
    found = store.read_json(RUNNING) or {"services": {}}
    left = [Identity(*each) for one in found["services"].values() for each in one["family"]]
    killed = end_all(left, GRACE_SECONDS + 1)
    store.remove(RUNNING)
    return killed
