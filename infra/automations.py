"""What Prefect does by itself: which event starts which flow, and how a killed flow run is found. Decides nothing.

Events and automations need a Prefect server that stays: `prefect server start`, named by PREFECT_API_URL.
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from prefect.automations import Automation, EventTrigger, Posture
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.events import emit_event
from prefect.events.actions import ChangeFlowRunState, RunDeployment
from prefect.events.worker import EventsWorker
from prefect.settings import get_current_settings

RETRAIN_EVENT = "preflight.decision.retrain"
RETRAIN_AUTOMATION, ZOMBIE_AUTOMATION = "preflight: retrain when decided", "preflight: mark killed flow runs"
MODEL = "preflight.model."
HEARTBEAT_SECONDS = 30
"""The shortest that Prefect takes, and what `infra/environment.py` asks every command of ours to beat with."""
MISSED_HEARTBEATS = 3
"""One may be late on a busy machine, and two; a flow that beats on is never marked."""
NEVER_BEGAN_AUTOMATION = "preflight: mark flow runs that never began"
BEGIN_SECONDS = 900
"""From Pending to Running: the start of a process that imports the tools, two minutes on a machine that is busy."""
ENDED = ("Completed", "Failed", "Cancelled", "Crashed")


@dataclass(frozen=True)
class Applied:
    """An automation by name, and what applying it did: created, updated or kept."""

    name: str
    done: str


def emit(event: str, model: str, payload: dict[str, str]) -> str:
    """Tell Prefect what happened to a model, delivered when this returns; the event's id."""
    sent = emit_event(event, resource={"prefect.resource.id": f"{MODEL}{model}"}, payload=payload)
    EventsWorker.instance().drain()
    return str(sent.id)


def apply_automations(training: UUID) -> list[Applied]:
    """Make the server have the automations as they are here, each once by name; done again it changes nothing.

    `training` is the deployment that an event which says retrain runs.
    """
    return [
        _apply(retrain_when_decided(training)),
        _apply(mark_killed_runs(get_current_settings().flows.heartbeat_frequency)),
        _apply(mark_runs_that_never_began()),
    ]


def retrain_when_decided(deployment: UUID) -> Automation:
    """An event that says retrain runs the deployment, with the week and the incident that the event names."""
    return Automation(
        name=RETRAIN_AUTOMATION,
        trigger=EventTrigger(
            expect={RETRAIN_EVENT},
            match={"prefect.resource.id": f"{MODEL}*"},
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
        ),
        actions=[
            RunDeployment(
                source="selected",
                deployment_id=deployment,
                parameters={name: f"{{{{ event.payload.{name} }}}}" for name in ("week", "incident")},
            )
        ],
    )


def mark_killed_runs(heartbeat_seconds: int | None) -> Automation:
    """A run that began, has not ended, and misses three heartbeats was killed with its process: Crashed.

    Source: Prefect's documentation, "How to detect and respond to zombie flows", which waits for a first heartbeat:
    a run that is killed in its first seconds has sent none, and would say Running for good.
    """
    window = zombie_window_seconds(heartbeat_seconds)
    began, beats = "prefect.flow-run.Running", "prefect.flow-run.heartbeat"
    return Automation(
        name=ZOMBIE_AUTOMATION,
        trigger=EventTrigger(
            after={began, beats},
            expect={beats, *(f"prefect.flow-run.{state}" for state in ENDED)},
            match={"prefect.resource.id": ["prefect.flow-run.*"]},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=window),
        ),
        actions=[
            ChangeFlowRunState(state=StateType.CRASHED, message=f"no heartbeat for {window} s: its process was killed")
        ],
    )


def mark_runs_that_never_began() -> Automation:
    """A run that a worker took, and that has not begun a quarter of an hour later, was killed on the way: Crashed.

    It has no heartbeat yet, says Pending for good, and would hold its place in a queue with a limit.
    """
    pending, watched = "prefect.flow-run.Pending", "prefect.flow-run."
    return Automation(
        name=NEVER_BEGAN_AUTOMATION,
        trigger=EventTrigger(
            after={pending},
            expect={f"{watched}Running", f"{watched}AwaitingConcurrencySlot", *(f"{watched}{one}" for one in ENDED)},
            match={"prefect.resource.id": ["prefect.flow-run.*"]},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=BEGIN_SECONDS),
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED, message=f"did not begin within {BEGIN_SECONDS} s: its process was killed"
            )
        ],
    )


def zombie_window_seconds(heartbeat_seconds: int | None) -> int:
    """Seconds without a heartbeat after which a run counts as killed: those of three, none shorter than Prefect's.

    >>> [zombie_window_seconds(seconds) for seconds in (None, 30, 180)]
    [90, 90, 540]
    """
    return MISSED_HEARTBEATS * max(math.ceil(heartbeat_seconds or 0), HEARTBEAT_SECONDS)


def _apply(wanted: Automation) -> Applied:
    with get_client(sync_client=True) as client:
        found = client.read_automations_by_name(wanted.name)
        for doubled in found[1:]:
            client.delete_automation(doubled.id)
    if not found:
        wanted.create()
        return Applied(wanted.name, "created")
    same = ("trigger", "actions", "enabled")
    if all(_plain(getattr(found[0], name)) == _plain(getattr(wanted, name)) for name in same):
        return Applied(wanted.name, "kept")
    wanted.id = found[0].id
    wanted.update()
    return Applied(wanted.name, "updated")


def _plain(value: object) -> object:
    """A trigger or action as values that compare, sets as sets, without the ids that the server gives."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.model_dump(exclude={"id"}) if hasattr(value, "model_dump") else value
