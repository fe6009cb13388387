"""Runs a command that must not outlive its parent: `python -m infra.leash COMMAND...`.

The parent holds the write end of our standard input. When it dies, even by `kill -9`, the
pipe closes, and the command is asked to end, then made to.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

GRACE_SECONDS = 10
LOOK_SECONDS = 1  # workers of a server that is killed live on in sessions of their own, so they are looked for before


def main(command: list[str]) -> int:
    """Run `command` until it ends or the parent is gone, end what it leaves behind, return its exit code."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: child.terminate())
    threading.Thread(target=_end_with_parent, args=(child,), daemon=True).start()
    family: set[psutil.Process] = set()
    while child.poll() is None:
        with contextlib.suppress(psutil.Error):
            family.update(psutil.Process(child.pid).children(recursive=True))
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(LOOK_SECONDS)
    for left in family:
        with contextlib.suppress(psutil.Error):  # most have ended in order; psutil kills no stranger of the same number
            left.kill()
    return child.returncode


def _end_with_parent(child: subprocess.Popen) -> None:
    while os.read(sys.stdin.fileno(), 4096):  # a buffered read would hold a lock that aborts us at exit
        pass
    child.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_SECONDS)
        return
    child.kill()


@contextmanager
def leashed(command: list[str], log: Path, environment: dict[str, str] | None = None) -> Iterator[subprocess.Popen]:
    """Run `command` on a leash for the length of the block, its output in the file `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.leash", *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,  # Ctrl-C is for us; we end it in order
        )
        try:
            yield process
        finally:
            process.stdin.close()
            try:
                process.wait(GRACE_SECONDS + 5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def run_on_leash(
    command: list[str],
    timeout_seconds: float,
    environment: dict[str, str] | None = None,
    folder: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """What a command comes to that is run on a leash, in `folder`. Raises TimeoutExpired, and it is ended then."""
    theirs, ours = os.pipe()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.leash", *command],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=folder,
            text=True,
        )
    except OSError:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    with process:
        try:
            said, complained = process.communicate(timeout=timeout_seconds)
        finally:
            os.close(ours)  # a pipe of our own: `communicate` would close one of its own at once, and end the command
    return subprocess.CompletedProcess(command, process.returncode, said, complained)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
