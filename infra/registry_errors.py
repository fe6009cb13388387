"""What goes wrong with a registry, in our words: it does not hold something, or cannot be read. Knows no MLflow."""

import sqlite3
from contextlib import closing
from pathlib import Path

from infra.errors import PreflightError

MISSING = "RESOURCE_DOES_NOT_EXIST"
"""The code with which a store says that it does not have something; any other is no answer."""


class RegistryError(PreflightError, LookupError):
    """The registry does not hold what was asked for."""


class RegistryUnreadable(RegistryError):  # noqa: N818
    """The registry does not answer: nobody knows what it holds."""

    @classmethod
    def of(cls, where: object, error: BaseException) -> "RegistryUnreadable":
        """What to raise when the store at `where` answered with an error."""
        why = (str(error).splitlines() or [type(error).__name__])[0]
        return cls(
            f"the registry at {where} cannot be read: {why}; bring it back, or restore it from a copy; "
            "the same command then goes on where it stopped"
        )


def require_missing(error: Exception, where: object) -> None:
    """Nothing where the store said that it has none. Raises RegistryUnreadable where it did not get to say it."""
    if getattr(error, "error_code", None) != MISSING:
        raise RegistryUnreadable.of(where, error) from error


def require_readable(database: Path) -> None:
    """Raise RegistryUnreadable when a SQLite database is there and cannot be read.

    MLflow would try to open it ten times, for a hundred seconds.
    """
    if not database.exists():
        return
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.DatabaseError as error:
        raise RegistryUnreadable.of(database, error) from error
