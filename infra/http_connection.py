"""One keep-alive HTTP/1.1 connection for one request at a time, opened again and tried once more when it is lost."""

import asyncio
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import httptools

OK, UNANSWERED = 200, 0
MOST_TRIES = 2
RETRY_SECONDS = 0.1


@dataclass(frozen=True)
class Request:
    """One POST of a JSON body; `request_id` goes with every try, so that the service knows the request again."""

    path: str
    body: bytes
    request_id: str


@dataclass(frozen=True)
class Answer:
    """What came of one request: `status` is 0 when nothing did, and then `problem` says why.

    `latency_ms` runs from the moment at which it should have been sent, so its wait for a free connection and its
    retry are within.
    """

    request: Request
    status: int
    body: bytes
    latency_ms: float
    retries: int
    problem: str | None = None


class Connection:
    """A connection to one address that is opened again when it was lost."""

    def __init__(self, address: str, answer_seconds: float) -> None:
        parts = urlsplit(address)
        self._host, self._port, self._answer_seconds = parts.hostname, parts.port or 80, answer_seconds
        self._socket: _Socket | None = None

    async def open(self) -> "_Socket":
        """The open socket. Raises OSError when nobody listens."""
        if self._socket is None or self._socket.is_lost:
            _, self._socket = await asyncio.get_running_loop().create_connection(_Socket, self._host, self._port)
        return self._socket

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._socket.lose()

    async def ask(self, request: Request, due: float) -> Answer:
        """The answer to one request, from the second try if the first lost its connection."""
        message, retries = self._message(request), 0
        while True:
            try:
                async with asyncio.timeout(self._answer_seconds):
                    socket = await self.open()
                    status, body = await socket.ask(message)
                return Answer(request, status, body, _milliseconds_since(due), retries)
            except TimeoutError:
                problem, is_lost = f"no answer within {self._answer_seconds:g} s", False
            except (OSError, httptools.HttpParserError) as error:
                problem, is_lost = str(error), True
            self.close()  # a late answer must not be taken for the next one's
            if not is_lost or retries + 1 == MOST_TRIES:
                return Answer(request, UNANSWERED, b"", _milliseconds_since(due), retries, problem)
            retries += 1
            await asyncio.sleep(RETRY_SECONDS)

    def _message(self, request: Request) -> bytes:
        head = (
            f"POST {request.path} HTTP/1.1\r\nhost: {self._host}:{self._port}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(request.body)}\r\nx-request-id: {request.request_id}\r\n\r\n"
        )
        return head.encode() + request.body


def _milliseconds_since(due: float) -> float:
    return (time.perf_counter() - due) * 1000


class _Socket(asyncio.Protocol):
    """One socket and the answer that is awaited on it; httptools calls its `on_` methods while it reads."""

    def __init__(self) -> None:
        self._answered: asyncio.Future[tuple[int, bytes]] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._parts: list[bytes] = []

    @property
    def is_lost(self) -> bool:
        return self._transport.is_closing()

    def ask(self, message: bytes) -> "asyncio.Future[tuple[int, bytes]]":
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(message)
        return self._answered

    def lose(self) -> None:
        self._transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(error)

    def on_message_begin(self) -> None:
        self._parts = []

    def on_body(self, part: bytes) -> None:
        self._parts.append(part)

    def on_message_complete(self) -> None:
        if not self._parser.should_keep_alive() or self._answered is None:
            self._transport.close()
        if self._answered is not None and not self._answered.done():
            self._answered.set_result((self._parser.get_status_code(), b"".join(self._parts)))
        self._answered = None

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(error or ConnectionResetError("the service closed the connection before it had answered"))

    def _fail(self, error: Exception) -> None:
        self._transport.abort()
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(error)
        self._answered = None
