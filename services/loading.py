"""From the prediction log to the table that monitoring reads: SQLite in the home folder, or PostgreSQL on servers.

Loading may be killed at any moment and repeated: a row is named by its request and its place in it, and one that is
there stays as it is. A segment that was loaded whole is removed, except for the newest few.
"""

from collections.abc import Iterator
from dataclasses import fields
from itertools import islice
from pathlib import Path

import orjson
import polars as pl
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from infra.segments import segments, whole_lines
from infra.storage import Store
from services.prediction_log import FOLDER, flights_of

CURSOR = f"{FOLDER}/loaded.json"
KEPT_SEGMENTS = 3
ROWS_AT_ONCE = 2_000

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


def open_store(home: Path, url: str | None) -> sa.Engine:
    """The database, with its table. Without a `url` it is a SQLite file under the home folder."""
    engine = sa.create_engine(url or f"sqlite:///{home / 'online_predictions.db'}")
    PREDICTIONS.metadata.create_all(engine)
    return engine


def load_log(store: Store, engine: sa.Engine) -> int:
    """Load what was logged since the last time; returns how many flights were read."""
    done, read = store.read_json(CURSOR) or {}, 0
    found = segments(store.path(FOLDER))
    for segment in found:
        start = done.get(segment.name, 0)
        for lines, end in _pages(segment, start):
            rows = [row for line in lines for row in _rows(orjson.loads(line))]
            _insert(engine, rows)
            read, done[segment.name] = read + len(rows), end
            store.write_json(CURSOR, done)
    _remove_loaded(store, found, done)
    return read


def read_predictions(engine: sa.Engine, answered_from: str = "") -> pl.DataFrame:
    """The loaded predictions from a moment on, in the order in which they were answered."""
    table = PREDICTIONS.c
    query = (
        sa.select(PREDICTIONS)
        .where(table.answered_at >= answered_from)
        .order_by(table.answered_at, table.request_id, table.place)
    )
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    return pl.DataFrame(
        [tuple(row) for row in rows], schema=[column.name for column in table], orient="row", infer_schema_length=None
    )


def _pages(segment: Path, start: int) -> Iterator[tuple[list[bytes], int]]:
    """Lines of a segment, so many at once, each time with the byte up to which they go."""
    lines, end = whole_lines(segment, start), start
    while page := list(islice(lines, ROWS_AT_ONCE)):
        end += sum(map(len, page))
        yield page, end


def _rows(document: dict) -> Iterator[dict]:
    names = {column.name for column in PREDICTIONS.c}
    for one in flights_of(document):
        plan = list(one.plan)
        values = {field.name: getattr(one, field.name) for field in fields(one) if field.name in names}
        version, probability = one.shadow or (None, None)
        yield values | {
            "answered_at": one.at,
            "shadow_version": version,
            "shadow_probability": probability,
            "tail_key": plan.pop(2),
            "flight": orjson.dumps(plan).decode(),
            "features": orjson.dumps(one.features).decode(),
        }


def _insert(engine: sa.Engine, rows: list[dict]) -> None:
    dialect = postgresql if engine.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(PREDICTIONS).on_conflict_do_nothing()
    with engine.begin() as connection:
        for start in range(0, len(rows), ROWS_AT_ONCE):
            connection.execute(statement, rows[start : start + ROWS_AT_ONCE])


def _remove_loaded(store: Store, found: list[Path], done: dict[str, int]) -> None:
    """The cursor forgets a segment before its file goes: its rows are there, and are not doubled if they come again."""
    old = found[: -1 - KEPT_SEGMENTS]
    if not old:
        return
    kept = {name: end for name, end in done.items() if name not in {segment.name for segment in old}}
    for segment in old:
        segment.unlink(missing_ok=True)
    store.write_json(CURSOR, kept)
