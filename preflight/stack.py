"""`up`, `down`, `logs`, and the part of `status` about servers: everything of a home as plain processes, no Docker."""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.errors import PreflightError, UsageError
from infra.local_process import memory_bytes
from infra.local_stack import (
    FOLDER,
    Service,
    changing,
    end_stack,
    ensure_keeper,
    keeper_says,
    running_services,
    want,
    wanted_services,
)
from infra.local_stack import WANTED as WANTED_FILE
from infra.orchestrator import SERVER
from infra.settings import Settings
from infra.stack_keeper import answers
from infra.storage import Store
from pipelines.context import Context, open_context
from preflight import show
from preflight.stack_plan import MLFLOW, NAMES, TITLES, Plan, plan_stack

PORTS = f"{FOLDER}/ports.json"
WAIT_SECONDS = 600
"""How long one `up` or `down` waits for another."""
HEALTHY_SECONDS = 240
LOOK_SECONDS = 0.5
UP, STARTING, SILENT, WAITING, ENDED, STOPPED, SKIPPED = (
    *("up", "starting", "not answering", "waiting", "ended", "stopped"),
    "skipped",
)
BAD = (SILENT, ENDED, STOPPED)


class StackUnwell(PreflightError, RuntimeError):  # noqa: N818
    """A service of the stack did not come up."""


@dataclass(frozen=True)
class State:
    """A service as it is now: `state` in a word, `why` in a sentence where it is not up."""

    name: str
    title: str
    state: str
    why: str
    address: str
    log: str
    pid: int | None = None
    since: str | None = None
    memory_mb: int | None = None


def up(settings: Settings, asked: tuple[str, ...], as_json: bool) -> None:
    """Start what is not running yet, wait until it answers, and write the page."""
    if unknown := set(asked) - set(NAMES):
        raise UsageError(f"expected some of {', '.join(NAMES)}; got {', '.join(sorted(unknown))}")
    context, began = open_context(settings), time.monotonic()
    store = context.store
    tell = (lambda line: None) if as_json else show.tell
    with ExitStack() as held:
        with changing(store, WAIT_SECONDS):
            plan = _plan(context, asked or NAMES)
            started = {one.name for one in plan.services} - _alive(store)
            if SERVER in started:  # a command of this home may have a server of its own on the same database
                held.enter_context(store.exclusively())
            if MLFLOW in started:
                _require_registry(context, SERVER in started)
            want(store, plan.services, skipped=plan.skipped)
            store.write_json(
                PORTS, _ports(store) | {one.name: int(one.address.rsplit(":")[-1]) for one in plan.services}
            )
            ensure_keeper(store, _environment(settings))
        for name, why in plan.moved.items():
            tell(f"{name} gets another port than before or usual: {why}")
        if SERVER in started:
            _wait(store, {SERVER}, began, tell)
            held.close()
        _wait(store, started - {SERVER}, began, tell)
    states = stack_states(store)
    page = write_page(store, states)
    if not as_json:
        print_states(states)
    unwell = [one for one in states if one.state in BAD]
    if unwell:
        raise StackUnwell(f"{unwell[0].name}: {unwell[0].why}; see {unwell[0].log}, then run again: preflight up")
    running = sum(one.state == UP for one in states)
    outcome = f"{running} services are up after {time.monotonic() - began:.1f} s; open {page}"
    document = {"services": [asdict(one) for one in states], "page": str(page), "started": sorted(started)}
    show.finish(outcome, document, as_json)


def down(settings: Settings, as_json: bool) -> None:
    """End everything of the stack; nothing runs when this returns."""
    store = Store(settings.home)
    with changing(store, WAIT_SECONDS):
        services = wanted_services(store)
        began = time.monotonic()
        killed = end_stack(store)
    if services:
        write_page(store, [_stopped(store, service) for service in services])
    outcome = f"nothing runs; {len(services)} services ended in {time.monotonic() - began:.1f} s"
    if not services:
        outcome = "nothing runs; no stack was up"
    if killed:
        outcome += f", {killed} processes had to be killed"
    show.finish(outcome, {"services": [one.name for one in services], "killed": killed}, as_json)


def logs(settings: Settings, service: str | None, lines: int, follow: bool) -> None:
    """The newest lines of one service's log, or of all; and those that come, until Ctrl-C."""
    store = Store(settings.home)
    known = {one.name: store.path(one.log) for one in wanted_services(store)}
    if not known:
        raise UsageError("no stack was started from this home; run: preflight up")
    if service is not None and service not in known:
        raise UsageError(f"expected one of {', '.join(known)}; got {service!r}")
    chosen = {name: path for name, path in known.items() if service in (None, name)}
    for name, path in chosen.items():
        for line in last_lines(path, lines):
            show.tell(line if service else f"{name:<11}{line}")
    ends = {name: path.stat().st_size if path.exists() else 0 for name, path in chosen.items()}
    while follow:
        for name, path in chosen.items():
            for line in _lines_since(path, ends, name):
                show.tell(line if service else f"{name:<11}{line}")
        time.sleep(LOOK_SECONDS)


def stack_states(store: Store) -> list[State]:
    """Every service that was asked for, and those left out; empty when no stack was started."""
    document = store.read_json(WANTED_FILE)
    if document is None:
        return []
    running, keeps = running_services(store), keeper_says(store) is not None
    states = {one.name: _state(store, one, running.get(one.name), keeps) for one in wanted_services(store)}
    for name, why in document.get("skipped", {}).items():
        states[name] = State(name, TITLES[name], SKIPPED, why, "", "")
    return [states[name] for name in NAMES if name in states]


def _state(store: Store, service: Service, running: Any, keeps: bool) -> State:
    log = store.path(service.log)
    if not keeps:
        return _stopped(store, service)
    if running is None or running.attempt < service.attempt:
        why = f"waits for {service.needs}" if service.needs else "is about to be started"
        return State(service.name, TITLES[service.name], WAITING, why, service.address, str(log))
    facts = {
        "pid": running.pid,
        "since": running.since,
        "memory_mb": memory_bytes(running.family) // 10**6 if running.ended is None else None,
    }
    if running.ended is not None:
        state, why = ENDED, f"ended with code {running.ended}: {_last_word(log, running.log_from)}"
    elif answers(service.health):
        state, why = UP, ""
    else:
        state = STARTING if _age(running.since) < HEALTHY_SECONDS else SILENT
        age = f"{_age(running.since):.0f} s after its start, it runs on"
        why = f"{service.health} does not answer 200 yet, {age}; its log ends: {_last_word(log, running.log_from)}"
    return State(service.name, TITLES[service.name], state, why, service.address, str(log), **facts)


def _stopped(store: Store, service: Service) -> State:
    return State(
        *(service.name, TITLES[service.name], STOPPED, "the stack is down; run: preflight up", service.address),
        str(store.path(service.log)),
    )


def print_states(states: list[State]) -> None:
    """The services as a table."""
    columns = {
        "service": "left",
        "state": "left",
        "address": "left",
        "process": "right",
        "since": "left",
        "MB": "right",
    }
    rows = [
        (one.name, one.state, one.address or "-", one.pid or "-", (one.since or "-")[:19], one.memory_mb or "-")
        for one in states
    ]
    show.table("Services", columns, rows)
    for one in states:
        if one.why:
            show.tell(f"{one.name}: {one.why}")


def write_page(store: Store, states: list[State]) -> Path:
    """The page of the stack, as it is now."""
    from preflight.stack_page import render_stack_page

    return store.write_text(f"{FOLDER}/index.html", render_stack_page(store.home, states, datetime.now(UTC)))


def last_lines(path: Path, count: int) -> list[str]:
    """The newest lines of a file, oldest first; none when it is not there."""
    if not path.exists():
        return []
    return path.read_text(errors="replace").splitlines()[-count:] if count else []


def _last_word(log: Path, start: int) -> str:
    """The last line that a service has said since its log was that long."""
    with log.open("rb") as file:
        file.seek(start)
        said = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    return said[-1].strip()[:200] if said else "its log is empty"


def _lines_since(path: Path, ends: dict[str, int], name: str) -> list[str]:
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(min(ends[name], path.stat().st_size))
        found = file.read()
    whole = found[: found.rfind(b"\n") + 1]
    ends[name] += len(whole)
    return whole.decode(errors="replace").splitlines()


def _plan(context: Context, asked: tuple[str, ...]) -> Plan:
    store = context.store
    kept = _ports(store)
    return plan_stack(context, asked, kept, wanted_services(store), _alive(store), os.environ.get("PREFECT_API_URL"))


def _alive(store: Store) -> set[str]:
    return {name for name, one in running_services(store).items() if one.ended is None}


def _ports(store: Store) -> dict[str, int]:
    return store.read_json(PORTS) or {}


def _require_registry(context: Context, is_held: bool) -> None:
    """Make the registry if there is none: a server that made it would be disturbed by the first training."""
    if (context.store.path("mlflow") / "migrated").exists():
        return
    with ExitStack() as held:
        if not is_held:
            held.enter_context(context.store.exclusively())
        _ = context.registry


def _environment(settings: Settings) -> dict[str, str]:
    chosen = {"PREFLIGHT_HOME": str(settings.home)}
    if settings.source:
        chosen["PREFLIGHT_SOURCE"] = str(settings.source)
    return {**os.environ, **chosen}


def _wait(store: Store, names: set[str], began: float, tell: Callable[[str], None]) -> None:
    """Return when each of these is up, or has ended, or time is over; each is told when it is."""
    waited = {service.name: service for service in wanted_services(store) if service.name in names}
    while waited and keeper_says(store):
        running = running_services(store)
        for name, service in list(waited.items()):
            found = running.get(name)
            if found is None or found.attempt < service.attempt:
                continue
            if found.ended is None and not answers(service.health) and _age(found.since) < HEALTHY_SECONDS:
                continue
            del waited[name]
            word = _state(store, service, found, True)
            tell(f"{time.monotonic() - began:6.1f} s  {name}: {word.why or f'answers at {word.address}'}")
        if any(
            found.ended is not None and name in {one.needs for one in waited.values()}
            for name, found in running.items()
        ):
            return  # what others wait for has ended
        time.sleep(LOOK_SECONDS)


def _age(since: str) -> float:
    """Seconds since a moment."""
    return (datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds()
