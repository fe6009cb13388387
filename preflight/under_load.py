"""A service of its own under constant load, and what must hold of every answer it gave meanwhile."""

import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import orjson

from data_checks import schema as s
from infra.http_connection import OK, Answer, Request
from infra.http_load import Pace, send_requests
from pipelines.clock import Week
from pipelines.context import Context
from preflight.prove import ProofFailed
from services.parity import TOLERANCE, as_message, batch_scores
from services.prediction_log import read_log

PACE = Pace(connections=8, rate=150)
FLIGHTS, BATCH_EVERY, BATCH = 2000, 10, 50


@dataclass
class Load:
    """What was heard while the service was under load; `over` ends it after the requests that are out."""

    heard: list[Answer] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def retries(self) -> int:
        """Requests that lost their connection and were sent once more, with the same id."""
        return sum(answer.retries for answer in self.heard)


@contextmanager
def under_load(context: Context, week: Week, address: str) -> Iterator[Load]:
    """Real flights asked over and over, one by one and in batches, each request with an id of its own."""
    load, name = Load(), uuid.uuid4().hex[:12]
    flights = context.accepted(s.SCHEDULE, week, 1).head(FLIGHTS)
    messages = [orjson.dumps(as_message(row)) for row in flights.iter_rows(named=True)]

    def requests() -> Iterator[Request]:
        for number, place in enumerate(cycle(range(len(messages) - BATCH))):
            if load.over.is_set():
                return
            request_id = f"{name}-{number}"
            if number % BATCH_EVERY:
                yield Request("/v1/predict", messages[place], request_id)
            else:
                many = b",".join(messages[place : place + BATCH])
                yield Request("/v1/predict_batch", b'{"flights":[' + many + b"]}", request_id)

    thread = threading.Thread(target=send_requests, args=(address, requests(), load.heard.append, PACE))
    thread.start()
    try:
        yield load
    finally:
        load.over.set()
        thread.join()


def require_whole(context: Context, week: Week, load: Load, what: str) -> Counter:
    """Every request answered, every probability that of the version which the answer names. Raises ProofFailed."""
    failed = [answer for answer in load.heard if answer.status != OK]
    if failed:
        first = failed[0]
        raise ProofFailed(
            f"{len(failed)} of {len(load.heard)} requests failed at {what}, the first with {first.status}: "
            f"{first.problem or first.body[:200].decode(errors='replace')}"
        )
    expected, answers = {}, Counter()
    for answer in load.heard:
        document = orjson.loads(answer.body)
        version = document["model_version"]
        if version not in expected:
            expected[version] = dict(batch_scores(context, week, version).iter_rows())
        for one in document.get("predictions", [document]):
            answers[version] += 1
            if not abs(one["probability_late"] - expected[version][one["flight_id"]]) <= TOLERANCE:
                raise ProofFailed(
                    f"an answer is mixed: it names version {version}, and says {one['probability_late']} of flight "
                    f"{one['flight_id']}, of which that version says {expected[version][one['flight_id']]}"
                )
    return answers


def require_on_record_once(home: Path, load: Load) -> None:
    """Every acknowledged answer stands in the log once, as it was given, and nothing twice. Raises ProofFailed."""
    times, answers = Counter(), {}
    for document in read_log(home):
        times[document["id"]] += 1
        answers[document["id"]] = document["answer"]
    for answer in load.heard:
        name = answer.request.request_id
        if times[name] != 1:
            raise ProofFailed(f"the answer to {name} was acknowledged, and is {times[name]} times on record")
        if answers[name] != orjson.loads(answer.body):
            raise ProofFailed(f"the answer to {name} is on record otherwise than it was given")
    doubled = [name for name, count in times.items() if count > 1]
    if doubled:
        raise ProofFailed(f"{len(doubled)} requests are on record more than once, the first is {doubled[0]}")
