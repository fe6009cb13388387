"""The BentoML service: how likely is a flight, or are many, to arrive late? Started by `preflight serve`.

On its request path nothing of Prefect, Great Expectations, Evidently, MLflow or scikit-learn is imported.
"""

import bentoml
from bentoml.exceptions import InvalidArgument
from starlette.applications import Starlette
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from data_checks import schema as s
from infra.bundle import MODEL_NAME
from infra.settings import load_settings
from pipelines.as_of import AS_OF
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.encoding import encode_features
from pipelines.feature_catalog import NAMES
from pipelines.snapshot import read_snapshot
from pipelines.state import prepare_state
from services.messages import FlightPrediction, FlightRequest, Flights, ModelCard
from services.model import load_served
from services.online import OnlineFeatures, OutsideOfState
from services.request_log import RequestLog

MOST_BYTES = 1_000_000
FRONT_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Preflight</title>
<h1>Preflight prediction service</h1>
<p>POST <code>/predict</code> one flight, POST <code>/predict_batch</code> <code>{"flights": [...]}</code>,
POST <code>/model</code> for the version that answers.
<p><a href="docs.json">OpenAPI</a>, <a href="metrics">metrics</a>, <a href="readyz">ready?</a></html>"""


async def _front_page(request: Request) -> HTMLResponse:
    return HTMLResponse(FRONT_PAGE)


@bentoml.service(
    name="preflight",
    workers=1,
    traffic={"timeout": 20},
    logging={"access": {"enabled": False}},
    tracing={"excluded_urls": ".*"},
)
@bentoml.asgi_app(Starlette(routes=[Route("/", _front_page)]), path="/")
class FlightLateness:
    """Loads the exported champion and the feeds of the newest weeks once, then answers from memory."""

    @bentoml.on_deployment
    def require_a_model() -> None:
        """Once, before any worker starts: without a model to answer with the whole service ends, and says why.

        A worker that cannot start would be started again and again.
        """
        load_served(Context(load_settings()).store)

    def __init__(self) -> None:
        context = Context(load_settings())
        self._answering = load_served(context.store)
        self._served = self._answering.served
        week = Week.from_id(self._served.week)
        state = read_snapshot(context.store, week) or prepare_state(context.world(week))
        self._online = OnlineFeatures(state, context.accepted(s.SCHEDULE, week, 1), week)
        self._log = RequestLog(context.store.home)

    @bentoml.api
    def predict(self, flight: FlightRequest, /) -> FlightPrediction:
        """The probability of one flight; the body is the flight itself."""
        return self._answer([flight])[0]

    @bentoml.api
    def predict_batch(self, flights: Flights) -> list[FlightPrediction]:
        """The probabilities of up to 1,000 flights, in their order; one flight that is wrong refuses them all."""
        return self._answer(flights)

    @bentoml.api
    def model(self) -> ModelCard:
        """Which version answers, and for which departures."""
        return ModelCard(
            model_name=MODEL_NAME,
            model_version=self._served.version,
            model_sha256=self._served.sha256,
            departures_from=self._online.start,
            departures_before=self._online.end,
            features=list(NAMES),
            refused=self._answering.refused,
        )

    def _answer(self, flights: list[FlightRequest]) -> list[FlightPrediction]:
        try:
            features = self._online.of(flights)
        except OutsideOfState as error:
            raise InvalidArgument(str(error)) from error
        probability = self._answering.scorer.probability(encode_features(features))
        self._log.write(flights, features, probability, self._served.week, self._served.version)
        return [
            FlightPrediction(flight_id=name, probability_late=value, as_of=moment, model_version=self._served.version)
            for name, value, moment in zip(features[s.FLIGHT_ID], probability, features[AS_OF], strict=True)
        ]


FlightLateness.add_asgi_middleware(RequestBodyLimitMiddleware, max_body_size=MOST_BYTES)
