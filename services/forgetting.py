"""Takes an erased aircraft out of what the service has answered: the prediction log, its table, the request log.

A record stays, with what was answered; the aircraft's pseudonym, the features that were found by it, and the reasons
that quoted those go.
"""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from filelock import FileLock
from sqlalchemy import Engine, MetaData, Table, select, update

from data_checks import schema as s
from infra.storage import write_atomically
from pipelines.erasing import ERASED_FEATURES, ERASED_GROUPS
from pipelines.feature_catalog import NAMES
from services.request_log import FOLDER as REQUESTS

LOG_FOLDER, LOCK = "prediction_log", ".lock"
TAIL_PLACE = 2
"""Where the pseudonym stands among what a record says of a flight."""
_COLUMNS = [NAMES.index(name) for name in ERASED_FEATURES]

Change = Callable[[dict], dict | None]
"""What a record becomes, None where it stays as it is."""


def forget_in_log(home: Path, tail_key: str) -> int:
    """Erase an aircraft from every segment of the prediction log; returns how many records named it.

    Segments are written anew one by one, whole, under the log's lock: whoever appends has to open the file again after
    taking it. Killed and done again, it ends the same.
    """

    def change(record: dict) -> dict | None:
        rows = [row for row, flight in enumerate(record["flights"]) if flight[TAIL_PLACE] == tail_key]
        return _without_rows(record, rows) if rows else None

    with _locked(home / LOG_FOLDER):
        return sum(_rewrite(path, change) for path in sorted((home / LOG_FOLDER).glob("*.jsonl")))


def forget_in_requests(home: Path, tail: str) -> int:
    """The same for the older log of requests, which has the tail number itself."""

    def change(document: dict) -> dict | None:
        if document["request"].get(s.TAIL_NUMBER) != tail:
            return None
        request = {name: value for name, value in document["request"].items() if name != s.TAIL_NUMBER}
        return {**document, "request": request, "features": document["features"] | dict.fromkeys(ERASED_FEATURES)}

    return sum(_rewrite(path, change) for path in sorted((home / REQUESTS).glob("*.jsonl")))


def forget_in_table(engine: Engine, name: str, tail_key: str) -> int:
    """The same for a table that the log was loaded into, one row per flight; returns how many rows named it.

    `tail_key` becomes null; so does a column named as an erased feature; `features`, where there is such a column, is a
    row of float64 as bytes or as base64, and loses the values of those.
    """
    table = Table(name, MetaData(), autoload_with=engine)
    packed = "features" in table.c
    values = {"tail_key": None} | {feature: None for feature in ERASED_FEATURES if feature in table.c}
    key = list(table.primary_key)
    with engine.begin() as connection:
        rows = connection.execute(select(table).where(table.c.tail_key == tail_key)).mappings().all()
        for row in rows:
            erased = values | ({"features": _without_columns(row["features"], [0])} if packed else {})
            connection.execute(update(table).where(*(column == row[column.name] for column in key)).values(erased))
    return len(rows)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    if not folder.is_dir():
        yield
        return
    with FileLock(folder / LOCK):
        yield


def _rewrite(path: Path, change: Change) -> int:
    """Write a file of JSON lines anew if any line changes; a torn last line stays as it is."""
    changed, lines = 0, []
    for line in path.read_bytes().splitlines(keepends=True):
        after = change(json.loads(line)) if line.endswith(b"\n") else None
        lines.append(line if after is None else json.dumps(after, allow_nan=False).encode() + b"\n")
        changed += after is not None
    if changed:
        write_atomically(path, b"".join(lines))
    return changed


def _without_rows(record: dict, rows: list[int]) -> dict:
    """A record of the prediction log without the aircraft of these flights."""
    flights = [
        [*flight[:TAIL_PLACE], None, *flight[TAIL_PLACE + 1 :]] if row in rows else flight
        for row, flight in enumerate(record["flights"])
    ]
    answer = record["answer"]
    if "predictions" in answer:
        answered = [_without_words(one) if row in rows else one for row, one in enumerate(answer["predictions"])]
        answer = {**answer, "predictions": answered}
    else:
        answer = _without_words(answer)
    return {**record, "flights": flights, "x": _without_columns(record["x"], rows, len(flights)), "answer": answer}


def _without_columns(packed: str | bytes | None, rows: list[int], height: int = 1) -> str | bytes | None:
    """Packed features without those of an aircraft in these rows; without any, where it is not known which is which."""
    if packed is None:
        return None
    content = packed if isinstance(packed, bytes) else base64.b64decode(packed)
    features = np.frombuffer(content, "<f8").reshape(height, -1).copy()
    columns = _COLUMNS if features.shape[1] == len(NAMES) else range(features.shape[1])
    features[np.ix_(rows, columns)] = np.nan
    return features.tobytes() if isinstance(packed, bytes) else base64.b64encode(features.tobytes()).decode()


def _without_words(value: object) -> object:
    """An answer without anything that is named after an erased feature or group, or is about one."""
    erased = {*ERASED_FEATURES, *ERASED_GROUPS}
    if isinstance(value, dict):
        return {name: _without_words(item) for name, item in value.items() if name not in erased}
    if isinstance(value, list):
        return [_without_words(item) for item in value if not _is_about(item, erased)]
    return value


def _is_about(item: object, erased: set[str]) -> bool:
    return isinstance(item, dict) and bool({item.get("feature"), item.get("group")} & erased)
