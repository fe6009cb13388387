"""The OpenAPI document is valid, says of every field what it may be, and its page needs no other host."""

import json
import re

import pytest
import schemathesis

from data_checks import schema as s
from services.exchange import REQUEST_ID
from services.openapi import PAGE, REFUSALS, ROUTES, openapi
from services.parsing import parse_flight

DOCUMENT = openapi()
SCHEMAS = DOCUMENT["components"]["schemas"]
FLIGHT = SCHEMAS["FlightRequest"]["properties"]


def forms(field: dict) -> list[dict]:
    """What a field may be, null left out."""
    return [form for form in field.get("anyOf", [field]) if form.get("type") != "null"]


def test_the_document_is_valid_openapi_of_all_routes():
    schema = schemathesis.openapi.from_dict(DOCUMENT)

    schema.validate()

    found = {(result.ok().method, result.ok().path) for result in schema.get_all_operations()}
    assert found == {("post", f"/v1/{name}") for name in ROUTES} | {("get", "/v1/model")}


def test_every_reference_leads_somewhere():
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT)))

    assert named <= set(SCHEMAS)


@pytest.mark.parametrize("name", FLIGHT)
def test_every_field_of_a_request_says_what_it_is(name):
    assert len(FLIGHT[name]["description"]) > 10


@pytest.mark.parametrize("name", ["flight_number", "distance_miles"])
def test_a_number_has_the_bounds_of_the_contract(name):
    (form,) = forms(FLIGHT[name])

    assert (form["minimum"], form["maximum"]) == (s.SCHEDULE.column(name).minimum, s.SCHEDULE.column(name).maximum)


@pytest.mark.parametrize("name", ["tail_number", "destination"])
def test_a_text_has_the_form_of_the_contract(name):
    (form,) = forms(FLIGHT[name])

    assert form["pattern"] == s.SCHEDULE.column(name).pattern


@pytest.mark.parametrize("name", ["carrier", "origin"])
def test_a_choice_has_the_values_of_the_contract(name):
    assert FLIGHT[name]["enum"] == list(s.SCHEDULE.column(name).domain)


def test_units_and_offsets_are_said():
    assert FLIGHT["distance_miles"]["description"].startswith("miles ")
    for name in ("scheduled_departure", "scheduled_arrival"):
        assert FLIGHT[name]["description"].endswith("ISO 8601 with offset, from 2000 to 2099")
        assert FLIGHT[name]["format"] == "date-time"


def test_a_batch_says_how_many_flights_it_may_have():
    flights = SCHEMAS["FlightBatch"]["properties"]["flights"]

    assert (flights["minItems"], flights["maxItems"]) == (1, 1000)


def test_a_probability_is_between_0_and_1():
    for name in ("FlightPrediction", "PredictedFlight", "Explanation"):
        field = SCHEMAS[name]["properties"]["probability_late"]
        assert (field["minimum"], field["maximum"]) == (0, 1)


def test_other_fields_are_not_allowed():
    assert [SCHEMAS[name]["additionalProperties"] for name in ("FlightRequest", "FlightBatch")] == [False, False]


def test_the_example_is_a_message():
    example = SCHEMAS["FlightRequest"]["example"]

    assert parse_flight(json.dumps(example).encode()).carrier == example["carrier"]


@pytest.mark.parametrize("name", ROUTES)
def test_a_route_says_its_headers_and_every_refusal(name):
    route = DOCUMENT["paths"][f"/v1/{name}"]["post"]

    headers = {one["name"]: one["schema"] for one in route["parameters"]}
    assert set(headers) == {"X-Request-Id", "X-Model-Version", "X-Api-Key", "X-Deadline-Ms"}
    assert re.fullmatch(headers["X-Request-Id"]["pattern"], "a.b:c_d-1")
    assert headers["X-Request-Id"]["pattern"] == f"^{REQUEST_ID.pattern.decode()}$"
    assert set(route["responses"]) == {"200", *map(str, REFUSALS)}


def test_the_page_asks_nothing_of_other_hosts():
    assert not re.search(r"https?:|//", PAGE)
