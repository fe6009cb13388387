"""Drills of the service under pressure: too many clients, slow ones, workers that are killed."""

import json
import socket
import time
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path

import httpx

from infra.http_connection import OK, Request
from infra.http_load import Pace
from infra.network import LOOPBACK
from infra.segments import segments, whole_lines
from practice.drills.asking import STEADY, ask, ask_together, newest_week, questions, said_in_any, workers_of
from practice.drills.scene import Drill, Scene
from services.prediction_log import FOLDER, key_of
from services.under_load import require_on_record_once, require_whole, under_load

BURST, FLIGHTS, MOST_WAITING, ONE_BY_ONE = 50, 100, 2, 10
SLOW, CUT_OFF_SECONDS = 64, 20
LIVELY = Pace(connections=4)
"""Each client asks as soon as it was answered, so that a worker that dies has a request on its hands."""
MINUTE = 60
TORN = "torn-1"


def overload(scene: Scene) -> None:
    """More requests at once than a worker lets wait."""
    played = scene.copy()
    asked = questions(played, BURST, FLIGHTS)
    with played.serving(workers=1, max_in_flight=MOST_WAITING) as address:
        heard: list[httpx.Response] = []
        scene.inject(
            f"{BURST} requests of {FLIGHTS} flights at once, at one worker that lets {MOST_WAITING} wait",
            lambda: heard.extend(ask_together(address, asked)),
            harmless=lambda: heard.extend(ask(address, request) for request in asked[:ONE_BY_ONE]),
        )
        answers = list(zip(asked[: len(heard)], heard, strict=True))
        refused: list[Request] = scene.detect(
            lambda: [request for request, answer in answers if answer.status_code == httpx.codes.TOO_MANY_REQUESTS],
            lambda found: f"{len(found)} of {BURST} requests are refused with 429, too many wait",
        )
        told = {answer.headers.get("retry-after") for request, answer in answers if request in refused}
        others = Counter(answer.status_code for request, answer in answers if request not in refused)
        scene.respond(
            None not in told and set(others) == {OK},
            f"each is told when to come again, after {', '.join(sorted(map(str, told)))} s; the other {others[OK]} are "
            "answered, none has failed",
        )
        given = {request.request_id: answer.content for request, answer in answers if request not in refused}
        given |= {request.request_id: _until_answered(scene, address, request).content for request in refused}
        require_on_record_once(played.home, given)
        scene.require(
            len(given) == BURST,
            f"asked again by their ids all {BURST} are answered, each on record once, and none lost",
        )
        began = time.perf_counter()
        status = ask(address, questions(played, 1, run="after")[0]).status_code
        scene.recover(status == OK, f"a flight is answered in {1000 * (time.perf_counter() - began):.0f} ms again")


def slow_clients(scene: Scene) -> None:
    """Clients begin a request through the proxy and do not go on."""
    played = scene.copy()
    context, week, asked = played.context, newest_week(played), questions(played, SLOW)
    with played.serving("--proxy") as address:
        log = played.home / "logs" / f"proxy-{httpx.URL(address).port}-access.jsonl"
        with ExitStack() as opened, under_load(context, week, address, STEADY) as load:
            clients = scene.inject(
                f"{SLOW} clients send the first byte of their body, and then nothing",
                lambda: [opened.enter_context(closing(begun(address, request))) for request in asked],
                harmless=lambda: ask_together(address, asked),
            )
            scene.detect(
                lambda: statuses(log)[httpx.codes.REQUEST_TIMEOUT] == SLOW,
                f"the access log of nginx has {SLOW} requests with 408",
                CUT_OFF_SECONDS,
            )
            cut_off = sum(map(is_cut_off, clients or []))
        scene.respond(cut_off == SLOW, f"all {cut_off} are cut off, and hold no place any more")
        require_whole(context, week, load, "slow clients")
        slowest = max(answer.latency_ms for answer in load.heard)
        scene.require(
            load.heard, f"{len(load.heard)} requests of others are answered meanwhile, the slowest in {slowest:.0f} ms"
        )
        again = Counter(answer.status_code for answer in ask_together(address, asked))
        scene.recover(again == {OK: SLOW}, f"sent in one piece, the same {again[OK]} requests are answered")


def worker_killed_in_request(scene: Scene) -> None:
    """One of two workers is killed while clients wait for its answers."""
    played = scene.copy()
    context, week = played.context, newest_week(played)
    with played.serving() as address:
        before = workers_of(scene, played)
        with under_load(context, week, address, LIVELY) as load:
            scene.wait(lambda: len(load.heard) > 100, MINUTE)
            victim = max(before, key=lambda worker: len(worker.net_connections("tcp")))
            scene.inject(
                f"kill -9 of worker {victim.pid} while {LIVELY.connections} clients ask without a pause", victim.kill
            )
            scene.detect(
                lambda: load.retries,
                lambda found: f"{found} requests lost their connection, their clients asked once more with the same id",
                CUT_OFF_SECONDS,
            )
        with under_load(context, week, address, STEADY) as meanwhile:
            after = workers_of(scene, played)
        new = max({worker.pid for worker in after} - {worker.pid for worker in before}, default=0)
        scene.respond(new, f"the other worker answers, and worker {new} is started in the place of the one that died")
        require_whole(context, week, load, "a kill")
        require_whole(context, week, meanwhile, "a new worker")
        given = load.given | meanwhile.given
        require_on_record_once(played.home, given)
        scene.require(
            len(given) == len(load.heard) + len(meanwhile.heard),
            f"all {len(given):,} requests are answered, each answer on record exactly once, as it was given",
        )
        last = Counter(answer.status_code for answer in ask_together(address, questions(played, SLOW, run="after")))
        scene.recover(last == {OK: SLOW}, f"both workers answer: {last[OK]} requests at once, none fails")


def worker_killed_in_write(scene: Scene) -> None:
    """The prediction log ends in the middle of a line, as a kill in mid-write leaves it."""
    played = scene.copy()
    asked = questions(played, 20)
    with played.serving() as address:
        given = {request.request_id: ask(address, request).content for request in asked}
    log = segments(played.store.path(FOLDER))[-1]
    torn = torn_line(log, TORN)
    scene.inject(
        f"{log.name} ends with the first {len(torn)} bytes of a line, as a worker killed in mid-write leaves it",
        lambda: append(log, torn),
    )
    with played.serving() as address:
        scene.detect(
            lambda: said_in_any(played.home / "logs", "service-*.log", "torn line"),
            lambda line: line.replace(f"{played.home}/", ""),
            MINUTE,
        )
        scene.respond(
            not log.read_bytes().count(TORN.encode()), "the line is cut off by the first worker that takes the log"
        )
        again = [ask(address, request) for request in asked]
        same = [answer.content for answer in again] == list(given.values())
        scene.require(
            same and all("x-answered-before" in answer.headers for answer in again),
            f"all {len(again)} requests that were acknowledged get the same bytes again, from the log",
        )
        fresh = ask(address, Request(asked[0].path, asked[0].body, TORN))
        given[TORN] = fresh.content
        require_on_record_once(played.home, given)
        scene.recover(
            fresh.status_code == OK and "x-answered-before" not in fresh.headers,
            f"the id of the torn line is free, and answered anew; {len(given)} answers are on record, each once",
        )
    played.must("log", "load")


def begun(address: str, request: Request) -> socket.socket:
    """A connection over which a request has begun: its header, and one byte of its body."""
    client = socket.create_connection((LOOPBACK, httpx.URL(address).port or 80))
    head = f"POST {request.path} HTTP/1.1\r\nHost: us\r\nContent-Type: application/json\r\n"
    client.sendall(f"{head}Content-Length: {len(request.body)}\r\n\r\n".encode() + request.body[:1])
    return client


def is_cut_off(client: socket.socket) -> bool:
    """Whether the other side has ended a connection."""
    client.settimeout(1)
    try:
        while client.recv(4096):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def statuses(access_log: Path) -> Counter[int]:
    """How many requests a proxy has answered with each status, by the lines of its log that are whole."""
    return Counter(int(json.loads(line)["status"]) for line in whole_lines(access_log))


def torn_line(log: Path, name: str) -> bytes:
    """The first half of the last line of a log, as if it were of another request."""
    last = list(whole_lines(log))[-1]
    line = last.replace(key_of(last), name.encode())
    return line[: len(line) // 2]


def append(path: Path, content: bytes) -> None:
    """Write bytes to the end of a file."""
    with path.open("ab") as file:
        file.write(content)


def _until_answered(scene: Scene, address: str, request: Request) -> httpx.Response:
    """What a client gets that comes again until it is answered."""
    answered: list[httpx.Response] = []

    def try_again() -> bool:
        answered[:] = [ask(address, request)]
        return answered[0].status_code == OK

    scene.wait(try_again, MINUTE)
    return answered[0]


DRILLS = (
    Drill(
        name="overload",
        title="More requests than may wait",
        fault="fifty large requests come at once at a worker that lets two wait",
        detector="the worker's own count of the requests that wait for it",
        response="429 with Retry-After at once, instead of a queue that grows",
        runbook="`preflight traffic --rate 0` says what this machine takes; raise PREFLIGHT_WORKERS or refuse earlier",
        story=(
            "A queue without a bound turns too much load into an outage: everybody waits until everybody has given "
            "up, and the work is done for clients who left. So a worker counts who waits, and says no at once to what "
            "is above the bound, with the second after which to come again. A refusal asks no model and writes no "
            "record; what it costs was not measured. The requests that are let in stay fast. A client that comes again "
            "with the same id gets its answer, and there is one record of it. What it costs is honesty: at "
            "the peak some callers see a 429, and that rate is an alert of its own, because it says that we need "
            "another worker."
        ),
        play=overload,
        disarm=(("services/hot.py", "if self._in_flight > most:", "if False:"),),
    ),
    Drill(
        name="slow-clients",
        title="Clients that begin and do not go on",
        fault="64 clients send the header and one byte of their body, and then nothing",
        detector="nginx, which waits five seconds for the next piece of a body",
        response="408, and the connection is closed; no worker ever saw the request",
        runbook="`preflight logs proxy` shows who stalls: look for 408, by address",
        story=(
            "Slow clients are the cheapest attack there is, and mostly no attack but a bad network. Each holds a "
            "place, and when places are workers a handful is enough. Here a worker is asked only when the request "
            "is whole, so that a slow client costs nginx some kilobytes and the model nothing. Whoever is silent for "
            "five seconds is cut off with a 408. Processors and error rates look healthy in such an outage, which is "
            "why the limit has to be there before it. What it does not stop is a client that sends a byte every four "
            "seconds: it may hold its place for minutes, and what bounds that is how many places one address may hold."
        ),
        play=slow_clients,
        disarm=(
            (
                "infra/proxy/nginx.conf.jinja",
                "client_body_timeout {{ ms(limits.body_seconds) }};  # between",
                "client_body_timeout 3600s;  # between",
            ),
        ),
        needs=("nginx",),
    ),
    Drill(
        name="worker-killed-in-request",
        title="kill -9 of a worker under load",
        fault="one of two workers is killed with -9 while clients wait for its answers",
        detector="the client, whose connection is lost; within ten seconds the supervisor, who misses a process",
        response="the other worker answers the same id once; a new worker comes up by itself",
        runbook="`preflight prove kills` repeats it fifty times; look into the service's log for what killed it",
        story=(
            "The out-of-memory killer does exactly this, and asks nobody. The client knows one thing only, that there "
            "was no answer; it does not know whether the work was done. So it asks again with the same id, and the "
            "log decides: if the answer was written before the kill, the same bytes come back, and if it was not, the "
            "other worker answers now. Either way there is one record. The log is shared by the workers "
            "and written before the answer is given, in one write under a lock that dies with its process. "
            "Retrying without an id is what doubles orders. The price is a lock of some microseconds, and ten "
            "seconds with half of the workers."
        ),
        play=worker_killed_in_request,
        disarm=(("infra/http_connection.py", "if not is_lost or retries + 1 == MOST_TRIES:", "if True:"),),
    ),
    Drill(
        name="worker-killed-in-write",
        title="The log ends in the middle of a line",
        fault="the prediction log ends with half a line, as a kill in mid-write leaves it",
        detector="the next process that takes the log: its last line has no end",
        response="the half line is cut off and told; every whole line stays",
        runbook="`preflight log load`, then `preflight log show --last 20`: what was acknowledged is there",
        story=(
            "A log that is appended to can end in half a line, and there are two wrong answers to that. One is to "
            "refuse to start, so that a kill becomes an outage. The other is to append, so that two requests melt into "
            "one line that nobody can read. Ours is possible because of the order: first the line, then the answer. So "
            "half a line was never acknowledged to anybody, and may go. The next process that holds the lock cuts "
            "it off and says how many bytes, and the id is free to be asked again. Durable here means against the "
            "death of a process; against the death of the machine it would take a flush of the disk, at a hundred "
            "times the price."
        ),
        play=worker_killed_in_write,
        disarm=(("infra/shared_log.py", "if self._read < found.st_size:", "if False:"),),
    ),
)
