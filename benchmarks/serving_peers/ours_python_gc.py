"""Our own service with the garbage collector as Python has it: what is it worth to collect rarely?"""

import gc

from services.service import FlightLateness

PYTHONS_OWN = gc.get_threshold()


class PythonsOwn:
    """Undoes what the service did as it started, once, when it is first asked."""

    def __init__(self, app) -> None:
        self._app, self._undone = app, False

    async def __call__(self, scope, receive, send) -> None:
        """An ASGI middleware."""
        if not self._undone and scope["type"] == "http":
            gc.unfreeze()
            gc.set_threshold(*PYTHONS_OWN)
            self._undone = True
        await self._app(scope, receive, send)


FlightLateness.add_asgi_middleware(PythonsOwn)
