"""The BentoML service: how likely is a flight to arrive late? Started by `preflight serve`, or by `bentoml serve`.

The hot routes are a plain ASGI application. The API of the same names says what they take and give to BentoML's clients
and documents, and answers whoever holds the service in the same process; over HTTP the front door sends both to one.
On the request path nothing of Prefect, Great Expectations, Evidently, MLflow, pandas or scikit-learn is imported.
Each setting that is not BentoML's default is measured by `python -m benchmarks.serving --settings`.
"""

import time

import bentoml
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from infra.settings import load_settings
from infra.storage import Store
from services import metrics
from services.exchange import read_headers
from services.front_door import FrontDoor
from services.hot import PREFIX, HotRoutes
from services.messages import (
    BatchPrediction,
    Explanation,
    FlightBatch,
    FlightPrediction,
    FlightRequest,
    Flights,
    ModelCard,
)
from services.model import load_served
from services.openapi import PAGE, openapi
from services.question import EXPLAIN, PREDICT, PREDICT_BATCH
from services.worker import Worker


class Arguments(BaseModel):
    """What `bentoml serve --arg NAME=VALUE` may set."""

    workers: int = 2


arguments = bentoml.use_arguments(Arguments)
hot = HotRoutes()


async def _page(request: Request) -> HTMLResponse:
    return HTMLResponse(PAGE)


async def _openapi(request: Request) -> JSONResponse:
    return JSONResponse(openapi())


async def _metrics(request: Request) -> Response:
    return Response(request.app.state.worker.scrape(), headers={"content-type": metrics.CONTENT_TYPE})


pages = Starlette(routes=[Route("/", _page), Route("/openapi.json", _openapi), Route("/metrics", _metrics)])


@bentoml.service(
    name="preflight",
    workers=arguments.workers,
    traffic={"timeout": 5},  # its timers live on for as long as this after each answer, and feed the garbage collector
    logging={"access": {"enabled": False}},  # a line per request is the prediction log's business
    tracing={"excluded_urls": ".*"},  # four spans per request that nobody exports
    metrics={"enabled": False},  # ours count the same once, by version
)
@bentoml.asgi_app(pages, path="/")
@bentoml.asgi_app(hot, path=PREFIX)
class FlightLateness:
    """Answers with the models that the home folder points to, and follows them as they change."""

    @bentoml.on_deployment
    def require_a_model() -> None:
        """Once, before any worker starts: without a model to answer with the whole service ends, and says why.

        A worker that cannot start would be started again and again.
        """
        load_served(Store(load_settings().home))

    def __init__(self) -> None:
        self._worker = Worker(load_settings())
        hot.serve(self._worker.served())
        pages.state.worker = self._worker

    @bentoml.on_startup
    async def follow(self) -> None:
        """From now on follow the pointers, beside answering."""
        self._worker.start()

    @bentoml.on_shutdown
    async def let_go(self) -> None:
        """Stop following, and close the log."""
        await self._worker.stop()

    async def __is_ready__(self) -> bool:
        """A verified model is loaded, its probe answers, and this worker is not about to leave."""
        return self._worker.is_ready()

    @bentoml.api
    async def predict(self, flight: FlightRequest, /) -> FlightPrediction:
        """How likely one flight is to be late, and the three strongest reasons; the body is the flight itself."""
        return FlightPrediction.model_validate_json(self._answer(PREDICT, flight))

    @bentoml.api
    async def predict_batch(self, flights: Flights) -> BatchPrediction:
        """How likely each of up to 1,000 flights is to be late; one flight that is wrong refuses them all."""
        return BatchPrediction.model_validate_json(self._answer(PREDICT_BATCH, FlightBatch(flights=flights)))

    @bentoml.api
    async def explain(self, flight: FlightRequest, /) -> Explanation:
        """Every feature's part in the score of one flight."""
        return Explanation.model_validate_json(self._answer(EXPLAIN, flight))

    @bentoml.api
    async def model(self) -> ModelCard:
        """Which version answers, for which departures, by what right."""
        return self._worker.card()

    def _answer(self, kind: str, message: BaseModel) -> bytes:
        """As the hot routes answer, for who holds the service in the same process. Raises Refused."""
        started, body = time.perf_counter(), message.model_dump_json(exclude_unset=True).encode()
        return self._worker.answering.answer(kind, body, hot.asked(kind, read_headers({"headers": []}), body), started)[
            0
        ]


FlightLateness.add_asgi_middleware(FrontDoor, hot=hot, prefix=PREFIX)
