"""From the prediction log to the table that monitoring reads: SQLite in the home folder, or PostgreSQL on servers.

Loading may be killed at any moment and repeated: a row is named by its request and its place in it, and one that is
there stays as it is. A segment that was loaded whole is removed, except for the newest, whose requests may come again.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from itertools import islice
from pathlib import Path

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from infra.database import asking, name_of
from infra.online_predictions import PREDICTIONS
from infra.segments import holding, older_segments, segments, whole_lines
from infra.storage import Store
from services.prediction_log import FOLDER, Logged, as_document, flights_of

LOADING = f"{FOLDER}/loading"
CURSOR = f"{LOADING}/cursor.json"
PAGE_BYTES = 2**20
DIALECTS = {"sqlite": sqlite, "postgresql": postgresql}


def load_log(store: Store, engine: sa.Engine, wait_seconds: float = 0, most_pages: int | None = None) -> int:
    """Load what was logged since the last time, or so many pages of it; returns how many flights were read.

    Raises DatabaseError, and BusyError when another process has been loading for so long.
    """
    with store.exclusively(LOADING, wait_seconds), asking(engine.url):
        done, read = _cursor(store, engine), 0
        for segment, lines, end in islice(_pages(segments(store.path(FOLDER)), done), most_pages):
            rows = [row for line in lines for row in _rows(as_document(line, segment))]
            _insert(engine, rows)
            read, done[segment.name] = read + len(rows), [segment.stat().st_ino, end]
            _write_cursor(store, engine, done)
        _remove_loaded(store, engine, done)
    return read


def rename_requests(engine: sa.Engine, word: str, clean: Callable[[str], str]) -> None:
    """Give another id to the requests whose id holds a word, in whatever case."""
    ids = PREDICTIONS.c.request_id
    with asking(engine.url), engine.begin() as connection:
        found = (
            connection.execute(sa.select(ids).distinct().where(ids.icontains(word, autoescape=True))).scalars().all()
        )
        for name in found:
            connection.execute(sa.update(PREDICTIONS).where(ids == name).values(request_id=clean(name)))


def erase_aircraft(engine: sa.Engine, tail_key: str, features: Iterable[str]) -> int:
    """Take a pseudonym and what was found by it, the named features, out of the rows that have it; returns how many."""
    table, erased = PREDICTIONS.c, dict.fromkeys(features)
    with asking(engine.url), engine.begin() as connection:
        rows = connection.execute(sa.select(PREDICTIONS).where(table.tail_key == tail_key)).mappings().all()
        for row in rows:
            which = (table.request_id == row["request_id"], table.place == row["place"])
            kept = orjson.dumps(orjson.loads(row["features"]) | erased).decode()
            connection.execute(sa.update(PREDICTIONS).where(*which).values(tail_key=None, features=kept))
    return len(rows)


_AS_LOGGED = [field.name for field in fields(Logged) if field.name in PREDICTIONS.c and field.name != "features"]


def _cursor(store: Store, engine: sa.Engine) -> dict[str, list[int]]:
    """Inode and loaded bytes of each segment; a database that is empty, or another than the last time, has none."""
    kept = store.read_json(CURSOR) or {}
    with engine.connect() as connection:
        is_empty = connection.execute(sa.select(PREDICTIONS.c.place).limit(1)).first() is None
    return {} if is_empty or kept.get("database") != name_of(engine.url) else kept["segments"]


def _start(done: dict[str, list[int]], segment: Path) -> int:
    """The byte from which on a segment was not loaded; one that was written anew comes again."""
    inode, end = done.get(segment.name, (0, 0))
    return end if inode == segment.stat().st_ino else 0


def _write_cursor(store: Store, engine: sa.Engine, done: dict[str, list[int]]) -> None:
    store.write_json(CURSOR, {"database": name_of(engine.url), "segments": done})


def _pages(found: list[Path], done: dict[str, list[int]]) -> Iterator[tuple[Path, list[bytes], int]]:
    """Lines of segments that were not loaded, a megabyte or so at once, with the byte up to which they go."""
    for segment in found:
        lines, size, end = [], 0, _start(done, segment)
        for line in whole_lines(segment, end):
            lines.append(line)
            size += len(line)
            if size >= PAGE_BYTES:
                end += size
                yield segment, lines, end
                lines, size = [], 0
        if lines:
            yield segment, lines, end + size


def _rows(document: dict) -> Iterator[dict]:
    for one in flights_of(document):
        plan = list(one.plan)
        version, probability = one.shadow or (None, None)
        yield {name: getattr(one, name) for name in _AS_LOGGED} | {
            "answered_at": one.at,
            "shadow_version": version,
            "shadow_probability": probability,
            "tail_key": plan.pop(2),
            "flight": orjson.dumps(plan).decode(),
            "features": orjson.dumps(one.features).decode(),
        }


def _insert(engine: sa.Engine, rows: list[dict]) -> None:
    statement = DIALECTS[engine.dialect.name].insert(PREDICTIONS).on_conflict_do_nothing()
    with engine.begin() as connection:
        connection.execute(statement, rows)


def _remove_loaded(store: Store, engine: sa.Engine, done: dict[str, list[int]]) -> None:
    """Nobody writes meanwhile, so that what is removed is what was loaded.

    The cursor forgets a segment before its file goes: rows that come again are not doubled.
    """
    folder = store.path(FOLDER)
    if not older_segments(folder):
        return
    with holding(folder):
        old = [segment for segment in older_segments(folder) if segment.stat().st_size == _start(done, segment)]
        names = {segment.name for segment in segments(folder)} - {segment.name for segment in old}
        _write_cursor(store, engine, {name: end for name, end in done.items() if name in names})
        for segment in old:
            segment.unlink()
