"""A stack of servers as plain processes, tried with tiny ones: what runs, what is left, and who is never killed."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from infra.local_process import Identity, end_all, identify
from infra.local_stack import (
    RUNNING,
    Service,
    address_of,
    changing,
    end_stack,
    ensure_keeper,
    keeper_says,
    running_services,
    want,
    wanted_services,
)
from infra.network import LOOPBACK, free_port
from infra.storage import BusyError, Store

PATIENCE_SECONDS = 60


def eventually(condition: Callable[[], object]) -> object:
    """What the condition says as soon as it says something, or its last word."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (said := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return said


def web(name: str, **more: object) -> Service:
    """A tiny server."""
    port = free_port()
    address = f"http://{LOOPBACK}:{port}"
    command = (sys.executable, "-m", "http.server", str(port), "--bind", LOOPBACK)
    return Service(name, command, address, address, f"logs/{name}.log", **more)


def start(store: Store, *services: Service) -> None:
    want(store, services)
    ensure_keeper(store, dict(os.environ))


def server_of(store: Store, name: str) -> psutil.Process | None:
    """The server's own process, while it runs."""
    found = running_services(store).get(name)
    alive = [one.process for one in found.family if one.process] if found else []
    servers = [one for one in alive if "http.server" in one.cmdline() and "infra.leash" not in one.cmdline()]
    return servers[0] if servers else None


def started(store: Store, name: str) -> psutil.Process:
    return eventually(lambda: server_of(store, name))


def everybody(store: Store) -> list[Identity]:
    """The keeper and all that it has started."""
    said = keeper_says(store)
    families = [one for running in running_services(store).values() for one in running.family]
    return [Identity(*said["keeper"]), *families]


def are_gone(identities: list[Identity]) -> bool:
    return not any(one.process for one in identities)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A home whose stack is ended after the test, whatever happened in it."""
    home = Store(tmp_path)
    yield home
    end_stack(home)


def test_what_is_wanted_runs_and_down_leaves_nothing(store):
    start(store, web("one"), web("two"))
    assert started(store, "one")
    assert started(store, "two")
    before = everybody(store)

    killed = end_stack(store)

    assert (killed, are_gone(before), keeper_says(store), wanted_services(store)) == (0, True, None, [])


def test_a_second_start_changes_nothing(store):
    service = web("one")
    start(store, service)
    first = identify(started(store, "one"))

    start(store, service)
    time.sleep(1)

    assert identify(server_of(store, "one")) == first
    assert address_of(store.home, "one") == service.address


def test_a_service_that_needs_another_starts_after_it_answers(store):
    first, second = web("one"), web("two", needs="one")
    start(store, replace(first, command=(sys.executable, "-c", "import time; time.sleep(60)")), second)
    assert eventually(lambda: running_services(store).get("one"))
    time.sleep(1)

    assert "two" not in running_services(store)


def test_a_service_that_dies_stays_dead_until_it_is_asked_for_again(store):
    one, two = web("one"), web("two")
    start(store, one, two)
    other = identify(started(store, "two"))
    started(store, "one").kill()
    ended = eventually(lambda: running_services(store)["one"].ended)
    time.sleep(1)
    assert server_of(store, "one") is None

    start(store, replace(one, attempt=2), two)

    assert started(store, "one")
    assert (ended is not None, identify(server_of(store, "two"))) == (True, other)


def test_everything_ends_with_a_keeper_that_is_killed(store):
    start(store, web("one"))
    started(store, "one")
    before = everybody(store)

    before[0].process.kill()

    assert eventually(lambda: are_gone(before))


def test_after_a_keeper_that_was_killed_a_start_is_clean(store):
    service = web("one")
    start(store, service)
    first = identify(started(store, "one"))
    keeper = everybody(store)[0].process
    keeper.kill()
    keeper.wait(PATIENCE_SECONDS)  # a signal is on its way for a moment, and who has not got it yet holds the lock

    start(store, service)

    second = identify(started(store, "one"))
    assert (first.process, second == first) == (None, False)


def test_what_outlives_keeper_and_leash_is_ended_by_its_recorded_identity(store):
    start(store, web("one"))
    server = started(store, "one")
    for one in everybody(store):
        if one.pid != server.pid:
            one.process.kill()
    assert server.is_running()

    killed = end_stack(store)

    assert (killed, server.is_running()) == (1, False)


def test_a_number_that_is_anothers_by_now_is_never_killed(store):
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    recycled = [stranger.pid, psutil.Process(stranger.pid).create_time() - 100]
    family = {"attempt": 1, "since": "2013-01-01T00:00:00+00:00", "family": [recycled], "ended": None, "log_from": 0}
    store.write_json(RUNNING, {"keeper": recycled, "services": {"one": family}})

    killed = end_stack(store)

    assert (killed, stranger.poll()) == (0, None)
    stranger.kill()
    stranger.wait()


def test_a_process_is_ended_only_as_the_one_that_is_meant():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    meant = identify(psutil.Process(child.pid))

    assert end_all([replace(meant, created=meant.created - 100)], 0) == 0
    assert child.poll() is None
    assert end_all([meant], 0) == 1
    assert meant.process is None
    child.wait()


def test_a_command_that_is_killed_while_it_starts_a_stack_leaves_one_that_can_be_ended(store):
    service = web("one")
    want(store, [service])
    code = (
        "import os, sys, pathlib; from infra.local_stack import ensure_keeper; from infra.storage import Store;"
        f"ensure_keeper(Store(pathlib.Path({str(store.home)!r})), dict(os.environ))"
    )
    command = subprocess.Popen([sys.executable, "-c", code])
    assert eventually(lambda: [one for one in psutil.Process(command.pid).children() if one.is_running()])
    command.kill()
    command.wait()
    assert started(store, "one")
    before = everybody(store)

    end_stack(store)

    assert are_gone(before)


def test_two_commands_change_a_stack_one_after_the_other(store):
    with changing(store, 0), pytest.raises(BusyError), changing(store, 0):
        pass


def test_what_a_killed_server_has_started_goes_with_it(store):
    port = free_port()
    child = f"{sys.executable} -m http.server {port} --bind {LOOPBACK}"
    code = f"import subprocess, time; subprocess.Popen({child.split()!r}, start_new_session=True); time.sleep(60)"
    start(store, replace(web("one"), command=(sys.executable, "-c", code), health=f"http://{LOOPBACK}:{port}"))
    left = started(store, "one")
    parent = left.parent()
    time.sleep(1.5)

    parent.kill()

    assert eventually(lambda: not left.is_running() or left.status() == psutil.STATUS_ZOMBIE)
