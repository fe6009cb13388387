"""What a request says around its flights, read from ASGI: headers, a bounded body; and how an answer is sent."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from services.problems import Refused, refuse

MOST_BYTES = 1_000_000
BODY_SECONDS = 4.0
"""In which the rest of a body has to arrive. The first piece is nearly always the whole, and costs no timer."""
REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
LONGEST_DEADLINE_MS = 60_000
JSON = b"application/json"

Receive = Callable[[], Awaitable[dict]]
Send = Callable[[dict], Awaitable[None]]


@dataclass(frozen=True)
class Headers:
    """The headers we listen to, None where one is not there."""

    request_id: str | None
    version: int | None
    deadline_ms: float | None
    is_json: bool
    length: int | None
    api_key: bytes | None = field(default=None, repr=False)


class Gone(Exception):  # noqa: N818
    """The caller hung up before the request was whole."""


def read_headers(scope: dict) -> Headers:
    """The headers of a request. Raises Refused naming the one that is wrong."""
    found = dict(scope["headers"])
    request_id = found.get(b"x-request-id")
    if request_id is not None and not REQUEST_ID.fullmatch(request_id):
        raise refuse(
            422,
            "invalid_request",
            "expected 1 to 128 of A-Z a-z 0-9 . _ : -",
            "send such an id, or none",
            "X-Request-Id",
        )
    kind = found.get(b"content-type", b"").split(b";")[0].strip().lower()
    return Headers(
        None if request_id is None else request_id.decode(),
        _number(found, b"x-model-version", "X-Model-Version", 1, 2**31),
        _number(found, b"x-deadline-ms", "X-Deadline-Ms", 1, LONGEST_DEADLINE_MS),
        kind == JSON,
        _number(found, b"content-length", "Content-Length", 0, 2**62),
        found.get(b"x-api-key"),
    )


async def read_body(headers: Headers, receive: Receive) -> bytes:
    """The body, which is JSON and not too long. Raises Refused, Gone."""
    if not headers.is_json:
        raise refuse(
            415, "not_json", "expected the content type application/json", "send JSON with that header", "Content-Type"
        )
    if (headers.length or 0) > MOST_BYTES:
        raise _too_long()
    message = await receive()  # which BentoML's own timeout bounds
    body = _piece(message)
    if message.get("more_body"):
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body += await _rest(len(body), receive)
        except TimeoutError:
            raise refuse(
                408, "too_slow", f"the body did not arrive within {BODY_SECONDS:g} seconds", "send it at once"
            ) from None
    return body


async def _rest(length: int, receive: Receive) -> bytes:
    pieces, is_more = [], True
    while is_more:
        message = await receive()
        pieces.append(_piece(message))
        length += len(pieces[-1])
        if length > MOST_BYTES:
            raise _too_long()
        is_more = message.get("more_body", False)
    return b"".join(pieces)


def _piece(message: dict) -> bytes:
    if message["type"] == "http.disconnect":
        raise Gone
    piece = message.get("body", b"")
    if len(piece) > MOST_BYTES:
        raise _too_long()
    return piece


async def send_json(send: Send, status: int, body: bytes, *more: tuple[bytes, bytes]) -> None:
    """Send one JSON document with a status and more headers."""
    length = (b"content-length", str(len(body)).encode())
    headers = [(b"content-type", JSON), length, *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_refusal(send: Send, refused: Refused, request_id: str | None, *more: tuple[bytes, bytes]) -> None:
    """Send why there is no answer."""
    headers = {name.encode(): value.encode() for name, value in refused.headers.items()} | dict(more)
    await send_json(send, refused.status, refused.body(request_id), *headers.items())


def _number(found: dict[bytes, bytes], header: bytes, name: str, least: int, most: int) -> int | None:
    text = found.get(header)
    if text is None:
        return None
    if not text.isdigit() or len(text) > 19 or not least <= int(text) <= most:
        raise refuse(
            422,
            "invalid_request",
            f"expected a whole number from {least} to {most}",
            "send such a number, or none",
            name,
        )
    return int(text)


def _too_long() -> Refused:
    return refuse(
        413, "too_long", f"expected a body of at most {MOST_BYTES} bytes", "send fewer flights in one request"
    )
