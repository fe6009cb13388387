"""What the hot routes take and give, as an OpenAPI document made from the messages, and an offline page of it."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from services.exchange import LONGEST_DEADLINE_MS, REQUEST_ID
from services.messages import (
    BatchPrediction,
    ErrorAnswer,
    Explanation,
    FlightBatch,
    FlightPrediction,
    FlightRequest,
    ModelCard,
)
from services.question import EXPLAIN, PREDICT, PREDICT_BATCH

ROUTES: dict[str, tuple[type[BaseModel], type[BaseModel], str]] = {
    PREDICT: (FlightRequest, FlightPrediction, "How likely one flight is to be late, and the three strongest reasons"),
    PREDICT_BATCH: (FlightBatch, BatchPrediction, "How likely each of up to 1,000 flights is to be late"),
    EXPLAIN: (FlightRequest, Explanation, "Every feature's part in the score of one flight"),
}
REFUSALS = {
    400: "the body is no JSON",
    401: "a version was pinned without the key of this service",
    404: "the version that was asked for is not loaded",
    408: "the body did not arrive in time",
    409: "the request id was used for another request",
    413: "the body is too long",
    415: "the content type is not application/json",
    422: "fields are wrong; every one is named",
    429: "too many requests are waiting; Retry-After says when to come again",
    503: "no model, or no room for the record of an answer; Retry-After says when to come again",
    504: "the deadline passed before it was this request's turn",
}
_HEADERS = {
    "X-Request-Id": (
        {"type": "string", "pattern": f"^{REQUEST_ID.pattern.decode()}$"},
        "the caller's name for this request; asked again with it, the answer is the same and is counted once",
    ),
    "X-Model-Version": ({"type": "integer", "minimum": 1, "maximum": 2**31}, "ask this version, if it is loaded"),
    "X-Api-Key": ({"type": "string"}, "lets X-Model-Version pin a version, where the service has a key"),
    "X-Deadline-Ms": (
        {"type": "integer", "minimum": 1, "maximum": LONGEST_DEADLINE_MS},
        "do not begin after so many milliseconds of waiting",
    ),
}
_REF = "#/components/schemas/{model}"

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Preflight: the service</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<link rel="stylesheet" href="static_content/swagger-ui.css">
<link rel="icon" href="static_content/favicon-light-32x32.png">
<body style="margin:0"><main id="swagger-ui"></main>
<script src="static_content/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({dom_id: "#swagger-ui", url: "openapi.json", deepLinking: true})</script></body></html>"""


def openapi() -> dict:
    """The document. It says of every field its unit and range, as the contract of the data has them."""
    models = [model for asked, given, _ in ROUTES.values() for model in (asked, given)]
    wanted: list[Any] = [(model, "validation") for model in dict.fromkeys([*models, ModelCard, ErrorAnswer])]
    _, definitions = models_json_schema(wanted, ref_template=_REF)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Preflight: will this flight be late?",
            "version": "1",
            "description": "Two hours before a scheduled departure from New York in 2013: how likely is the flight to "
            "arrive 15 minutes or more late? You send what you know of the flight; weather, airport, aircraft and the "
            "rest are added here, as of that moment. BentoML's own routes, for its clients, are in "
            "[docs.json](docs.json); [metrics](metrics), [ready?](readyz)",
        },
        "paths": {
            **{f"/v1/{name}": {"post": _post(name, *what)} for name, what in ROUTES.items()},
            "/v1/model": {
                "get": {
                    "operationId": "model",
                    "summary": "Which version answers, for which departures, by what right",
                    "responses": {"200": _content(ModelCard, "the champion"), **_refusals(503)},
                }
            },
        },
        "components": {"schemas": definitions["$defs"]},
    }


def _post(name: str, asked: type[BaseModel], given: type[BaseModel], summary: str) -> dict:
    return {
        "operationId": name,
        "summary": summary,
        "parameters": [
            {"name": header, "in": "header", "required": False, "schema": schema, "description": meaning}
            for header, (schema, meaning) in _HEADERS.items()
        ],
        "requestBody": {"required": True, **_body(asked)},
        "responses": {"200": _content(given, "the answer"), **_refusals(*REFUSALS)},
    }


def _refusals(*statuses: int) -> dict:
    return {str(status): _content(ErrorAnswer, REFUSALS[status]) for status in statuses}


def _content(model: type[BaseModel], meaning: str) -> dict:
    return {"description": meaning, **_body(model)}


def _body(model: type[BaseModel]) -> dict:
    return {"content": {"application/json": {"schema": {"$ref": _REF.format(model=model.__name__)}}}}
