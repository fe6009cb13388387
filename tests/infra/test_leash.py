"""A command that must not outlive its parent, tried with real processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from infra.leash import LOOK_SECONDS, leashed, run_on_leash

PATIENCE_SECONDS = 20


def python(code: str) -> list[str]:
    """A command that runs some Python."""
    return [sys.executable, "-c", code]


def sleeping(mark: Path) -> list[str]:
    """A command that writes its process id and sleeps for longer than any test waits."""
    return python(
        f"import os, pathlib, time; pathlib.Path({str(mark)!r}).write_text(str(os.getpid())); time.sleep(120)"
    )


def eventually(condition: Callable[[], object]) -> object:
    """What the condition says as soon as it says something, or its last word."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and not condition():
        time.sleep(0.05)
    return condition()


def read_id(mark: Path) -> int:
    return int(eventually(lambda: mark.exists() and mark.read_text()))


def is_gone(process_id: int) -> bool:
    try:
        return psutil.Process(process_id).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize("code", [0, 3])
def test_a_command_that_ends_by_itself_gives_its_own_exit_code(tmp_path, code):
    with leashed(python(f"raise SystemExit({code})"), tmp_path / "log") as process:
        found = process.wait(PATIENCE_SECONDS)

    assert found == code


def test_the_log_holds_what_the_command_said_and_nothing_else(tmp_path):
    log = tmp_path / "logs" / "command.log"

    with leashed(python("import sys; print('out', flush=True); print('err', file=sys.stderr)"), log) as process:
        process.wait(PATIENCE_SECONDS)

    assert log.read_text() == "out\nerr\n"


def test_a_command_sees_the_environment_it_is_given(tmp_path):
    environment = {**os.environ, "WHO": "ours"}

    with leashed(python("import os; print(os.environ['WHO'])"), tmp_path / "log", environment) as process:
        process.wait(PATIENCE_SECONDS)

    assert (tmp_path / "log").read_text() == "ours\n"


def test_a_command_ends_with_the_block(tmp_path):
    with leashed(sleeping(tmp_path / "id"), tmp_path / "log"):
        process_id = read_id(tmp_path / "id")

    assert eventually(lambda: is_gone(process_id))


def test_a_command_ends_with_a_block_that_fails(tmp_path):
    def fail() -> None:
        with leashed(sleeping(tmp_path / "id"), tmp_path / "log"):
            eventually((tmp_path / "id").exists)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert eventually(lambda: is_gone(read_id(tmp_path / "id")))


def test_a_command_ends_when_its_parent_is_killed(tmp_path):
    command = sleeping(tmp_path / "id")
    code = f"""
import pathlib, time
from infra.leash import LOOK_SECONDS, leashed
with leashed({command!r}, pathlib.Path({str(tmp_path / "log")!r})):
    time.sleep(120)
"""
    parent = subprocess.Popen(python(code))
    process_id = read_id(tmp_path / "id")

    parent.send_signal(signal.SIGKILL)
    parent.wait()

    assert eventually(lambda: is_gone(process_id))


def test_what_a_killed_command_leaves_behind_ends_too(tmp_path):
    mark = tmp_path / "id"
    parent = f"import subprocess, time; subprocess.Popen({sleeping(mark)!r}, start_new_session=True); time.sleep(120)"

    with leashed(python(parent), tmp_path / "log") as process:
        worker = read_id(mark)
        (command,) = psutil.Process(process.pid).children()
        time.sleep(2 * LOOK_SECONDS)
        command.kill()
        process.wait(PATIENCE_SECONDS)

        assert eventually(lambda: is_gone(worker))


@pytest.mark.parametrize("code", [0, 3])
def test_what_a_command_comes_to_is_its_code_and_what_it_said_where(code):
    said = f"import os, sys; print(os.getcwd()); print('err', file=sys.stderr); sys.exit({code})"

    ended = run_on_leash(python(said), PATIENCE_SECONDS)

    assert (ended.returncode, ended.stdout, ended.stderr) == (code, f"{Path.cwd()}\n", "err\n")


def test_a_command_that_takes_too_long_is_ended(tmp_path):
    with pytest.raises(subprocess.TimeoutExpired):
        run_on_leash(sleeping(tmp_path / "id"), 2)

    assert eventually(lambda: is_gone(read_id(tmp_path / "id")))


def test_a_command_that_is_waited_for_ends_when_its_parent_is_killed(tmp_path):
    code = f"from infra.leash import run_on_leash; run_on_leash({sleeping(tmp_path / 'id')!r}, 120)"
    parent = subprocess.Popen(python(code))
    process_id = read_id(tmp_path / "id")

    parent.send_signal(signal.SIGKILL)
    parent.wait()

    assert eventually(lambda: is_gone(process_id))
