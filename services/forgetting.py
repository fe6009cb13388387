"""Takes an erased aircraft out of the prediction log; `loading.erase_aircraft` does so for the table it is loaded into.

A record stays, with what was answered; the aircraft's pseudonym, the features that were found by it, and the reasons
that quoted those go.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson

from infra.segments import holding, segments
from infra.storage import write_atomically
from pipelines.erasing import ERASED_FEATURES, ERASED_GROUPS
from pipelines.feature_catalog import NAMES
from services.prediction_log import FOLDER, pack_features, unpack_features

TAIL_PLACE = 2
"""Where the pseudonym stands among what a record says of a flight."""
_COLUMNS = [NAMES.index(name) for name in ERASED_FEATURES]

Change = Callable[[dict], dict | None]
"""What a record becomes, None where it stays as it is."""


def forget_in_log(home: Path, tail_key: str, clean: Callable[[str], str] = str) -> int:
    """Erase an aircraft from every segment of the prediction log; returns how many records named it.

    `clean` gives another id to a request whose caller has put the tail number into its id.

    Segments are written anew one by one, whole, under the log's lock; writers see that theirs was replaced, and open
    it again. Killed and done again, it ends the same.
    """

    def change(record: dict) -> dict | None:
        rows = [row for row, flight in enumerate(record["flights"]) if flight[TAIL_PLACE] == tail_key]
        record_id = clean(record["id"])
        if record_id == record["id"]:
            return _without_rows(record, rows) if rows else None
        answer = {**record["answer"], "request_id": record_id}
        return _without_rows({**record, "id": record_id, "answer": answer}, rows)

    with holding(home / FOLDER):
        return sum(_rewrite(path, change) for path in segments(home / FOLDER))


def _rewrite(path: Path, change: Change) -> int:
    """Write a file of JSON lines anew if any line changes; a torn last line stays as it is."""
    changed, lines = 0, []
    for line in path.read_bytes().splitlines(keepends=True):
        after = change(json.loads(line)) if line.endswith(b"\n") else None
        lines.append(line if after is None else orjson.dumps(after) + b"\n")
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
    return {**record, "flights": flights, "x": _without_columns(record["x"], rows), "answer": answer}


def _without_columns(packed: str, rows: list[int]) -> str:
    """Packed features without those of an aircraft in these rows."""
    features = unpack_features(packed).copy()
    features[np.ix_(rows, _COLUMNS)] = np.nan
    return pack_features(features)


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
