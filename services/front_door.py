"""Stands before all routes: the hot ones leave here, and what BentoML's own are asked is checked here.

The hot routes are mounted as well; going to them from here saves the seventh of a request that would be spent on
trying nine other patterns first and on a context that they do not use.
"""

from starlette.types import ASGIApp

from services.exchange import Gone, Receive, Send, read_body, read_headers, send_refusal
from services.problems import Refused
from services.question import PARSERS

BODY = "preflight.body"
"""Where in its scope a request that was let in has its bytes."""


class FrontDoor:
    """ASGI middleware: a request that reaches a route of BentoML's API has a body that is read, bounded and valid."""

    def __init__(self, app: ASGIApp, hot: ASGIApp, prefix: str) -> None:
        self._app, self._hot, self._prefix = app, hot, prefix + "/"

    async def __call__(self, scope: dict, receive: Receive, send: Send) -> None:
        """Let one request in, or refuse it."""
        if scope["type"] == "http" and scope["path"].startswith(self._prefix):
            await self._hot(scope, receive, send)
            return
        route = scope["path"].strip("/") if scope["type"] == "http" else None
        if route not in PARSERS or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        request_id = None
        try:
            headers = read_headers(scope)
            request_id = headers.request_id
            body = await read_body(headers, receive)
            PARSERS[route](body)
        except Refused as refused:
            await send_refusal(send, refused, request_id)
        except Gone:
            return
        else:
            await self._app({**scope, BODY: body}, _replay(body, receive), send)


def _replay(body: bytes, receive: Receive) -> Receive:
    """As if the body had not been read yet."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> dict:
        return waiting.pop() if waiting else await receive()

    return replayed
