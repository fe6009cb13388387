"""Creates `.venv` from `requirements.lock`; the one module that runs before anything is installed.

Standard library only. A stamp inside `.venv`, written last, says which lock it was made
from: a second call compares the stamp and returns, a killed call leaves none and starts over. Of two
calls at once the second waits, and finds the stamp of the first.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
OLDEST, NEWEST = (3, 11), (3, 13)


def main(target: Path) -> int:
    """Make `target` match the lock; 0 when it does, 1 with one readable sentence when it cannot."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        found = ".".join(map(str, sys.version_info[:3]))
        return _fail(
            f"Preflight needs Python 3.11 to 3.13, this is {found} ({sys.executable}); "
            "name another: make demo PYTHON=python3.12"
        )
    if _is_made(target):
        return 0
    if target.is_symlink():  # venv would empty the folder behind it, and only then refuse
        return _fail(f"{target} is a link to {target.resolve()}, which was made from another lock; remove the link")
    try:
        with _alone(target):
            if not _is_made(target):
                _install(target)
                _stamp_of(target).write_text(_fingerprint())
    except subprocess.CalledProcessError as error:
        return _fail(
            f"`{' '.join(map(str, error.cmd[:6]))} ...` ended with code {error.returncode}; see its output above"
        )
    except OSError as error:
        return _fail(f"cannot write {target}: {error.strerror or error}; free some space or change its permissions")
    return 0


def _stamp_of(target: Path) -> Path:
    return target / "preflight.stamp"


def _is_made(target: Path) -> bool:
    stamp = _stamp_of(target)
    return stamp.exists() and stamp.read_text() == _fingerprint()


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """One installation at a time into the folders of one checkout."""
    folder = os.open(target.absolute().parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _fingerprint() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in (LOCK, ROOT / "pyproject.toml"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _install(target: Path) -> None:
    print(f"installing the locked packages into {target.name}: about 2 GB, minutes the first time", flush=True)
    try:
        venv.create(target, with_pip=True, clear=True)
    except subprocess.CalledProcessError as error:
        sys.stderr.write("this Python has no ensurepip; on Debian and Ubuntu: apt-get install python3-venv\n")
        raise error
    python = target / "bin" / "python"
    with tempfile.TemporaryDirectory() as folder:
        only_uv = Path(folder, "uv.lock.txt")
        only_uv.write_text(locked_block("uv"))
        _run(
            python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", only_uv
        )
    uv = [python, "-m", "uv", "pip"]
    # sdists are built with the locked setuptools, so the build cannot drift either
    built_with = ["--build-constraints", LOCK]
    # compiled once here: where nothing may be written later, every command would compile its imports again
    _run(*uv, "sync", "--quiet", "--python", python, "--require-hashes", "--compile-bytecode", *built_with, LOCK)
    _run(*uv, "install", "--quiet", "--python", python, "--no-deps", *built_with, "--editable", ROOT)


def locked_block(package: str) -> str:
    """The lock's lines for one package: its pin and its hashes."""
    lines = LOCK.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"{package}=="))
    block = [lines[start]]
    for line in lines[start + 1 :]:
        if not line.lstrip().startswith("--hash"):
            break
        block.append(line)
    return "\n".join(block).rstrip(" \\") + "\n"


def _run(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True)


def _fail(sentence: str) -> int:
    sys.stderr.write(f"setup: {sentence}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / ".venv")))
