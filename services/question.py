"""From the bytes of a request to the flights that are meant and their features, as of what is current."""

from collections.abc import Callable
from dataclasses import dataclass

import orjson

from infra.pseudonyms import Pseudonyms
from services.current import Current
from services.messages import FlightRequest
from services.online import FeatureRows, OutsideOfState, plan_of
from services.parsing import parse_batch, parse_flight
from services.prediction_log import on_record
from services.problems import refuse

PREDICT, PREDICT_BATCH, EXPLAIN = "predict", "predict_batch", "explain"

PARSERS: dict[str, Callable[[bytes], list[FlightRequest]]] = {
    PREDICT: lambda body: [parse_flight(body)],
    PREDICT_BATCH: parse_batch,
    EXPLAIN: lambda body: [parse_flight(body)],
}
"""The kinds of request, and what makes typed messages of one."""


@dataclass(frozen=True)
class Question:
    """What is asked: each flight as it goes on record, in order, and their features."""

    records: list[orjson.Fragment]
    rows: FeatureRows


def read_question(kind: str, body: bytes, current: Current, names: Pseudonyms) -> Question:
    """The flights that a body asks about, and their features. Raises Refused naming every field that is wrong.

    An aircraft that was forgotten is one that is not known.
    """
    planned = current.features.in_plan(body, kind == PREDICT_BATCH)
    if planned is not None:
        plans, rows = planned
        return Question([on_record(plan, names) for plan in plans], rows)
    flights = PARSERS[kind](body)
    if current.forgotten:
        flights = [_without_forgotten(flight, current.forgotten, names) for flight in flights]
    try:
        return Question([on_record(plan_of(flight), names) for flight in flights], current.features.rows(flights))
    except OutsideOfState as outside:
        raise refuse(
            422, "outside_of_feeds", str(outside), "ask for a departure of that week, or serve another week",
            "scheduled_departure",
        ) from None  # fmt: skip


def _without_forgotten(flight: FlightRequest, forgotten: frozenset[str], names: Pseudonyms) -> FlightRequest:
    tail = flight.tail_number
    if tail is None or names.of(tail) not in forgotten:
        return flight
    return flight.model_copy(update={"tail_number": None})
