"""The prediction log: what was asked, which features were used, who answered what. Its lines and how they are read.

One line per request, written before the answer is given. The tail number is in it as a pseudonym. A line begins with
the request's id and ends with the answer, byte for byte as it was given, so that the same id can be answered the same.
"""

import base64
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

import numpy as np
import orjson

from infra.errors import PreflightError
from infra.pseudonyms import Pseudonyms
from infra.segments import segments, whole_lines
from infra.shared_log import Limits, SharedLog
from pipelines.encoding import decode_rows
from pipelines.feature_catalog import CATEGORIES, NAMES
from services.messages import FlightRequest
from services.online import FeatureRows, plan_of

FOLDER = "prediction_log"
NO_VERSION = 0

_KEY, _ANSWER = b'{"id":"', b',"answer":'


def catalog_of(names: Sequence[str], categories: Mapping[str, Sequence[str]]) -> str:
    """What says in short how features are called and what their categories stand for, in which order."""
    return blake2b(json.dumps([names, categories]).encode(), digest_size=4).hexdigest()


CATALOG = catalog_of(NAMES, CATEGORIES)
"""On every line: a reader that calls them otherwise must not guess."""


class OtherCatalog(PreflightError, ValueError):  # noqa: N818
    """A line has features that this release does not know by the same names."""


class LogDamaged(PreflightError, ValueError):  # noqa: N818
    """A whole line of the log is not what was written."""


@dataclass(frozen=True)
class Given:
    """What is put on record of an answer beside its flights and their features.

    `body` is the keyed hash of the request, `week` that of the snapshot. `shadow` is what a second model said of the
    same rows, {"version", "probability"}; `failed` which model should have answered and why it did not.
    """

    kind: str
    body: str
    version: int
    role: str
    week: str | None
    latency_ms: float
    shadow: dict | None = None
    failed: dict | None = None


@dataclass(frozen=True)
class Logged:
    """One flight of an answered request. `plan` is as it was asked, the tail number as its pseudonym, if any.

    `features` are what the model saw, by name; None is a missing value. `shadow` is the version and the probability
    of a model that was asked too and did not answer.
    """

    request_id: str
    place: int
    at: str
    latency_ms: float
    kind: str
    version: int
    role: str
    week: str | None
    mode: str
    plan: tuple
    features: dict[str, str | float | None]
    flight_id: str
    as_of: str
    probability: float
    is_late: bool
    shadow: tuple[int, float | None] | None


def open_log(home: Path, limits: Limits | None = None) -> SharedLog:
    """The log of a home folder, to be written by this process."""
    return SharedLog(home / FOLDER, key_of, limits)


def key_of(line: bytes) -> bytes:
    """The request id of a line; of one that was damaged something that is none."""
    return line[len(_KEY) :].partition(b'"')[0]


def make_line(
    request_id: str, given: Given, records: Sequence[orjson.Fragment], rows: FeatureRows, answer: bytes
) -> bytes:
    """The line of one answered request: flights as `on_record` tells them; `answer` is JSON, a prediction for each."""
    facts = {
        "body": given.body,
        "at": datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds"),
        "latency_ms": round(given.latency_ms, 3),
        "kind": given.kind,
        "version": given.version,
        "role": given.role,
        "week": given.week,
        "mode": rows.mode,
        "catalog": CATALOG,
        "shadow": given.shadow,
        "failed": given.failed,
        "flights": records,
        "x": pack_features(rows.encoded),
    }
    return b"".join((_KEY, request_id.encode(), b'",', orjson.dumps(facts)[1:-1], _ANSWER, answer, b"}\n"))


@lru_cache(maxsize=20_000)
def on_record(plan: tuple, names: Pseudonyms) -> orjson.Fragment:
    """What a line says of a flight: what was asked, the tail number as its pseudonym."""
    carrier, number, tail, *rest = plan
    return orjson.Fragment(orjson.dumps((carrier, number, None if tail is None else names.of(tail), *rest)))


def is_same_request(line: bytes, body: str) -> bool:
    """Whether a line is of a request with this keyed hash."""
    return line[: line.index(b',"at":')].endswith(f'"body":"{body}"'.encode())


def answer_of(line: bytes) -> bytes:
    """The answer that a line holds."""
    return line[line.index(_ANSWER) + len(_ANSWER) : -2]


def pack_features(encoded: np.ndarray) -> str:
    """Features as the model saw them, bit by bit: base64 of little-endian float64, row by row."""
    return base64.b64encode(np.ascontiguousarray(encoded, dtype="<f8")).decode()


def unpack_features(text: str) -> np.ndarray:
    """(n, n_features) of what `pack_features` wrote."""
    return np.frombuffer(base64.b64decode(text), dtype="<f8").reshape(-1, len(NAMES))


def read_log(home: Path) -> Iterator[dict]:
    """Every whole line of a home folder's log as a document, oldest segment first."""
    for segment in segments(home / FOLDER):
        yield from (as_document(line, segment) for line in whole_lines(segment))


def as_document(line: bytes, segment: Path) -> dict:
    """What a line of a segment says. Raises LogDamaged."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise LogDamaged(
            f"{segment} holds a line that cannot be read ({error}), it begins with {line[:40]!r}; "
            "restore the file from a copy, or move it out of its folder"
        ) from error


def log_end(home: Path) -> tuple[str, int]:
    """Where the log stands: the segment that is written to, and its bytes so far."""
    found = segments(home / FOLDER)
    return (found[-1].name, found[-1].stat().st_size) if found else ("", 0)


def begins_after(home: Path, place: tuple[str, int]) -> bool:
    """Whether what was logged from a place on is no longer all there: it was loaded, and its segment removed."""
    found = segments(home / FOLDER)
    return bool(found) and "" < place[0] < found[0].name


def read_from(home: Path, place: tuple[str, int]) -> tuple[list[dict], tuple[str, int]]:
    """The whole lines from a place on as documents, and the place after them."""
    name, start = place
    documents = []
    for segment in segments(home / FOLDER):
        if segment.name < name:
            continue
        begin = start if segment.name == name else 0
        lines = list(whole_lines(segment, begin))
        documents += [as_document(line, segment) for line in lines]
        place = (segment.name, begin + sum(map(len, lines)))
    return documents, place


def flights_of(document: dict) -> Iterator[Logged]:
    """The flights of one line, in the order in which they were asked. Raises OtherCatalog."""
    if document["catalog"] != CATALOG:
        raise OtherCatalog(
            f"expected features of catalog {CATALOG}, got {document['catalog']} in the answer to {document['id']}; "
            "read it with the release of preflight that wrote it, or move its segment out of the log"
        )
    answer, shadow = document["answer"], document["shadow"]
    predicted = answer.get("predictions", [answer])
    said = shadow["probability"] if shadow else [None] * len(predicted)
    rows = decode_rows(unpack_features(document["x"]))
    for place, (plan, row, one, beside) in enumerate(zip(document["flights"], rows, predicted, said, strict=True)):
        yield Logged(
            request_id=document["id"],
            place=place,
            at=document["at"],
            latency_ms=document["latency_ms"],
            kind=document["kind"],
            version=document["version"],
            role=document["role"],
            week=document["week"],
            mode=document["mode"],
            plan=tuple(plan),
            features=row,
            flight_id=one["flight_id"],
            as_of=one["as_of"],
            probability=one["probability_late"],
            is_late=one["is_late"],
            shadow=shadow and (shadow["version"], beside),
        )


def read_flights(home: Path) -> Iterator[Logged]:
    """Every flight that was answered under a home folder."""
    for document in read_log(home):
        yield from flights_of(document)


def log_features(log: SharedLog, flights: list[FlightRequest], rows: FeatureRows, week: str, names: Pseudonyms) -> None:
    """Put features on record as if a model had answered 0 with them: what the proofs about features ask."""
    predictions = [
        {"flight_id": flight, "as_of": moment, "probability_late": 0.0, "is_late": False}
        for flight, moment in zip(rows.flight_ids, rows.as_of, strict=True)
    ]
    request_id = f"{week}-{rows.flight_ids[0]}"
    given = Given("predict_batch", "", NO_VERSION, "champion", week, 0.0)
    records = [on_record(plan_of(flight), names) for flight in flights]
    line = make_line(request_id, given, records, rows, orjson.dumps({"predictions": predictions}))
    log.append(request_id.encode(), line)
