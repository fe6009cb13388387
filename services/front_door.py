"""Stands before all routes of BentoML: whatever is asked for an answer is answered by the hot routes, under both names.

So `/predict` and `/v1/predict` have the same limits, refusals, counts and records, and BentoML meets no body that it
could stumble over; what people read, documents, probes and metrics, goes on to it. The hot routes are mounted as well;
going to them from here saves the seventh of a request that is spent on trying nine other patterns and on a context.
"""

from starlette.types import ASGIApp

from services.exchange import Receive, Send

READING = ("GET", "HEAD")


class FrontDoor:
    """ASGI middleware: what is read passes, everything else is for the hot routes."""

    def __init__(self, app: ASGIApp, hot: ASGIApp, prefix: str) -> None:
        self._app, self._hot, self._prefix = app, hot, prefix + "/"

    async def __call__(self, scope: dict, receive: Receive, send: Send) -> None:
        """Send one request where it belongs."""
        if scope["type"] == "http" and (scope["path"].startswith(self._prefix) or scope["method"] not in READING):
            await self._hot(scope, receive, send)
        else:
            await self._app(scope, receive, send)
