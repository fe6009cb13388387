"""Keeps the stack of a home: `python -m infra.stack_keeper HOME`. Why and how is said in `infra/local_stack.py`."""

import contextlib
import os
import signal
import sys
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil

from infra.leash import GRACE_SECONDS, leashed
from infra.local_process import descendants, identify
from infra.local_stack import KEEPER, RUNNING, WANTED, Service, wanted_services
from infra.storage import BusyError, Store, forget_unfinished_database, mark_migrated

LOOK_SECONDS = 0.5
AT_ONCE = 2
"""Services that may be starting at the same time: started all at once they import for minutes, and give up waiting."""
STARTING_SECONDS = 120
"""How long a service that does not answer yet keeps others from being started."""


class Kept:
    """A service that was started: its leash, all of its processes, and its exit code once it has ended."""

    def __init__(self, service: Service, home: Path) -> None:
        self.service = service
        self.since = datetime.now(UTC).isoformat(timespec="seconds")
        self.ended: int | None = None
        self.is_up = False
        self._home = home
        log = home / service.log
        self.log_from = log.stat().st_size if log.exists() else 0
        self._began = time.monotonic()
        if service.database:
            path = home / service.database
            forget_unfinished_database(path.parent, path.name)
        self._leash = ExitStack()
        environment = {**os.environ, **service.environment}
        self._process = self._leash.enter_context(leashed(list(service.command), log, environment))
        self._family: list[psutil.Process] = []

    @property
    def is_starting(self) -> bool:
        """Whether it runs, has not answered yet, and may still."""
        return self.ended is None and not self.is_up and time.monotonic() - self._began < STARTING_SECONDS

    def look(self) -> None:
        """Notice what it has started, that it answers for the first time, and that it has ended."""
        if self.ended is not None:
            return
        if self._process.poll() is not None:
            self.end()
            return
        known = set(self._family)
        self._family = [one for one in self._family if one.is_running()]
        found = descendants(self._process.pid) - known
        self._family += sorted(found, key=lambda one: (one.pid != self._process.pid, one.pid))
        if not self.is_up and answers(self.service.health):
            self.is_up = True
            if self.service.database:
                mark_migrated((self._home / self.service.database).parent)

    def end(self) -> None:
        """Ask it to end, wait, kill what is left of it."""
        self._leash.close()
        for left in self._family:  # psutil kills no stranger of the same number
            with contextlib.suppress(psutil.Error):
                left.kill()
        self.ended = self._process.returncode

    def as_record(self) -> dict:
        """What `running_services` reads."""
        family = [] if self.ended is not None else [one for one in map(identify, self._family) if one]
        return {
            "attempt": self.service.attempt,
            "since": self.since,
            "family": [[one.pid, one.created] for one in family],
            "ended": self.ended,
            "log_from": self.log_from,
        }


class Keeper:
    """Starts what is wanted, notices what ends, and writes both down."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: dict[str, Kept] = {}
        self._said: dict | None = None

    def step(self) -> bool:
        """One look at what is wanted and what runs; False when no stack is wanted any more."""
        if self._store.read_json(WANTED) is None:
            return False
        for service in wanted_services(self._store):
            kept = self._kept.get(service.name)
            if kept is not None:
                kept.look()
            is_new = kept is None or (kept.ended is not None and kept.service.attempt < service.attempt)
            has_room = sum(one.is_starting for one in self._kept.values()) < AT_ONCE
            if is_new and has_room and self._is_up(service.needs):
                self._kept[service.name] = Kept(service, self._store.home)
                self._kept[service.name].look()
            self._write()
        self._write()
        return True

    def end(self) -> None:
        """End everything, the last that was started first."""
        for kept in reversed(self._kept.values()):
            if kept.ended is None:
                kept.end()
            self._write()

    def _is_up(self, name: str | None) -> bool:
        return name is None or (name in self._kept and self._kept[name].is_up and self._kept[name].ended is None)

    def _write(self) -> None:
        me = psutil.Process()
        said = {
            "keeper": [me.pid, me.create_time()],
            "services": {name: kept.as_record() for name, kept in self._kept.items()},
        }
        if said != self._said:
            self._store.write_json(RUNNING, said)
            self._said = said


def answers(url: str) -> bool:
    """Whether an address answers 200 now."""
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(url, timeout=2).status_code == 200
    return False


def main(home: Path) -> int:
    """Keep the stack of a home until it is not wanted any more, or until told to end."""
    over, store = threading.Event(), Store(home)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    try:
        with store.exclusively(KEEPER, GRACE_SECONDS):
            keeper = Keeper(store)
            try:
                while keeper.step() and not over.wait(LOOK_SECONDS):
                    pass
            finally:
                keeper.end()
                store.remove(RUNNING)
    except BusyError as error:
        sys.stderr.write(f"there is a keeper already: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
