"""A headless Chromium, spoken to over two pipes in its DevTools protocol, so that no driver has to be installed.

Every name but the loopback resolves to nothing, and every request is written down: what a page asks for is
seen whether or not the machine has a network.
"""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = "there is no Chromium; install it (apt-get install chromium, brew install --cask chromium; about 300 MB)"
LOCAL = ("file:", "data:", "blob:", "about:", "chrome:", "http://127.0.0.1:")
PATIENCE_SECONDS = 120
QUIET_SECONDS, PAINT_SECONDS = 1.5, 2
HEIGHT_PX, TALLEST_PX = 900, 12000
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
    *("--disable-domain-reliability", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
)


@dataclass
class Visit:
    """What a page did while it was open; `width_px` is how wide its content is."""

    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    title: str = ""
    text: str = ""
    width_px: int = 0

    @property
    def outside(self) -> list[str]:
        """The requests that would have left the machine."""
        return [url for url in self.requests if not url.startswith(LOCAL)]


class Chromium:
    """A browser that opens one page after another."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._unread, self._number = b"", 0
        self._events: list[dict] = []

    def visit(
        self,
        url: str,
        width_px: int,
        picture: Path | None = None,
        until: str = "",
        sent: dict[str, str] | None = None,
        tallest_px: int = TALLEST_PX,
        quiet_seconds: float = QUIET_SECONDS,
    ) -> Visit:
        """Open a page, wait until it is quiet and shows the text `until`, and tell what it did.

        A picture shows the page from its top, at most `tallest_px` of it. `sent` are headers of each of its requests,
        such as who asks: a script may not ask for an address with a password in it.
        """
        self._events.clear()
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        page = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Network", "Runtime", "Log", "Page"):
            self._call(f"{domain}.enable", page)
        self._call("Network.setExtraHTTPHeaders", page, headers=sent or {})
        self._resize(page, width_px, HEIGHT_PX)
        self._call("Page.navigate", page, url=url)
        self._settle(page, until, quiet_seconds)
        seen = Visit(
            title=self._ask(page, "document.title"),
            text=self._ask(page, "document.body.innerText"),
            width_px=self._ask(page, "document.documentElement.scrollWidth"),
        )
        if picture is not None:
            tall = self._ask(page, "document.documentElement.scrollHeight")
            self._resize(page, width_px, min(tall, tallest_px))  # what lies below the window is not painted
            time.sleep(PAINT_SECONDS)
            picture.parent.mkdir(parents=True, exist_ok=True)
            picture.write_bytes(base64.b64decode(self._call("Page.captureScreenshot", page)["data"]))
        self._call("Target.closeTarget", targetId=target)
        _tell(seen, [event for event in self._events if event.get("sessionId") == page])
        return seen

    def _resize(self, page: str, width_px: int, height_px: int) -> None:
        size = {"width": width_px, "height": height_px, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", page, **size)

    def _settle(self, page: str, until: str, quiet_seconds: float) -> None:
        """Return when the page was loaded, shows the text, and has been quiet for a while."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            before = len(self._events)
            self._read(quiet_seconds)
            ready = self._ask(page, "document.readyState") == "complete"
            if ready and len(self._events) == before and until in self._ask(page, "document.body.innerText"):
                return
        raise TimeoutError(f"the page did not show {until!r} within {PATIENCE_SECONDS} s")

    def _ask(self, page: str, expression: str) -> object:
        return self._call("Runtime.evaluate", page, expression=expression, returnByValue=True)["result"].get("value")

    def _call(self, method: str, session: str | None = None, **parameters: object) -> dict:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        os.write(self._to, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            for answer in self._read(1):
                if answer.get("id") == self._number:
                    if "error" in answer:
                        raise RuntimeError(f"{method}: {answer['error']['message']}")
                    return answer["result"]
        raise TimeoutError(f"Chromium did not answer {method} within {PATIENCE_SECONDS} s")

    def _read(self, seconds: float) -> list[dict]:
        """The messages that have come, after waiting so long for one; events are kept too."""
        readable, _, _ = select.select([self._from], [], [], seconds)
        if readable:
            received = os.read(self._from, 1 << 20)
            if not received:
                raise RuntimeError("Chromium ended; run the test again with -s to see why")
            self._unread += received
        *whole, self._unread = self._unread.split(b"\0")
        messages = [json.loads(text) for text in whole]
        self._events += [message for message in messages if "method" in message]
        return messages


def find_chromium() -> str | None:
    """The path of a Chromium, None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def running_chromium(profile: Path) -> Iterator[Chromium]:
    """A browser with a profile of its own; it ends with the block."""
    read_by_it, to_browser = _high_pipe()
    from_browser, written_by_it = _high_pipe()

    def hand_over() -> None:  # it reads from 3 and writes to 4
        os.dup2(read_by_it, 3)
        os.dup2(written_by_it, 4)

    command = [find_chromium(), *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-pipe"]
    process = subprocess.Popen(command, preexec_fn=hand_over, pass_fds=(3, 4), stderr=subprocess.DEVNULL)
    os.close(read_by_it)
    os.close(written_by_it)
    try:
        yield Chromium(to_browser, from_browser)
    finally:
        os.close(to_browser)
        os.close(from_browser)
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _high_pipe() -> tuple[int, int]:
    """A pipe whose ends are not the numbers that it is handed over as."""
    low = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in low)
    for end in low:
        os.close(end)
    return high


def _tell(seen: Visit, events: list[dict]) -> None:
    for event in events:
        told = event["params"]
        if event["method"] == "Network.requestWillBeSent":
            seen.requests.append(told["request"]["url"])
        elif event["method"] == "Runtime.exceptionThrown":
            seen.errors.append(told["exceptionDetails"].get("exception", {}).get("description", "an exception"))
        elif event["method"] == "Runtime.consoleAPICalled" and told["type"] == "error":
            seen.errors.append(" ".join(str(part.get("value", part.get("description"))) for part in told["args"]))
        elif event["method"] == "Log.entryAdded" and told["entry"]["level"] == "error":
            seen.errors.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
