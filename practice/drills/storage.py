"""Drills of the stores: what is read or written is not there, while the service answers."""

from functools import partial
from pathlib import Path

import httpx

from infra.http_connection import OK
from practice.drills.asking import ask, card_of, counted, questions, said_in, workers_of
from practice.drills.ground import NEXT
from practice.drills.scene import Drill, Scene
from practice.drills.small_disk import fill, small_disk
from services.prediction_log import FOLDER
from services.under_load import require_on_record_once

DATABASE, HEADER_BYTES = "mlflow/mlflow.db", 100
DISK_MB, BALLAST = 2, "ballast"
AGENT_SECONDS, FOLLOW_SECONDS, ROOM_SECONDS = 20, 60, 20
STAGES_BEFORE_SCORING = ["land", "validate"]


def registry_down(scene: Scene) -> None:
    """The registry's database cannot be read while the service runs and a week ends."""
    played = scene.copy()
    database, log = played.home / DATABASE, played.home / "logs" / "serve.log"
    whole = read_header(database)
    asked = questions(played, 40)
    with played.serving() as address:
        version = card_of(address)["model_version"]
        scene.inject(
            f"the first {HEADER_BYTES} bytes of {DATABASE} are zeros: MLflow's store cannot be read",
            lambda: write_header(database, bytes(HEADER_BYTES)),
        )
        scene.detect(
            lambda: said_in(log, "follow failed"),
            lambda line: f"the agent: {line.replace(f'{played.home}/', '')}",
            AGENT_SECONDS,
        )
        stopped = played.run("replay")
        done = [event["stage"] for event in played.context.journal.events() if event["week"] == NEXT.id]
        scene.respond(
            stopped.returncode == 1 and "cannot be read" in stopped.stderr and done == STAGES_BEFORE_SCORING,
            f"the week that ends lands and is validated, then the command ends with 1 and that sentence; of {NEXT.id} "
            f"the event log has {' and '.join(done)}",
        )
        left = [path.name for path in played.home.rglob("*.part")]
        scored = played.store.has_table("predictions", NEXT.id)
        scene.require(not left and not scored, "nothing is half written, and nothing is scored by a guess")
        answers = [ask(address, request) for request in asked]
        by = {answer.json().get("model_version") for answer in answers}
        scene.require(by == {version}, f"{len(answers)} requests meanwhile are all answered by version {version}")
        write_header(database, whole)
        played.must("replay")
        follows = scene.wait(lambda: _answers_for(address, NEXT.start.isoformat()), FOLLOW_SECONDS)
        scene.recover(
            follows and said_in(log, "follow works again"),
            f"the database is back: the same command goes on, and the service follows to the week of {NEXT.id}",
        )


def disk_full(scene: Scene) -> None:
    """The disk that the prediction log is written to is full."""
    played = scene.copy()
    folder = played.store.make_folder(FOLDER)
    given: dict[str, bytes] = {}
    turns = iter(questions(played, 2000))
    with small_disk(folder, DISK_MB), played.serving() as address:

        def ask_next() -> httpx.Response | None:
            """The answer to the next flight if it is a refusal."""
            request = next(turns)
            answer = ask(address, request)
            if answer.status_code == OK:
                given[request.request_id] = answer.content
            return None if answer.status_code == OK else answer

        for _ in range(20):
            ask_next()
        workers = [worker.pid for worker in workers_of(scene, played)]
        scene.inject(
            f"the disk of the prediction log, {DISK_MB} MB, is filled to the last byte", partial(fill, folder / BALLAST)
        )
        refusal = scene.detect(ask_next, _told, ROOM_SECONDS)
        scene.respond(
            refusal.status_code == httpx.codes.SERVICE_UNAVAILABLE and refusal.headers.get("retry-after"),
            f"503 instead of an answer without a record; the caller may come again after "
            f"{refusal.headers.get('retry-after')} s",
        )
        require_on_record_once(played.home, given)
        unlogged = counted(address, "preflight_unlogged_refusals_total")
        scene.require(
            unlogged, f"all {len(given)} answers given are on record once; {unlogged:.0f} refusal counted for its alert"
        )
        (folder / BALLAST).unlink()
        scene.wait(lambda: ask_next() is None, ROOM_SECONDS)
        played.must("log", "load")
        require_on_record_once(played.home, given)
        same = [worker.pid for worker in workers_of(scene, played)] == workers
        scene.recover(
            same and ask_next() is None,
            f"with room again the same two workers answer, nothing was started anew; {len(given)} answers are loaded",
        )


def read_header(database: Path) -> bytes:
    """Where SQLite looks first."""
    with database.open("rb") as file:
        return file.read(HEADER_BYTES)


def write_header(database: Path, content: bytes) -> None:
    """Put other bytes there, in place, as a bad disk would: whoever has the file open meets them."""
    with database.open("r+b") as file:
        file.write(content)


def _answers_for(address: str, moment: str) -> bool:
    return str(card_of(address).get("departures_from", "")).startswith(moment[: len("2013-03-04T05:00")])


def _told(refusal: httpx.Response) -> str:
    error = refusal.json()["error"]
    return f"{refusal.status_code} {error['code']}: {error['problems'][0]['problem']}"


DRILLS = (
    Drill(
        name="registry-down",
        title="The registry cannot be read",
        fault="the first bytes of MLflow's database are gone while the service runs and a week ends",
        detector="the agent, which asks the registry every second who is champion",
        response="the service answers on from its own verified files; what needs the registry stops with one sentence",
        runbook="`preflight doctor`, then `preflight restore FILE --replace` if it is lost; repeat the command",
        story=(
            "The registry decides who answers next, not who answers now. So it is on nobody's request path: the agent "
            "copies a verified bundle to where the workers look, and they read files. When the store is "
            "gone the agent says so once, and callers notice nothing. What must not happen is the quiet version: a "
            "lookup that fails, is caught, and is taken for a registry without a champion. We had that, and this drill "
            "found it. The week that ended lands and is validated, for this needs no model; then it stops, as scoring "
            "by a guess would be worse than late. Each step is one event, written once, so the same command goes on "
            "from there when the store is back."
        ),
        play=registry_down,
        disarm=(("services/agent.py", "else (self._follow, self._look", "else (self._look"),),
    ),
    Drill(
        name="disk-full",
        title="The disk of the log is full",
        fault="the disk that the prediction log is written to has no byte left",
        detector="the write of the record, which comes before the answer",
        response="503 with Retry-After, and nothing that is not on record is answered",
        runbook="`preflight log load`, then free some space; nothing has to be started again",
        story=(
            "An answer that nobody can find again cannot be audited, compared with its label, or repeated to a client "
            "that lost it. So the record comes first, and when it cannot be written there is no answer: 503, a "
            "code that says why, and when to come again. Half a line that did fit is cut off at once. The choice is "
            "consistency over availability, and it is a choice: a service whose answers save lives would turn it "
            "round, and count what it could not write. Health checks stay green in this outage, because the process "
            "is fine; the refusals are counted, and page. When there is room again the next write simply works, "
            "without a restart."
        ),
        play=disk_full,
        disarm=(
            (
                "infra/shared_log.py",
                "raise LogUnwritable.of(path_of(self._folder, self._segment), error.strerror) from error",
                "return None",
            ),
            (
                "infra/shared_log.py",
                'raise LogUnwritable.of(path_of(self._folder, self._segment), "only a part of a line was written")',
                "return None",
            ),
        ),
        needs=("tmpfs",),
    ),
)
