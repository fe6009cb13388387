"""The floor: the ASGI server that every peer stands on, reading a request and answering with a constant."""

ANSWER = b'{"probability_late": 0.5}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]


async def app(scope, receive, send):
    """An ASGI application, run with `uvicorn --lifespan off`."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})
