"""The hot routes as a plain ASGI application: bytes in, bytes out, nothing between them that is not needed.

POST /v1/predict, /v1/predict_batch, /v1/explain        GET /v1/model
"""

import asyncio
import hmac
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from services import metrics
from services.answering import Answering, Asked
from services.exchange import Gone, Headers, Receive, Send, read_body, read_headers, send_json, send_refusal
from services.problems import Refused, refuse
from services.question import PARSERS

PREFIX = "/v1"
MODEL = "model"
RETRY_SECONDS = 1

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Served:
    """What the routes need: who answers, what `/v1/model` says, how many requests at once, whether we are leaving."""

    answering: Answering
    card: Callable[[], bytes]
    digest: Callable[..., str]
    most_in_flight: int
    is_leaving: Callable[[], bool]
    api_key: bytes | None = field(default=None, repr=False)


ID_BYTES = 12
"""Of an id that we give: a caller who could foresee it could take it, and have somebody else refused."""


class HotRoutes:
    """The ASGI application. `serve` gives it what it answers with, once the worker has loaded it."""

    def __init__(self) -> None:
        self._served: Served | None = None
        self._in_flight = 0

    def serve(self, served: Served) -> None:
        """From now on answer with this."""
        self._served = served

    async def __call__(self, scope: dict, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        if scope["type"] != "http":
            return
        started = time.perf_counter()
        route = scope["path"].removeprefix(PREFIX).removeprefix("/")
        request_id = None
        try:
            headers = read_headers(scope)
            request_id = headers.request_id
            status = await self._respond(route, scope["method"], headers, started, receive, send)
        except Refused as refused:
            status = refused.status
            await send_refusal(send, refused, request_id, *self._closing())
        except Gone:
            return
        except Exception:
            logger.exception("a request of /v1/%s failed", route if route in PARSERS else "...")
            status = 500
            await send_refusal(send, _unexpected(), request_id, *self._closing())
        known = route if route in PARSERS or route == MODEL else "other"
        metrics.of(metrics.ANSWERS, known, status).inc()
        metrics.of(metrics.SECONDS_TAKEN, known).observe(time.perf_counter() - started)

    async def _take_turn(self, most: int) -> None:
        """Go on unless too many wait. What arrived in the same turn of the loop is counted before any goes on."""
        self._in_flight += 1
        try:
            await asyncio.sleep(0)
            if self._in_flight > most:
                raise refuse(
                    429, "too_many", f"more than {most} requests are waiting in this worker",
                    "ask again after the seconds in Retry-After", retry=RETRY_SECONDS,
                )  # fmt: skip
        finally:
            self._in_flight -= 1

    def asked(self, kind: str, headers: Headers, body: bytes) -> Asked:
        """A request beside what it asks about; one without an id gets one that nobody can guess beforehand."""
        if headers.request_id is None:
            return Asked(secrets.token_hex(ID_BYTES), "", headers.version)
        pin = b"" if headers.version is None else str(headers.version).encode()
        digest = self._served.digest(kind.encode(), pin, body)
        return Asked(headers.request_id, digest, headers.version, may_be_again=True)

    async def _respond(
        self, route: str, method: str, headers: Headers, started: float, receive: Receive, send: Send
    ) -> int:
        served = self._require_served(route, method)
        if route == MODEL:
            if method == "POST":  # as BentoML's clients ask
                _require_nothing(await read_body(headers, receive))
            await send_json(send, 200, served.card(), *self._closing())
            return 200
        if headers.version is not None:
            _require_key(headers, served.api_key)
        body = await read_body(headers, receive)
        await self._take_turn(served.most_in_flight)
        asked = self.asked(route, headers, body)
        _require_time_left(headers, started)
        answer, version = served.answering.answer(route, body, asked, started)
        again = ((b"x-model-version", str(version).encode()),) if version else ((b"x-answered-before", b"true"),)
        name = (b"x-request-id", asked.request_id.encode())
        await send_json(send, 200, answer, name, *again, *self._closing())
        return 200

    def _require_served(self, route: str, method: str) -> Served:
        if route not in PARSERS and route != MODEL:
            known = ", ".join(f"{PREFIX}/{name}" for name in (*PARSERS, MODEL))
            raise refuse(404, "no_such_route", "there is nothing under this path", f"ask one of {known}")
        expected = ("GET", "POST") if route == MODEL else ("POST",)
        if method not in expected:
            problem = (None, f"{route} takes {' or '.join(expected)}, not {method[:20]}", f"send {expected[0]}")
            raise Refused(405, "wrong_method", (problem,), allow=", ".join(expected))
        if self._served is None:
            raise refuse(503, "not_ready", "no model is loaded yet", "ask again in a few seconds", retry=RETRY_SECONDS)
        return self._served

    def _closing(self) -> tuple[tuple[bytes, bytes], ...]:
        """A worker that leaves asks its callers to take their next request elsewhere."""
        is_leaving = self._served is not None and self._served.is_leaving()
        return ((b"connection", b"close"),) if is_leaving else ()


def _require_nothing(body: bytes) -> None:
    if body.strip() not in (b"", b"{}"):
        raise refuse(422, "invalid_request", "the model is asked without any field", "send an empty body, or {}")


def _require_key(headers: Headers, api_key: bytes | None) -> None:
    """To choose which model answers is an operator's call, not a caller's."""
    if api_key is not None and not hmac.compare_digest(headers.api_key or b"", api_key):
        raise refuse(
            401, "no_api_key", "this service lets a version be pinned only with its key",
            "send the key as X-Api-Key, or leave X-Model-Version out", "X-Api-Key",
        )  # fmt: skip


def _require_time_left(headers: Headers, started: float) -> None:
    if headers.deadline_ms and (time.perf_counter() - started) * 1000 > headers.deadline_ms:
        raise refuse(
            504, "too_late", f"{headers.deadline_ms} ms had passed before it was this request's turn",
            "ask again, or allow more", "X-Deadline-Ms",
        )  # fmt: skip


def _unexpected() -> Refused:
    return refuse(
        500, "internal", "something failed that should not", "ask again; whoever runs the service finds it in its log"
    )
