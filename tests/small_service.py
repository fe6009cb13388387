"""A home folder with three small models and the feeds of one real week, and its service inside this process."""

import asyncio
import json
import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import orjson
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier

from data_checks import schema as s
from infra.bundle import Bundle
from infra.segments import segments
from infra.settings import load_settings
from infra.storage import Store
from pipelines.artefact import build_bundle
from pipelines.calibration_map import IDENTITY
from pipelines.clock import Week
from pipelines.encoding import encode_features
from pipelines.features import build_features
from pipelines.snapshot import write_snapshot
from pipelines.state import World, prepare_state
from pipelines.time_travel import world_of_week
from services.current import PLAN
from services.hot import HotRoutes
from services.model import CHALLENGER, POINTER, PREVIOUS, Served, export_model
from services.parity import as_message
from services.prediction_log import FOLDER, read_log
from services.worker import Worker

WEEK = Week.from_id("2013-03-04")
OLD, CHAMPION, NEW = 3, 4, 5
"""The versions: `OLD` is the champion before, `NEW` the one that may be tried beside the champion."""
JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class SmallHome:
    """A home folder, the flights of its week, and the bundles by version."""

    home: Path
    plan: pl.DataFrame
    bundles: dict[int, Bundle]

    def copy(self, folder: Path) -> "SmallHome":
        """The same in a folder of its own, to write to and to answer from."""
        shutil.copytree(self.home, folder)
        return SmallHome(folder, self.plan, self.bundles)

    @property
    def store(self) -> Store:
        return Store(self.home)

    def message(self, row: int = 0, **changed: object) -> dict:
        """What is asked about one flight of the plan."""
        return as_message(self.plan.row(row, named=True)) | changed

    def messages(self, count: int) -> list[dict]:
        return [self.message(row) for row in range(count)]

    def export(self, version: int, pointer: str = POINTER, week: Week = WEEK, **more: object) -> Served:
        """Point to a version in a role."""
        return export_model(self.store, self.bundles[version], version, week.id, pointer, known_until=week.end, **more)

    def try_beside(self, mode: str, share: float = 0.0, version: int = NEW) -> None:
        """Put a version on trial, as the agent does."""
        self.export(version, CHALLENGER)
        self.store.write_json(PLAN, {"mode": mode, "challenger": version, "share": share, "salt": "test"})

    def logged(self) -> list[dict]:
        """The lines of the prediction log."""
        return list(read_log(self.home))

    @property
    def segment(self) -> Path:
        """The segment of the log that is written to."""
        return segments(self.home / FOLDER)[-1]


class InProcess:
    """The hot routes of one worker, asked as over HTTP; `routes` is the application, `worker` what answers in it."""

    def __init__(self, home: SmallHome, **settings: object) -> None:
        self.worker = Worker(load_settings(home=home.home, **settings))
        self.routes = HotRoutes()
        self.routes.serve(self.worker.served())

    def ask(self, method: str, path: str, **request: object) -> httpx.Response:
        """The answer to one request; `request` is as httpx takes it."""
        (answer,) = self.ask_together([(method, path, request)])
        return answer

    def post(self, path: str, message: object, **headers: str) -> httpx.Response:
        """The answer to a message; `x_request_id="a"` is the header X-Request-Id."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.ask("POST", f"/v1/{path}", json=message, headers=named)

    def ask_together(self, requests: list[tuple[str, str, dict]]) -> list[httpx.Response]:
        """The answers to requests that are there at once."""

        async def asked() -> list[httpx.Response]:
            async with self.client() as client:
                return await asyncio.gather(*(client.request(method, path, **more) for method, path, more in requests))

        return asyncio.run(asked())

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.routes), base_url="http://here")

    def follow(self) -> None:
        """Let the worker see what changed in its home, as its loop does."""
        follower = self.worker._follower
        if follower.has_changed():
            follower.load()


@contextmanager
def answering(home: SmallHome, **settings: object) -> Iterator[InProcess]:
    """The service of a home inside this process."""
    service = InProcess(home, **settings)
    try:
        yield service
    finally:
        asyncio.run(service.worker.stop())


def make_small_home(home: Path, year: World) -> SmallHome:
    """Write the week, its snapshot and three models: the champion, the one before, and one to be tried."""
    store, world = Store(home), world_of_week(year, WEEK, 8)
    plan = world_of_week(year, WEEK, 1).schedule
    state = prepare_state(world)
    write_snapshot(store, WEEK, state)
    store.write_table(f"accepted/{s.SCHEDULE.name}", WEEK.id, plan)
    features = encode_features(build_features(plan, state))
    small = SmallHome(home, plan, {version: small_model(features, version) for version in (OLD, CHAMPION, NEW)})
    small.export(OLD, PREVIOUS)
    small.export(CHAMPION, POINTER, record={"promote": True, "reason": "made for tests", "kind": "gate"})
    return small


def small_model(features: np.ndarray, seed: int) -> Bundle:
    """A few trees that tell made-up labels of real features; another seed gives others, and other probabilities."""
    random = np.random.default_rng(seed)
    known = np.nan_to_num((features - np.nanmean(features, axis=0)) / (np.nanstd(features, axis=0) + 1))
    is_late = known @ random.normal(size=features.shape[1]) + random.normal(size=len(features)) > 1
    trees = HistGradientBoostingClassifier(max_iter=8, max_leaf_nodes=15, early_stopping=False, random_state=seed)
    return build_bundle(trees.fit(features, is_late), IDENTITY, 0.4, {"seed": seed})


def problems_of(answer: httpx.Response) -> list[dict]:
    """The problems of a refusal, which has the form that every refusal has."""
    said = orjson.loads(answer.content)
    assert answer.headers["content-type"] == "application/json"
    assert set(said) == {"error", "request_id"}
    assert set(said["error"]) == {"code", "problems"}
    assert said["error"]["problems"]
    assert all(set(one) == {"field", "problem", "remedy"} for one in said["error"]["problems"])
    assert all(one["problem"] and one["remedy"] for one in said["error"]["problems"])
    return said["error"]["problems"]


def spiteful_bodies(home: SmallHome) -> dict[str, bytes]:
    """Bodies that were made to break a parser, a model, or a log."""
    good = json.dumps(home.message()).encode()
    return {
        "nothing": b"",
        "half a document": good[:40],
        "two documents": good + good,
        "not UTF-8": good.replace(b"EWR", b"\xff\xfe\xfd"),
        "a lone surrogate": good.replace(b"EWR", b"\\ud800"),
        "a byte order mark": b"\xef\xbb\xbf" + good,
        "UTF-16": good.decode().encode("utf-16"),
        "a null byte": good.replace(b"EWR", b"E\x00R"),
        "right-to-left and combining characters": json.dumps(home.message(destination="\u202eI\u0301\u0301H")).encode(),
        "emoji": json.dumps(home.message(tail_number="✈✈✈")).encode(),
        "deep lists": b"[" * 100_000 + b"]" * 100_000,
        "deep objects": b'{"flights":' * 50_000 + b"1" + b"}" * 50_000,
        "deep inside a field": good.replace(b'"EWR"', b"[" * 50_000 + b"]" * 50_000),
        "a huge number": good.replace(b'"flight_number": ', b'"flight_number": ' + b"9" * 5000),
        "a huge exponent": good.replace(b'"flight_number": ', b'"flight_number": 1e999999999, "x": '),
        "not a number": json.dumps(home.message(distance_miles=math.nan)).encode(),
        "infinite": json.dumps(home.message(distance_miles=math.inf)).encode(),
        "wrong types": json.dumps({name: [value] for name, value in home.message().items()}).encode(),
        "true for a number": json.dumps(home.message(flight_number=True)).encode(),
        "a number of seconds": json.dumps(home.message(scheduled_departure="1362391200")).encode(),
        "a field twice": good[:-1] + b', "origin": "JFK"}',
        "sixty thousand unknown fields": json.dumps({str(n): n for n in range(60_000)}).encode(),
        "one name of nine hundred kilobytes": json.dumps({"a" * 900_000: 1}).encode(),
        "half a million flights of nothing": b'{"flights":[' + b"0," * 490_000 + b"0]}",
        "a pickle": b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00\x8c\x01a\x94.",
        "__proto__ and constructor": json.dumps(home.message() | {"__proto__": {}, "constructor": {}}).encode(),
        "a template": json.dumps(home.message(destination="{{7*7}}")).encode(),
        "before the week": json.dumps(
            home.message(scheduled_departure="2013-03-01T10:00:00Z", scheduled_arrival="2013-03-01T12:00:00Z")
        ).encode(),
        "eighty years later": json.dumps(
            home.message(scheduled_departure="2093-03-04T10:00:00Z", scheduled_arrival="2093-03-04T12:00:00Z")
        ).encode(),
    }
