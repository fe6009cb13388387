"""Clients of a service that is drilled: real flights asked one by one or all at once, and where its answers show."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import httpx
import psutil

from data_checks import schema as s
from infra.http_connection import Request
from infra.http_load import Pace
from infra.service_process import workers_below
from pipelines.clock import Week
from practice.drills.ground import Played
from practice.drills.scene import Scene
from services.client import NothingAnswers, ServiceRefused, ask_model
from services.prediction_log import FOLDER
from services.traffic import as_requests, in_order_of_asking

STEADY = Pace(connections=4, rate=40)
"""A load that leaves a machine of two processors something for those who start anew."""
PATIENCE_SECONDS = 120
JSON = "application/json"


def newest_week(played: Played) -> Week:
    """The week that a service of this home answers for."""
    return Week.from_id(played.context.journal.weeks("score")[-1])


def questions(played: Played, count: int, flights: int = 1, run: str = "drill") -> list[Request]:
    """So many requests about so many flights each, of the week that is served, each with an id of its own."""
    plan = in_order_of_asking(played.context.accepted(s.SCHEDULE, newest_week(played), 1))
    return list(as_requests(plan.head(count * flights), flights, run))


def ask(address: str, request: Request) -> httpx.Response:
    """What a service answers to one request, whatever it is."""
    with httpx.Client(base_url=address, timeout=PATIENCE_SECONDS, verify=False) as client:  # there is no TLS to verify
        return client.post(request.path, content=request.body, headers=_headers(request))


def ask_together(address: str, requests: Sequence[Request]) -> list[httpx.Response]:
    """What it answers to requests that are there at once, each on a connection of its own, in their order."""

    async def all_at_once() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=None)
        patient = httpx.Timeout(PATIENCE_SECONDS)
        async with httpx.AsyncClient(base_url=address, limits=limits, timeout=patient, verify=False) as client:
            asking = (client.post(one.path, content=one.body, headers=_headers(one)) for one in requests)
            return list(await asyncio.gather(*asking))

    return asyncio.run(all_at_once())


def card_of(address: str) -> dict:
    """Which version answers, as the service says; empty while nobody answers."""
    try:
        return ask_model(address)
    except (NothingAnswers, ServiceRefused):
        return {}


def workers_of(scene: Scene, played: Played, count: int = 2) -> list[psutil.Process]:
    """The workers that answer from this home, as soon as there are so many."""

    def those_that_are_up() -> list[psutil.Process] | None:
        found = workers_below(os.getpid(), played.store.path(FOLDER))
        return found if len(found) >= count else None

    return scene.wait(those_that_are_up, PATIENCE_SECONDS) or []


def said_in(log: Path, words: str) -> str | None:
    """The newest line of a log that has these words, None when there is none."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return next((line.strip() for line in reversed(text.splitlines()) if words in line), None)


def said_in_any(folder: Path, pattern: str, words: str) -> str | None:
    """The same of all logs of a folder whose names match."""
    return next((said for log in sorted(folder.glob(pattern)) if (said := said_in(log, words))), None)


def counted(address: str, metric: str) -> float:
    """The sum of a counter over its labels, as the service shows it to Prometheus; 0 where it shows none."""
    lines = httpx.get(f"{address}/metrics", timeout=PATIENCE_SECONDS).text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{metric} ", f"{metric}{{")))


def _headers(request: Request) -> dict[str, str]:
    return {"content-type": JSON, "x-request-id": request.request_id}
