"""A small service that answers by the contract, with probabilities that a test chose; and a home to ask it from."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from pathlib import Path

import polars as pl
import uvicorn
from conftest import SHORT_YEAR
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from data_checks import schema as s
from data_checks.feeds import rows_of_week
from infra.network import LOOPBACK
from infra.settings import load_settings
from pipelines.clock import NEW_YORK, Week
from pipelines.context import Context
from pipelines.scoring import PROBABILITY, VERSION
from services.messages import FlightRequest

WEEK = Week.from_id("2013-02-18")
CHAMPION = 3
THRESHOLD = 0.25
REASONS = [
    {"feature": "hour", "group": "clock", "value": 6.0, "contribution": -0.61, "words": "it leaves early"},
    {"feature": "delay", "group": "delays", "value": 50.0, "contribution": 0.32, "words": "its aircraft is late"},
]
Answer = Callable[[Request, dict], dict | Response]


@contextmanager
def listening(app: Starlette) -> Iterator[str]:
    """The address of an app on a loopback port, for the length of the block."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", ws="none"))
    with socket.create_server((LOOPBACK, 0), backlog=64) as ear:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [ear]})
        thread.start()  # whoever connects before it runs waits in the backlog
        try:
            yield f"http://{LOOPBACK}:{ear.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def refusal(status: int, code: str, field: str | None, problem: str, remedy: str) -> JSONResponse:
    """An error by the contract."""
    problems = [{"field": field, "problem": problem, "remedy": remedy}]
    return JSONResponse({"error": {"code": code, "problems": problems}, "request_id": None}, status)


@dataclass
class FakeService:
    """Answers from `says`, flight id to probability; a test turns what is wrong with it.

    `spoil` may change the document of an answer, or give another response for it.
    """

    says: dict[str, float]
    week: Week = WEEK
    version: int = CHAMPION
    role: str = "champion"
    mode: str = "fresh"
    spoil: Answer = lambda request, document: document
    seen: list[tuple[str, str, list[str]]] = field(default_factory=list)
    """Path, request id and flights of every request, in the order in which they came."""

    def app(self) -> Starlette:
        """The routes of the hot path."""
        paths = ("/v1/predict", "/v1/predict_batch")
        routes = [Route(path, self._predict, methods=["POST"]) for path in paths]
        return Starlette(routes=[*routes, Route("/v1/model", self._model)])

    async def _model(self, _: Request) -> Response:
        return JSONResponse(
            {"departures_from": self.week.start.isoformat(), "departures_before": self.week.end.isoformat()}
        )

    async def _predict(self, request: Request) -> Response:
        body = await request.json()
        try:
            flights = [FlightRequest(**flight) for flight in body.get("flights", [body])]
        except ValidationError as error:
            return refusal(422, "invalid_fields", str(error.errors()[0]["loc"]), error.errors()[0]["msg"], "mend it")
        if not all(self.week.start <= flight.scheduled_departure < self.week.end for flight in flights):
            return refusal(422, "outside_of_week", "scheduled_departure", "is of another week", "ask for this week")
        identifier = request.headers.get("x-request-id", "made up by the service")
        self.seen.append((request.url.path, identifier, [_name(flight) for flight in flights]))
        predictions = [self._prediction(flight) for flight in flights]
        known = {"mode": self.mode, "known_until": predictions[0]["as_of"], "behind_minutes": 0.0}
        by = {"request_id": identifier, "model_version": self.version, "role": self.role}
        document = {**by, "decision_threshold": THRESHOLD, "features": known}
        if "flights" in body:
            document["predictions"] = predictions
        else:
            document |= {**predictions[0], "reasons": REASONS}
        answer = self.spoil(request, document)
        return answer if isinstance(answer, Response) else JSONResponse(answer)

    def _prediction(self, flight: FlightRequest) -> dict:
        name, probability = _name(flight), self.says[_name(flight)]
        as_of = flight.scheduled_departure.astimezone(UTC) - timedelta(hours=2)
        return {
            "flight_id": name,
            "as_of": as_of.isoformat(),
            "probability_late": probability,
            "is_late": probability >= THRESHOLD,
        }


def _name(flight: FlightRequest) -> str:
    day = flight.scheduled_departure.astimezone(NEW_YORK).date()
    return f"{day}-{flight.carrier}{flight.flight_number}-{flight.origin}"


def home_of(folder: Path, feeds: dict[str, pl.DataFrame], one_in: int = 30) -> Context:
    """A home in which one week was accepted and scored: real flights, one in so many, probabilities made up."""
    context = Context(load_settings(home=folder, **SHORT_YEAR))
    plan = rows_of_week(feeds["schedule"].lazy(), s.SCHEDULE, WEEK.start, WEEK.end).collect().gather_every(one_in)
    scores = plan.select(
        s.FLIGHT_ID,
        s.SCHEDULED_DEPARTURE,
        pl.lit(CHAMPION, dtype=pl.Int64).alias(VERSION),
        ((pl.int_range(pl.len()) + 0.5) / pl.len()).alias(PROBABILITY),
    )
    context.store.write_table("accepted/schedule", WEEK.id, plan)
    context.store.write_table("predictions", WEEK.id, scores)
    context.journal.record(WEEK.id, "validate", {"feeds": {}})
    return context


def scores_of(context: Context) -> dict[str, float]:
    """What batch scoring said, by flight."""
    recorded = context.store.read_table("predictions", WEEK.id)
    return dict(recorded.select(s.FLIGHT_ID, PROBABILITY).rows())
