"""Requests that nobody wrote by hand, to a service that really runs: no 5xx, nothing invalid accepted, each on record.

They are made by schemathesis from the service's own OpenAPI document: valid ones, and ones with something wrong.
Departures are moved to where feeds are known, so that it is what is wrong that is refused.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)
from small_service import JSON, OLD, WEEK, SmallHome, problems_of, spiteful_bodies

from infra.network import free_port
from infra.service_process import Service, running_service
from services.openapi import ROUTES, openapi

FEW, MANY = 17, 834
"""Requests of each mode to each of six routes: 204 in `make test`, 10,008 in `make test-serving`."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
MODES = pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
PATHS = pytest.mark.parametrize("path", [f"{prefix}/{route}" for prefix in ("/v1", "") for route in ROUTES])
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
MOMENTS = ("scheduled_departure", "scheduled_arrival")


@pytest.fixture(scope="module")
def home(small_home, tmp_path_factory) -> SmallHome:
    return small_home.copy(tmp_path_factory.mktemp("fuzz") / "home")


@pytest.fixture(scope="module")
def service(home) -> Iterator[Service]:
    """Two workers, whose log tells of no surprise when all is over."""
    with running_service(home.home, free_port(), workers=2) as service:
        yield service
        assert "Traceback" not in service.log.read_text()


@pytest.fixture(scope="module")
def schema() -> schemathesis.BaseSchema:
    """The document, which describes BentoML's own routes as well: they take and give the same."""
    document = openapi()
    own = {path.removeprefix("/v1"): what for path, what in document["paths"].items()}
    return schemathesis.openapi.from_dict(document | {"paths": document["paths"] | own})


def in_the_week(body: object, minutes: int, duration: int) -> object:
    """The body, its flights moved to where feeds are known; what is no moment stays as wrong as it is."""
    if isinstance(body, list):
        return [in_the_week(one, minutes, duration) for one in body]
    if not isinstance(body, dict):
        return body
    if "flights" in body:
        return body | {"flights": in_the_week(body["flights"], minutes, duration)}
    number = body.get("flight_number")
    if isinstance(number, float) and number.is_integer():  # JSON Schema has 7.0 for a whole number, the service has not
        body = body | {"flight_number": int(number)}
    if not all(isinstance(body.get(name), str) and MOMENT.fullmatch(body[name]) for name in MOMENTS):
        return body
    departure = WEEK.start + timedelta(minutes=minutes)
    moments = (departure, departure + timedelta(minutes=duration))
    return body | {name: moment.isoformat() for name, moment in zip(MOMENTS, moments, strict=True)}


def with_time(headers: dict[str, str]) -> dict[str, str]:
    """The headers without a deadline that may be missed: then a 504 is the right answer."""
    return {name: text for name, text in headers.items() if not (name == "X-Deadline-Ms" and text.isdecimal())}


def ask_at_random(
    service: Service, home: SmallHome, schema: schemathesis.BaseSchema, path: str, mode: GenerationMode, count: int
) -> Counter:
    """How often each status was given to so many requests of a mode, every answer checked, the log too."""
    operation, statuses, answered = schema[path]["POST"], Counter(), set()
    before = {line["id"] for line in home.logged()}

    @settings(max_examples=count, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(
        operation.as_strategy(generation_mode=mode),
        st.sampled_from([None, None, None, str(OLD), "77"]),
        st.integers(0, 20_000),
        st.integers(1, 1440),
    )
    def ask(case: Case, version: str | None, minutes: int, duration: int) -> None:
        case.body = in_the_week(case.body, minutes, duration)
        case.headers = with_time(case.headers or {})
        if mode is GenerationMode.POSITIVE:
            name = case.headers.get("X-Request-Id")
            named = {"X-Request-Id": f"{path.replace('/', '.')}:{count}:{name}"[:128]} if name else {}
            case.headers = named | ({"X-Model-Version": version} if version else {})
        answer = case.call(base_url=service.address, session=session)
        case.validate_response(answer, checks=CHECKS)
        statuses[answer.status_code] += 1
        if answer.status_code == 200:
            answered.add(answer.json()["request_id"])

    with requests.Session() as session:
        ask()
    on_record = Counter(line["id"] for line in home.logged())
    assert set(on_record) - before == answered - before
    assert set(on_record.values()) <= {1}
    return statuses


@MODES
@PATHS
def test_of_some_requests_the_valid_ones_are_answered_and_on_record(service, home, schema, path, mode):
    statuses = ask_at_random(service, home, schema, path, mode, FEW)

    assert (statuses[200] > FEW // 6) == (mode is GenerationMode.POSITIVE)


@pytest.mark.fuzz
@MODES
@PATHS
def test_of_ten_thousand_requests_the_valid_ones_are_answered_and_on_record(service, home, schema, path, mode):
    statuses = ask_at_random(service, home, schema, path, mode, MANY)

    assert statuses.total() >= MANY * 0.95
    assert (statuses[200] > MANY // 3) == (mode is GenerationMode.POSITIVE)


@PATHS
def test_what_was_made_to_break_a_parser_is_refused_in_words_and_not_on_record(service, home, path):
    before = len(home.logged())

    with httpx.Client(base_url=service.address, timeout=60) as client:
        answers = {what: client.post(path, content=body, headers=JSON) for what, body in spiteful_bodies(home).items()}

    assert {what: answer.status_code for what, answer in answers.items() if answer.status_code not in (400, 422)} == {}
    assert all(problems_of(answer) for answer in answers.values())
    assert len(home.logged()) == before
