"""PostgreSQL databases out into a file and back, by PostgreSQL's own `pg_dump` and `pg_restore`."""

import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

from infra.errors import PreflightError


class DumpError(PreflightError, RuntimeError):
    """A database could not be dumped or restored."""


def name_in(url: str) -> str:
    """The name of the database of a URL.

    >>> name_in("postgresql+psycopg://user:pass@host:5432/flights")
    'flights'
    """
    return urlsplit(url).path.removeprefix("/")


def dump(url: str, file: Path) -> None:
    """Write all of a database as it is at one moment. Raises DumpError, without its password."""
    _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={file}")


def restore(url: str, file: Path) -> None:
    """Make a database hold what was dumped and nothing else, in one transaction. Raises DumpError."""
    clean = ("--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error")
    _run("pg_restore", url, *clean, f"--dbname={name_in(url)}", str(file))


def _run(program: str, url: str, *arguments: str) -> None:
    found = shutil.which(program)
    if found is None:
        raise DumpError(
            f"there is no {program} on PATH; install PostgreSQL's client (apt-get install postgresql-client)"
        )
    parts = urlsplit(url)
    where = {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),  # not an argument: those are seen by every user
        "PGDATABASE": name_in(url),
        "PGCONNECT_TIMEOUT": "10",
    }
    done = subprocess.run([found, *arguments], env={**os.environ, **where}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[0]
        raise DumpError(f"{program} of {name_in(url)} at {parts.hostname} failed: {said}; then repeat the command")
