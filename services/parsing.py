"""From the bytes of a request to typed messages, or a refusal, also of what pydantic lets pass."""

import json
import re

from pydantic import ValidationError

from services.messages import FlightBatch, FlightRequest
from services.problems import IN_ISO, invalid, refuse

_DATE = r"\d{4}-"
_MOMENT = re.compile(rb'"scheduled_(?:departure|arrival)"\s*:\s*"' + _DATE.encode())


def parse_flight(body: bytes) -> FlightRequest:
    """The flight that a body asks about. Raises Refused naming every field that is wrong."""
    try:
        flight = FlightRequest.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise invalid(error) from None
    _require_each_field_once(body, [flight], 0)
    return flight


def parse_batch(body: bytes) -> list[FlightRequest]:
    """The flights that a body asks about. Raises Refused naming every field that is wrong."""
    try:
        flights = FlightBatch.model_validate_json(body, strict=True).flights
    except ValidationError as error:
        raise invalid(error) from None
    _require_each_field_once(body, flights, 2)
    return flights


def _require_each_field_once(body: bytes, flights: list[FlightRequest], other_quotes: int) -> None:
    """JSON parsers keep the last of two equal names, and pydantic takes the texts "1387534500" and "1.3e9" for moments.

    A valid body has two quotes around each name and each text, and no others, for no text may hold one; only where
    that does not come out is it parsed again, slowly, to say what is doubled.
    """
    names = sum(len(flight.model_fields_set) for flight in flights)
    others = sum(_values_without_quotes(flight) for flight in flights)
    is_each_once = body.count(b'"') == 2 * (2 * names - others) + other_quotes
    if is_each_once and len(_MOMENT.findall(body)) == 2 * len(flights):
        return
    document = json.loads(body, object_pairs_hook=_once)
    for flight in document.get("flights", [document]):
        for name in ("scheduled_departure", "scheduled_arrival"):
            if not re.match(_DATE, flight[name]):
                raise refuse(422, "invalid_request", f"expected a moment, got {flight[name]!r}", IN_ISO, name)


def _values_without_quotes(flight: FlightRequest) -> int:
    asked = flight.model_fields_set
    return 1 + ("distance_miles" in asked) + (flight.tail_number is None and "tail_number" in asked)


def _once(pairs: list[tuple[str, object]]) -> dict:
    document = dict(pairs)
    if len(document) < len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for name in names if names.count(name) > 1)
        raise refuse(422, "invalid_request", f"{doubled} is there twice", "send each field once", doubled)
    return document
