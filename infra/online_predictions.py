"""The table of what the service answered, which monitoring reads: SQLite in the home folder, PostgreSQL on servers."""

from pathlib import Path

import polars as pl
import sqlalchemy as sa

from infra.database import asking, open_database

FILE = "online_predictions.db"
TYPES = {sa.String: pl.String, sa.Integer: pl.Int64, sa.Float: pl.Float64, sa.Boolean: pl.Boolean}

PREDICTIONS = sa.Table(
    "online_predictions",
    sa.MetaData(),
    sa.Column("request_id", sa.String(128), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True, comment="of the flight in its request, from 0"),
    sa.Column("answered_at", sa.String, nullable=False, index=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("week", sa.String, comment="of the snapshot of features"),
    sa.Column("mode", sa.String, nullable=False, comment="fresh, stale or plan_only"),
    sa.Column("latency_ms", sa.Float, nullable=False),
    sa.Column("flight_id", sa.String, nullable=False, index=True),
    sa.Column("as_of", sa.String, nullable=False),
    sa.Column("probability", sa.Float, nullable=False),
    sa.Column("is_late", sa.Boolean, nullable=False),
    sa.Column("shadow_version", sa.Integer),
    sa.Column("shadow_probability", sa.Float),
    sa.Column("tail_key", sa.String, index=True, comment="pseudonym of the tail number"),
    sa.Column("flight", sa.String, nullable=False, comment="JSON: what was asked, without the tail number"),
    sa.Column("features", sa.String, nullable=False, comment="JSON: what the model saw, by name"),
)
_ORDER = (PREDICTIONS.c.answered_at, PREDICTIONS.c.request_id, PREDICTIONS.c.place)


def open_predictions(home: Path, url: str | None) -> sa.Engine:
    """The database, with its table. Without a `url` it is a SQLite file under the home folder. Raises DatabaseError."""
    return open_database(url, home / FILE, "PREFLIGHT_PREDICTIONS_URL", PREDICTIONS.metadata)


def read_predictions(engine: sa.Engine, answered_from: str = "") -> pl.DataFrame:
    """The loaded predictions from a moment on, in the order in which they were answered."""
    return _table(engine, sa.select(PREDICTIONS).where(PREDICTIONS.c.answered_at >= answered_from).order_by(*_ORDER))


def read_newest(engine: sa.Engine, number: int) -> pl.DataFrame:
    """The predictions that were answered last, so many, oldest first."""
    newest = sa.select(PREDICTIONS).order_by(*(column.desc() for column in _ORDER)).limit(number)
    return _table(engine, newest).reverse()


def read_between(home: Path, url: str | None, first: str, end: str) -> pl.DataFrame:
    """The predictions for flights whose id lies from `first` up to and without `end`, as they were answered.

    An id begins with the New York day. A home whose service never answered is not given a database.
    """
    if url is None and not (home / FILE).exists():
        return pl.DataFrame(schema=_schema())
    name = PREDICTIONS.c.flight_id
    found = sa.select(PREDICTIONS).where(name >= first, name < end).order_by(*_ORDER)
    return _table(open_predictions(home, url), found)


def _table(engine: sa.Engine, query: sa.Select) -> pl.DataFrame:
    with asking(engine.url), engine.connect() as connection:
        rows = connection.execute(query).all()
    return pl.DataFrame([tuple(row) for row in rows], schema=_schema(), orient="row")


def _schema() -> dict[str, type[pl.DataType]]:
    return {column.name: TYPES[type(column.type)] for column in PREDICTIONS.c}
