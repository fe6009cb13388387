"""`loop-demo`: an aged champion is replaced with no hand on it, step by step with the seconds since the event."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from infra.settings import Settings
from monitoring.decision import RETRAIN
from monitoring.incidents import RESOLVED
from preflight import show
from preflight.loop_stage import LAST_WEEK, LoopBroken, Stage, set_stage
from services.client import NothingAnswers, ask_model

STEP_SECONDS = 600
"""How long the loop may take from the end of the week to its own: four people on two processors took 190 s."""
ZOMBIE_SECONDS = 180
"""Three missed heartbeats of 30 s, and as long again for a busy server to notice."""
FLOW, TRAINING_TASK = "retrain-for-incident", "fit-and-register"

STEPS = (
    "week decided",
    "event",
    "flow run asked for",
    "flow run began",
    "gate said yes",
    "champion moved",
    "service answers with it",
    "incident resolved",
    "flow run ended",
)
"""What has to come after a week has ended, in this order but for the service, which looks every second."""


@dataclass
class Round:
    """One time through: when each step came, on the machine's clock, and what was seen."""

    since: datetime
    came: dict[str, datetime] = field(default_factory=dict)
    incident: str = ""
    version: int = 0
    trainings: int = 0
    runs: int = 0

    def seconds(self, step: str) -> float:
        """Seconds from the event to a step, below 0 before it."""
        return (self.came[step] - self.came["event"]).total_seconds()


def loop_demo(settings: Settings, times: int, kill: bool, as_json: bool) -> None:
    """The loop so many times in a row, and once with a killed training. Raises LoopBroken."""
    tell = (lambda line: None) if as_json else _tell_with_time
    with tempfile.TemporaryDirectory(prefix="preflight-loop-") as scratch, set_stage(Path(scratch), tell) as stage:
        from infra.flow_runs import talking_to

        with talking_to(stage.server_url):
            with stage.working():
                rounds = [_play(stage, number, tell) for number in range(1, times + 1)]
                found = _kill_a_training(stage, tell) if kill else None
            made_up = _make_up(stage, tell) if kill else None
    if not as_json:
        _print(rounds)
    slowest = max(one.seconds("service answers with it") for one in rounds)
    outcome = (
        f"loop closed {times} of {times} times: from the event to the new version's answers at most {slowest:.1f} s, "
        f"{sum(one.runs for one in rounds)} flow runs, {sum(one.trainings for one in rounds)} trainings"
    )
    if kill:
        outcome += f"; a killed training was marked after {found:.0f} s and made up for in {made_up:.0f} s"
    document = {"rounds": [_as_dict(one) for one in rounds], "marked_seconds": found, "made_up_seconds": made_up}
    show.finish(outcome, document, as_json)


def _play(stage: Stage, number: int, tell: Callable[[str], None]) -> Round:
    """Service, week, event, automation, training, gate, promotion, service; then the same event once more."""
    stage.restore()
    with stage.serving() as address:
        before = ask_model(address)["model_version"]
        tell(f"{number}: version {before} answers at {address}; the week of {LAST_WEEK.id} ends")
        one = Round(datetime.now(UTC))
        decided = _end_week(stage, one, tell)
        _follow(stage, address, before, one, tell)
        _tell_twice(stage, decided, one, tell)
    return one


def _end_week(stage: Stage, one: Round, tell: Callable[[str], None]) -> dict:
    decided = stage.end_week()
    if decided["action"] != RETRAIN:
        raise LoopBroken(f"expected the week to ask for a training, its decision says {decided['action']}")
    asked = decided["events"][-1]
    one.incident = asked["payload"]["incident"]
    return asked


def _follow(stage: Stage, address: str, before: int, one: Round, tell: Callable[[str], None]) -> None:
    """Look until every step came. Raises LoopBroken naming those that did not."""
    deadline = time.monotonic() + STEP_SECONDS
    while len(one.came) < len(STEPS):
        new = _look(stage, address, before, one)
        one.came.update(new)
        for step in (step for step in STEPS if step in new and "event" in one.came):
            tell(f"   {one.came[step]:%H:%M:%S}  {one.seconds(step):+7.1f} s  {step}")
        if time.monotonic() > deadline:
            missing = ", ".join(step for step in STEPS if step not in one.came)
            raise LoopBroken(f"did not come within {STEP_SECONDS} s: {missing}; see {stage.folder / 'logs'}")
        time.sleep(0.1)


def _look(stage: Stage, address: str, before: int, one: Round) -> dict[str, datetime]:
    """The steps that came since the last look, with their moments."""
    from infra.automations import RETRAIN_EVENT
    from infra.flow_runs import events_of, runs_of

    found: dict[str, datetime | None] = {
        "week decided": _written(stage, f"journal/{LAST_WEEK.id}-4-decide.json"),
        "gate said yes": _written(stage, f"journal/{LAST_WEEK.id}-7-gate.json"),
        "champion moved": _written(stage, f"journal/{LAST_WEEK.id}-8-promote.json"),
    }
    kept = f"incidents/{one.incident}.json"
    if ((stage.context.store.read_json(kept) or {}).get("steps") or [{}])[-1].get("action") == RESOLVED:
        found["incident resolved"] = _written(stage, kept)
    if "event" not in one.came:
        found["event"] = next(iter(events_of(RETRAIN_EVENT, one.since)), None)
    runs = runs_of(FLOW, one.since)
    if runs:
        found |= {"flow run asked for": runs[0].asked_for, "flow run began": runs[0].started}
        found["flow run ended"] = runs[0].ended
        if runs[0].state in ("Failed", "Crashed"):
            raise LoopBroken(f"the flow run {runs[0].name} {runs[0].state.lower()}: {runs[0].message}")
    version = _answering(address)
    if version not in (None, before):
        one.version, found["service answers with it"] = version, datetime.now(UTC)
    return {step: moment for step, moment in found.items() if moment and step not in one.came}


def _tell_twice(stage: Stage, asked: dict, one: Round, tell: Callable[[str], None]) -> None:
    """Send the event again, and require that the second flow run trains nothing. Raises LoopBroken."""
    from infra.automations import emit
    from infra.bundle import MODEL_NAME
    from infra.flow_runs import runs_of, tasks_of

    emit(asked["event"], MODEL_NAME, asked["payload"])
    deadline = time.monotonic() + STEP_SECONDS
    while len(ended := [run for run in runs_of(FLOW, one.since) if run.state == "Completed"]) < 2:
        if time.monotonic() > deadline:
            raise LoopBroken(f"the second event was not answered within {STEP_SECONDS} s")
        time.sleep(0.3)
    one.runs, one.trainings = len(ended), tasks_of(ended, TRAINING_TASK)
    if one.trainings != 1:
        raise LoopBroken(f"expected one training for {one.incident}, told twice; there were {one.trainings}")
    tell(f"   {datetime.now(UTC):%H:%M:%S}  told again: a second flow run, {one.trainings} training in all")


def _kill_a_training(stage: Stage, tell: Callable[[str], None]) -> float:
    """Kill worker and flow run in mid-training; seconds until the automation has marked the run."""
    from infra.flow_runs import runs_of

    stage.restore()
    since = datetime.now(UTC)
    stage.end_week()
    _until(lambda: [run for run in runs_of(FLOW, since) if run.state == "Running"], "a running training")
    killed = stage.kill_worker()
    start = time.monotonic()
    tell(f"killed the worker and its training, {killed} processes; the server still says Running")
    _until(lambda: runs_of(FLOW, since)[0].state == "Crashed", "the automation to mark the run", ZOMBIE_SECONDS)
    run = runs_of(FLOW, since)[0]
    tell(f"{run.name} is marked {run.state}: {run.message}")
    return time.monotonic() - start


def _make_up(stage: Stage, tell: Callable[[str], None]) -> float:
    """A new worker, the week told once more: seconds until the training that was killed has come to its verdict."""
    with stage.working():
        start = time.monotonic()
        stage.end_week()
        _until(lambda: stage.context.journal.read(LAST_WEEK.id, "promote"), "the training to be made up for")
        tell(f"the week told again: {stage.context.journal.read(LAST_WEEK.id, 'promote')['reason']}")
        return time.monotonic() - start


def _until(is_so: Callable[[], object], what: str, seconds: float = STEP_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise LoopBroken(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.2)


def _written(stage: Stage, name: str) -> datetime | None:
    mark = stage.context.store.mark(name)
    return datetime.fromtimestamp(mark[1] / 1e9, UTC) if mark else None


def _answering(address: str) -> int | None:
    try:
        return ask_model(address)["model_version"]
    except NothingAnswers:
        return None


def _tell_with_time(line: str) -> None:
    show.tell(f"{datetime.now(UTC):%H:%M:%S}  {line}" if not line.startswith(" ") else line)


def _print(rounds: list[Round]) -> None:
    columns = {"step": "left", **{f"{number}": "right" for number in range(1, len(rounds) + 1)}}
    rows = [(step, *(f"{one.seconds(step):.1f}" for one in rounds)) for step in STEPS]
    show.table("Seconds since the event, by time", columns, rows)


def _as_dict(one: Round) -> dict:
    return {
        "incident": one.incident,
        "version": one.version,
        "flow_runs": one.runs,
        "trainings": one.trainings,
        "seconds": {step: round(one.seconds(step), 2) for step in STEPS},
    }
