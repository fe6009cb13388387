"""Databases by their URL, SQLite or PostgreSQL. What they refuse is said in a sentence that holds no password."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from infra.errors import PreflightError
from infra.storage import make_folder

CONNECT_SECONDS = 10
DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}


class DatabaseError(PreflightError, RuntimeError):
    """A database cannot be opened, read or written."""


def open_database(url: str | None, file: Path, setting: str, tables: sa.MetaData) -> sa.Engine:
    """The database of a URL, which `setting` gave, with its tables; without one it is a SQLite file.

    Raises DatabaseError.
    """
    if url is None:
        make_folder(file.parent)
        chosen = sa.URL.create("sqlite", database=str(file))
    else:
        chosen = _read(url, setting)
    waits = {"connect_timeout": CONNECT_SECONDS} if chosen.get_backend_name() == "postgresql" else {}
    with asking(chosen):
        engine = sa.create_engine(chosen, connect_args=waits, poolclass=sa.NullPool, hide_parameters=True)
        tables.create_all(engine)
    return engine


def name_of(url: sa.URL) -> str:
    """Which database that is, without who asks and how."""
    port = f":{url.port}" if url.port else ""
    return f"{url.get_backend_name()}://{url.host or ''}{port}/{url.database or ''}"


@contextmanager
def asking(url: sa.URL) -> Iterator[None]:
    """Raise what a database refuses in the block as a DatabaseError."""
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or error).strip().split("\n")[0]
        raise DatabaseError(
            f"cannot use the database {name_of(url)}: {said}; see that it runs, has room and lets us in, "
            "then repeat the command: it goes on where it stopped"
        ) from error


def _read(url: str, setting: str) -> sa.URL:
    """The URL, read; as it may hold a password, nothing of it is said."""
    try:
        read = sa.make_url(url)
        driver = DRIVERS[read.get_backend_name()]
        if "@" in (read.host or ""):
            raise ValueError("a part of the password was read as one of the host")
    except (sa.exc.ArgumentError, ValueError, KeyError):
        raise DatabaseError(
            f"{setting}: expected sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST:PORT/DATABASE, got "
            "something else; write @ as %40, : as %3A and / as %2F in a password"
        ) from None
    return read.set(drivername=driver)
