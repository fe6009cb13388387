"""What a Prefect server says of flow runs and events: only reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowFilter, FlowRunFilter, TaskRunFilter
from prefect.client.schemas.sorting import FlowRunSort
from prefect.events.filters import EventFilter, EventNameFilter, EventOccurredFilter
from prefect.settings import PREFECT_API_URL, temporary_settings


@dataclass(frozen=True)
class FlowRun:
    """A run of a flow; moments are the machine's, None where it has not come so far."""

    id: UUID
    name: str
    state: str
    message: str
    asked_for: datetime
    started: datetime | None
    ended: datetime | None


@contextmanager
def talking_to(url: str) -> Iterator[None]:
    """What is read or emitted inside the block is the server's at `url`."""
    with temporary_settings({PREFECT_API_URL: url}):
        yield


def runs_of(flow: str, since: datetime) -> list[FlowRun]:
    """The runs of a flow that were asked for since a moment, oldest first."""
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(
            flow_filter=FlowFilter(name={"any_": [flow]}),
            flow_run_filter=FlowRunFilter(expected_start_time={"after_": since}),
            sort=FlowRunSort.EXPECTED_START_TIME_ASC,
        )
    return [
        FlowRun(run.id, run.name, run.state_name, run.state.message or "", run.created, run.start_time, run.end_time)
        for run in runs
    ]


def tasks_of(runs: list[FlowRun], task: str) -> int:
    """How many runs of a task there were within these flow runs."""
    with get_client(sync_client=True) as client:
        found = client.read_task_runs(
            flow_run_filter=FlowRunFilter(id={"any_": [run.id for run in runs]}),
            task_run_filter=TaskRunFilter(name={"like_": task}),
        )
    return len(found)


def events_of(name: str, since: datetime) -> list[datetime]:
    """When events of this name happened since a moment, oldest first."""
    wanted = EventFilter(occurred=EventOccurredFilter(since=since), event=EventNameFilter(name=[name]))
    with get_client(sync_client=True) as client:
        response = client.request("POST", "/events/filter", json={"filter": wanted.model_dump(mode="json")})
    response.raise_for_status()
    return sorted(datetime.fromisoformat(event["occurred"]) for event in response.json()["events"])
