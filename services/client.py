"""One question at a time to a service that runs: which week it knows, one flight, and its refusals in its own words."""

import json
import time
from datetime import datetime

import httpx

from infra.errors import PreflightError, UsageError
from pipelines.clock import Week

_SECONDS = 30


class NothingAnswers(PreflightError, ConnectionError):  # noqa: N818
    """No service answers at an address."""


class ServiceRefused(PreflightError, RuntimeError):  # noqa: N818
    """The service answered that it will not answer."""


def read_address(text: str) -> str:
    """An address as a user writes it, without what may trail it. Raises UsageError.

    >>> read_address("http://localhost:3000/")
    'http://localhost:3000'
    """
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme != "http" or not url.host or url.raw_path != b"/":
        raise UsageError(f"expected an address such as http://127.0.0.1:3000, got {text!r}")
    return text.rstrip("/")


def ask_flight(address: str, message: dict) -> dict:
    """The service's answer about one flight. Raises NothingAnswers, ServiceRefused in the service's words."""
    return _ask(address, "POST", "/v1/predict", message)


def served_week(address: str) -> Week:
    """The week whose departures the service knows the feeds of. Raises NothingAnswers, ServiceRefused."""
    known = ask_model(address)["departures_from"]
    if known is None:
        raise ServiceRefused(f"the service at {address} has no snapshot of features, so no week; see its log")
    return Week.starting(datetime.fromisoformat(known))


def ask_model(address: str) -> dict:
    """Which version answers, as the service says. Raises NothingAnswers, ServiceRefused."""
    return _ask(address, "GET", "/v1/model")


def wait_for(address: str, week: Week, version: int, most_seconds: float) -> None:
    """Return when a service of one worker answers with a version for a week. Raises ServiceRefused when it does not."""
    deadline = time.monotonic() + most_seconds
    while time.monotonic() < deadline:
        card = ask_model(address)
        known = card["departures_from"]
        if card["model_version"] == version and known and Week.starting(datetime.fromisoformat(known)) == week:
            return
        time.sleep(0.05)
    raise ServiceRefused(
        f"the service at {address} was pointed to version {version} and the week of {week.id}, and after "
        f"{most_seconds:.0f} s it answers with version {card['model_version']}; {card['refused'] or 'see its log'}"
    )


def tell_refusal(status: int, body: bytes) -> str:
    """A refusal in one sentence: what is wrong with which field, and what to do; whatever it says where it has no form.

    >>> tell_refusal(422, b'{"error": {"code": "invalid", "problems": '
    ...     b'[{"field": "origin", "problem": "is BOS", "remedy": "choose EWR, JFK or LGA"}]}}')
    '422 invalid: origin: is BOS; choose EWR, JFK or LGA'
    """
    try:
        error = json.loads(body)["error"]
        problems = [": ".join(filter(None, (p["field"], p["problem"]))) + f"; {p['remedy']}" for p in error["problems"]]
        return f"{status} {error['code']}: {', and '.join(problems)}"
    except (ValueError, LookupError, TypeError):  # a proxy in between, or not our service
        return f"{status}: {body[:300].decode(errors='replace')}"


def _ask(address: str, method: str, path: str, message: dict | None = None) -> dict:
    try:
        response = httpx.request(method, f"{address}{path}", json=message, timeout=_SECONDS)
    except httpx.TimeoutException as error:
        raise NothingAnswers(f"the service at {address} took a call and gave no answer in {_SECONDS} s") from error
    except httpx.TransportError as error:
        raise NothingAnswers(f"nothing answers at {address}; run: preflight serve") from error
    if response.status_code != httpx.codes.OK:
        raise ServiceRefused(f"the service refused: {tell_refusal(response.status_code, response.content)}")
    return response.json()
