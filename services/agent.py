"""What runs once per node beside the workers: follows the registry, looks after rollouts, loads the log, exposes flows.

The request path costs it nothing and does not need it: when the agent or the registry is down, workers answer on.
"""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from infra.online_predictions import open_predictions
from infra.records import require_let_in
from infra.storage import BusyError
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.exposing import expose, marks
from pipelines.snapshot import snapshot_path
from services.current import PLAN
from services.exporting import export_week
from services.guardrails import WAIT
from services.loading import load_log
from services.model import CHALLENGER, POINTER
from services.prediction_log import log_end, read_from
from services.rollout import begin, carry_out, look, read_stage
from services.routing import CANARY, CHAMPION
from services.switching import FOLDER, readable, settle

logger = logging.getLogger(__name__)


MOST_RECORDS = 20_000
"""Of a rollout that are looked at, the newest: a shadow may go on for weeks."""


@dataclass
class _Watched:
    """The newest records of the rollout that runs, and where reading them goes on."""

    begins_at: tuple[str, int]
    goes_on_at: tuple[str, int]
    records: deque[dict]


class Agent:
    """Keeps what workers follow in step with registry and year. `step` is called again and again.

    `is_behind`: the last step found something to load, so that there may be more.
    """

    def __init__(self, context: Context, stays_in_week: bool = False, only_loads: bool = False) -> None:
        """With `stays_in_week` the week that was exported goes on being served, whatever week is scored meanwhile.

        Of several nodes one has the agent that does everything, and each other one that only loads its node's log.
        """
        self._context, self._stays_in_week = context, stays_in_week
        self._parts = (
            (self._load,) if only_loads else (self._follow, self._look_after_rollout, self._load, self._expose)
        )
        self._watched: _Watched | None = None
        self._troubles: dict[str, str] = {}
        self._engine: sa.Engine | None = None
        self._exposed: tuple | None = None
        self.is_behind = False

    def step(self) -> list[str]:
        """Do what there is to do, each part whatever becomes of the others; returns what was done, in words."""
        told = []
        for part in self._parts:
            name = part.__name__.strip("_")
            try:
                told += part()
            except BusyError:  # the next step will do
                continue
            except Exception as error:  # a registry or a database that is down comes back; the workers answer meanwhile
                self._tell_once(name, str(error))
            else:
                told += [f"{name} works again"] if self._troubles.pop(name, None) else []
        return told

    def _tell_once(self, part: str, trouble: str) -> None:
        if self._troubles.get(part) != trouble:
            logger.error("%s failed: %s", part, trouble)
        self._troubles[part] = trouble

    def _follow(self) -> list[str]:
        context = self._context
        with context.store.exclusively(FOLDER):
            if not settle(context):
                return []
            now, champion = readable(context.store, POINTER), context.registry.aliases().get(CHAMPION)
            if now is None:
                newest = Week.from_id(context.journal.weeks("score")[-1])
                served = export_week(context, context.answering_version(), newest)
                return [f"the pointer was gone or spoilt: version {served.version} answers"]
            week = now.week if self._stays_in_week else context.journal.weeks("score")[-1]
            stage = read_stage(context)
            is_on_trial = stage is not None and stage.plan.challenger == champion
            if champion not in (None, now.version) and not is_on_trial:
                require_let_in(context.registry.gate_record(champion), champion)
                for trial in (PLAN, CHALLENGER):  # which was about the champion before
                    context.store.remove(trial)
                if not context.settings.canary:
                    export_week(context, champion, Week.from_id(week))
                    return [f"version {champion} answers after version {now.version}"]
            elif week != now.week or context.store.mark(snapshot_path(Week.from_id(week))) is None:
                export_week(context, now.version, Week.from_id(week))
                return [f"departures of the week of {week} are answered"]
            else:
                return []
        begin(context, CANARY, champion, 0.0, log_end(context.settings.home))
        return [f"version {champion} is a canary beside version {now.version}"]

    def _look_after_rollout(self) -> list[str]:
        stage = read_stage(self._context)
        if stage is None:
            self._watched = None
            return []
        if not self._read_on(stage.begins_at):
            return []
        decision = look(stage, list(self._watched.records))[1]
        if decision.action == WAIT:
            return []
        if not carry_out(self._context, stage, decision, log_end(self._context.settings.home)):
            return []
        return [f"{stage.plan.mode} of version {stage.plan.challenger}: {decision.action}, {decision.reason}"]

    def _read_on(self, begins_at: tuple[str, int]) -> bool:
        """Read what was logged since the last look at the stage that begins there; whether there is any."""
        if self._watched is None or self._watched.begins_at != begins_at:
            self._watched = _Watched(begins_at, begins_at, deque(maxlen=MOST_RECORDS))
        watched = self._watched
        more, watched.goes_on_at = read_from(self._context.settings.home, watched.goes_on_at)
        watched.records.extend(map(_slim, more))
        return bool(more)

    def _load(self) -> list[str]:
        self.is_behind = False
        if self._engine is None:
            self._engine = open_predictions(self._context.settings.home, self._context.settings.predictions_url)
        self.is_behind = load_log(self._context.store, self._engine, most_pages=1) > 0
        return []

    def _expose(self) -> list[str]:
        """Write the metrics of the flows anew when a flow, a rollback or another command left something to say."""
        now = marks(self._context)
        if now != self._exposed:
            expose(self._context)
            self._exposed = now
        return []


def _slim(record: dict) -> dict:
    """A record without what a rollout does not look at: its features are two thirds of it."""
    return {name: value for name, value in record.items() if name not in ("x", "flights")}


def run(agent: Agent, is_over: Callable[[float], bool], every_seconds: float, tell: Callable[[str], None]) -> None:
    """Step until `is_over`, which waits so long, says so; without waiting while there is more to be loaded."""
    while not is_over(0 if agent.is_behind else every_seconds):
        for sentence in agent.step():
            tell(sentence)
