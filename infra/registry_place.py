"""Where the registry of a folder says that its files lie, and the folder it lies in now. Knows no MLflow.

MLflow notes for each run and model the whole address of its files. A home that was copied or moved, or restored from a
backup to another place, would go on reading, and writing, the files of the folder it came from.
"""

import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from infra.registry_errors import RegistryUnreadable

EXPERIMENT = "flight-lateness"
DATABASE, ARTIFACTS = "mlflow.db", "artifacts"
WAIT_SECONDS = 60

logger = logging.getLogger(__name__)


def keep_own_files(folder: Path) -> None:
    """Let the registry of a folder name the files beside it, whatever folder it was in when it noted them.

    Done again it changes nothing. Raises RegistryUnreadable when the database cannot be written to.
    """
    database = folder / DATABASE
    if not database.exists():
        return
    try:
        with closing(sqlite3.connect(database, timeout=WAIT_SECONDS)) as connection, connection:
            noted = _noted(connection)
            if noted is None or _is_same(noted, folder):
                return
            count = _rename(connection, f"{noted}/", f"{folder.absolute().as_uri()}/")
    except sqlite3.Error as error:
        raise RegistryUnreadable(
            f"the registry at {database} was copied or moved, and cannot be told where its files are: {error}; "
            "let it be written to, or restore it from a copy"
        ) from error
    logger.info("%s was copied or moved: it named files under %s, %d places name its own now", folder, noted, count)


def _noted(connection: sqlite3.Connection) -> str | None:
    """The address of the folder that the registry was in, None when it has noted none, or files elsewhere."""
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'experiments'").fetchone()
    if not known:
        return None
    row = connection.execute("SELECT artifact_location FROM experiments WHERE name = ?", (EXPERIMENT,)).fetchone()
    address = row[0] if row else ""
    is_ours = address.startswith("file:///") and address.endswith(f"/{ARTIFACTS}")
    return address.removesuffix(f"/{ARTIFACTS}") if is_ours else None


def _is_same(noted: str, folder: Path) -> bool:
    """Whether an address leads to the folder, be it through a link."""
    if noted == folder.absolute().as_uri():
        return True
    there = Path(unquote(urlsplit(noted).path))
    return there.exists() and os.path.samefile(there, folder)


def _rename(connection: sqlite3.Connection, before: str, now: str) -> int:
    """Write one beginning of addresses for another in every text of the database; in how many places."""
    count = 0
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        for _, column, kind, *_ in connection.execute(f'PRAGMA table_info("{table}")').fetchall():
            if "CHAR" in kind.upper() or "TEXT" in kind.upper():
                count += connection.execute(
                    f'UPDATE "{table}" SET "{column}" = replace("{column}", ?, ?) WHERE instr("{column}", ?)',
                    (before, now, before),
                ).rowcount
    return count
