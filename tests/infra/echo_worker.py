"""A worker that answers with what it was asked, so that a test sees what comes through a proxy: `PORT [NAME]`.

It does as the header `X-Do` says: `wait SECONDS`, or `drop`, to break off the first time that a request id comes.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from infra.network import LOOPBACK


class Worker(ThreadingHTTPServer):
    """A server that remembers in `asked`, which may be shared, what reached it, and counts connections."""

    request_queue_size = 128
    daemon_threads = True
    block_on_close = False  # connections that the proxy keeps open end with the proxy

    def __init__(self, port: int = 0, name: str = "worker", asked: list[dict] | None = None) -> None:
        super().__init__((LOOPBACK, port), _Echo)
        self.name, self.asked, self.over = name, [] if asked is None else asked, threading.Event()
        self.connections = 0

    @property
    def address(self) -> str:
        """Where it listens, as `host:port`."""
        return f"{LOOPBACK}:{self.server_port}"

    def process_request(self, *connection: object) -> None:
        """Count, then answer in a thread of its own."""
        self.connections += 1
        super().process_request(*connection)

    def __enter__(self) -> "Worker":
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = {"worker": self.server.name, "path": self.path, "bytes": len(body), "headers": dict(self.headers)}
        asked_before = [one["headers"]["X-Request-Id"] for one in self.server.asked]
        self.server.asked.append(asked)
        match self.headers.get("X-Do", "").split():
            case ["wait", seconds]:
                self.server.over.wait(float(seconds))
            case ["drop"] if self.headers["X-Request-Id"] not in asked_before:
                self.close_connection = True
                return
        answer = json.dumps(asked).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
        self.wfile.write(head.encode() + answer)

    do_GET = do_POST = _answer  # noqa: N815


if __name__ == "__main__":
    Worker(int(sys.argv[1]), *sys.argv[2:]).serve_forever()
