"""`serve` and `parity`: the champion behind HTTP, and the proof that it answers as batch scoring did."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta

from data_checks import schema as s
from infra.network import claim_port, free_port
from infra.priority import coming_last
from infra.prometheus_process import announce_targets
from infra.proxy_process import Proxy, find_nginx, running_proxy
from infra.service_process import Service, running_service, started_service
from infra.settings import Settings
from infra.stopwatch import part
from pipelines.clock import Week, local_day, parse_day
from pipelines.context import Context, open_context
from pipelines.erasing import is_erased_in
from pipelines.scoring import PROBABILITY, VERSION, NoChampion
from preflight import show
from services.agent import Agent, run
from services.exporting import export_week
from services.model import LEAVING, Served
from services.parity import Parity, ask_service, compare
from services.switching import FOLDER, settle

STEP_SECONDS = 1
ALIVE = "serving/alive"
"""Written at each step of an agent: whoever looks after it sees by its age whether it still steps."""
ONE_SERVICE = "serving/agent"
"""The folder that a service holds as long as it runs: two would follow each other's pointers."""


@dataclass(frozen=True)
class ServedDay:
    """One day asked over HTTP."""

    day: date
    version: int
    parity: Parity

    def sentence(self) -> str:
        """The result in words."""
        return (
            f"served {self.parity.flights} flights of {self.day} over HTTP with version {self.version}, "
            f"at most {self.parity.largest_difference:.1e} off batch scoring"
        )

    def as_dict(self) -> dict:
        """The result as plain values."""
        return {"day": self.day.isoformat(), "version": self.version, **asdict(self.parity)}


def serve(settings: Settings, port: int | None, week: str | None = None, behind_proxy: bool = False) -> None:
    """Export the champion as of the newest week, or of a chosen one, and answer until interrupted."""
    context = open_context(settings)
    port = claim_port(port or settings.port)
    with context.store.exclusively(ONE_SERVICE):
        version, chosen = _export(context, week)
        agent = Agent(context, stays_in_week=week is not None)
        with _answering(settings, port, behind_proxy) as service, coming_last():  # the workers have started
            show.tell(
                f"version {version} answers at {service.address} for departures of the week of {chosen.id}; "
                "Ctrl-C ends it"
            )
            _until_asked_to_end(context, agent, service.require_alive)
            context.store.write_text(LEAVING, "")
            time.sleep(settings.drain_seconds)
        _finish(agent)
    context.store.remove(LEAVING)
    show.finish("the service has answered what it was asked, and stopped", {}, as_json=False)


def look_after(settings: Settings, only_load: bool) -> None:
    """Follow the registry, carry rollouts on and load the log, beside workers that others start, until interrupted."""
    context = open_context(settings)
    held = "serving/loader" if only_load else ONE_SERVICE
    with context.store.exclusively(held):
        if only_load:
            told = "the prediction log of this node is loaded"
        else:
            version, chosen = _export(context, None)
            told = f"workers on {settings.home} answer with version {version} for the week of {chosen.id}"
        agent = Agent(context, only_loads=only_load)
        show.tell(f"{told}; Ctrl-C ends it")
        _until_asked_to_end(context, agent)
        _finish(agent)
    show.finish("what was answered is loaded, and the agent has stopped", {}, as_json=False)


def _export(context: Context, week: str | None) -> tuple[int, Week]:
    """Make workers find the champion and a week, the newest or a chosen one; returns both. Raises NoChampion."""
    version = _champion(context)
    chosen = _as_scored(context, week) if week else newest_scored_week(context)
    with context.store.exclusively(FOLDER):
        settle(context)
        context.store.remove(LEAVING)
        export_week(context, version, chosen)
    return version, chosen


def _finish(agent: Agent) -> None:
    """Load what was answered last too."""
    agent.step()
    while agent.is_behind:
        agent.step()


@contextmanager
def _answering(settings: Settings, port: int, behind_proxy: bool) -> Iterator[Service | Proxy]:
    """Workers behind one port: they share it, or each has one of its own and nginx shares out the requests."""
    if not behind_proxy:
        with running_service(settings.home, port, settings.workers) as service:
            announce_targets(settings.home, [_bare(service)])
            yield service
        return
    find_nginx()
    with ExitStack() as running:
        workers = [running.enter_context(started_service(settings.home, free_port())) for _ in range(settings.workers)]
        for worker in workers:
            worker.wait()
        upstreams = [_bare(worker) for worker in workers]
        announce_targets(settings.home, upstreams)  # the proxy passes no /metrics, and would pass one worker's
        yield running.enter_context(running_proxy(settings.home, port, upstreams))


def _bare(service: Service) -> str:
    return service.address.removeprefix("http://")


def parity(settings: Settings, day: str | None, as_json: bool) -> None:
    """One day over HTTP against the recorded predictions."""
    context = open_context(settings)
    served = compare_day(context, _as_day(context, day) if day else None)
    show.finish(served.sentence(), served.as_dict(), as_json)


def compare_day(context: Context, day: date | None) -> ServedDay:
    """Serve the version that scored the day, ask for every flight, require the same. Raises SkewError, NoChampion.

    Without a day it is the last full one that the present champion scored.
    """
    week = Week.holding(day) if day else _newest_week_of(context, _champion(context))
    chosen = day or min(week.monday + timedelta(days=6), context.settings.last_day)
    predictions = context.require("predictions", week, "preflight replay")
    batch = predictions.filter(local_day(s.SCHEDULED_DEPARTURE) == chosen).select(s.FLIGHT_ID, PROBABILITY)
    flights = context.accepted(s.SCHEDULE, week, 1).join(batch, on=s.FLIGHT_ID, how="semi", maintain_order="left")
    if is_erased_in(context.ledger.entries(), week.id):  # an erased aircraft was scored by features that are gone
        flights = flights.drop_nulls(s.TAIL_NUMBER)
        batch = batch.join(flights, on=s.FLIGHT_ID, how="semi", maintain_order="left")
    with part("BentoML"), service_of(context, week) as service:
        served = ask_service(service.address, flights)
    return ServedDay(chosen, predictions[VERSION][0], compare(batch, served))


@contextmanager
def service_of(context: Context, week: Week) -> Iterator[Service]:
    """A service on a port of its own that answers for a week, with the version that scored it, or else the champion.

    Raises NoChampion, and BusyError when a service answers from this home already: it would follow to that week.
    """
    with context.store.exclusively(ONE_SERVICE):
        export_for(context, week)
        with running_service(context.settings.home, free_port()) as service:
            yield service


def export_for(context: Context, week: Week) -> Served:
    """Let workers answer for a week with the version that scored it, or else the champion. Raises NoChampion."""
    scored = context.journal.read(week.id, "score")
    return export_week(context, scored["version"] if scored else _champion(context), week)


def newest_scored_week(context: Context) -> Week:
    """The newest week that has predictions. Raises NoChampion."""
    _champion(context)
    return Week.from_id(context.journal.weeks("score")[-1])


def _until_asked_to_end(context: Context, agent: Agent, require_alive: Callable[[], None] = lambda: None) -> None:
    """Step until Ctrl-C or a request to terminate. Raises what `require_alive` does when who answers goes first."""
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())

    def is_over(seconds: float) -> bool:
        require_alive()
        context.store.path(ALIVE).touch()
        return over.wait(seconds)

    run(agent, is_over, STEP_SECONDS, show.tell)


def _champion(context: Context) -> int:
    """The version that answers, as the records have it."""
    version = context.answering_version()
    if version is None or not context.journal.weeks("score"):
        raise NoChampion(f"nothing has been scored under {context.settings.home}; run: preflight replay")
    return version


def _newest_week_of(context: Context, version: int) -> Week:
    """The newest week that `version` scored, the newest of all when it has scored none yet."""
    scored = context.journal.events("score")
    return Week.from_id(next((e["week"] for e in reversed(scored) if e["version"] == version), scored[-1]["week"]))


def _as_scored(context: Context, text: str) -> Week:
    week = Week.holding(_as_day(context, text))
    context.require("predictions", week, f"preflight score {week.id}")
    return week


def _as_day(context: Context, text: str) -> date:
    context.weeks(text)
    return parse_day(text)
