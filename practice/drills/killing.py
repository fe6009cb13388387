"""A command that dies by kill -9 on the way into a commit: after a file was written aside, before it has its name."""

import os
import subprocess
import sys

NEVER = "never"
DIE_AT_COMMIT = """
import os, signal, sys
moment, commits, rename = sys.argv[1], [], os.replace
def dying(source, target):
    commits.append(os.fspath(target))
    if moment in (str(len(commits)), os.path.basename(target)):
        os.kill(os.getpid(), signal.SIGKILL)
    rename(source, target)
os.replace = dying
sys.argv = ["preflight", *sys.argv[2:]]
from preflight.cli import main
try:
    main()
finally:
    if moment == "never":
        sys.stderr.write("".join(f"commit {target}\\n" for target in commits))
"""
"""`main` of the command, with a rename that may be the last thing it does."""
COMMAND_SECONDS = 900


def dying_at(moment: str, environment: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command that dies on the way into the commit with this number, from 1 on, or this file name; or `NEVER`."""
    return subprocess.run(
        [sys.executable, "-c", DIE_AT_COMMIT, moment, *command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )


def commits_of(ended: subprocess.CompletedProcess[str]) -> list[str]:
    """The files that a command committed which was to die `NEVER`, in order."""
    lines = ended.stderr.splitlines()
    return [line.removeprefix("commit ") for line in lines if line.startswith(f"commit {os.sep}")]
