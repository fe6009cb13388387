"""The work pool, its queues and the deployments of `prefect.yaml`, as a Prefect server has them; and the worker."""

import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule
from prefect.deployments import run_deployment
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import MissingFlowError, ObjectNotFound
from prefect.flows import load_flow_from_entrypoint
from prefect.types.entrypoint import EntrypointType
from prefect.workers.process import ProcessWorker

from infra.errors import PreflightError
from infra.network import LOOPBACK

ROOT = Path(__file__).resolve().parents[1]
PREFECT_FILE = ROOT / "prefect.yaml"
POOL, TAG = "preflight", "preflight"
QUEUES = {"default": None, "training": 1}
"""How many runs of a queue may be under way at once; a limit of the pool would stop what does not train as well."""
LOOK_SECONDS = 3
"""How often a worker asks for work; Prefect's own ten seconds would be most of the time from an event to its run."""


class NotDeployed(PreflightError, RuntimeError):  # noqa: N818
    """The deployments could not be registered, or one is missing."""


@dataclass(frozen=True)
class Deployed:
    """A deployment by its full name, and what registering it did: created, updated or kept."""

    name: str
    id: UUID
    done: str


def register() -> list[Deployed]:
    """Make the server have pool, queues and deployments as they are here, each once; done again it changes nothing.

    It does what `prefect deploy --all` does with the same file, in one process, which imports the flows once; and not
    at all when the server has every one of them in this version: the tools take long to be imported.
    """
    with get_client(sync_client=True) as client:
        _require_pool(client)
        there = _there(client)
    entries, version = declared(), version_here()
    if {f"{entry['name']}/{entry['name']}" for entry in entries} == {
        name for name, one in there.items() if one.version == version
    }:
        return [Deployed(name, one.id, "kept") for name, one in sorted(there.items())]
    made: Any = [as_deployment(entry) for entry in entries]  # typed for who awaits; called from here they are done
    return [Deployed(one.full_name, one.apply(), "updated" if one.full_name in there else "created") for one in made]


def version_here() -> str:
    """What the deployments are called a version of: the text of `prefect.yaml` and of every flow."""
    digest = hashlib.sha256()
    for path in (PREFECT_FILE, *sorted((ROOT / "pipelines").glob("*_flow.py"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def declared() -> list[dict]:
    """The deployments of `prefect.yaml`, in its words; each is called as its flow is."""
    return yaml.safe_load(PREFECT_FILE.read_text())["deployments"]


def as_deployment(entry: dict) -> RunnerDeployment:
    """A deployment of `prefect.yaml` as Prefect's client has it. Raises NotDeployed when there is no such flow."""
    try:
        flow: Any = load_flow_from_entrypoint(entry["entrypoint"])
    except (ImportError, AttributeError, MissingFlowError) as error:
        raise NotDeployed(f"prefect.yaml: {entry['name']} names {entry['entrypoint']}, which is no flow") from error
    limit = entry.get("concurrency_limit")
    return flow.to_deployment(
        entry["name"],
        description=entry["description"],
        tags=entry["tags"],
        version=version_here(),
        parameters=entry.get("parameters", {}),
        schedules=[_schedule(one) for one in entry.get("schedules", ())],
        concurrency_limit=ConcurrencyLimitConfig(**limit) if limit else None,
        work_pool_name=entry["work_pool"]["name"],
        work_queue_name=entry["work_pool"]["work_queue_name"],
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


def ask_for(deployment: str, parameters: dict) -> UUID:
    """Ask for a run of a deployment by its full name, with these parameters; the run's id."""
    asked: Any = run_deployment(deployment, parameters=parameters, timeout=0)
    return asked.id


def become_worker(url: str, home: Path, source: Path | None, port: int | None) -> None:
    """Turn this process into Prefect's own worker of the pool; it does not return.

    A run is a process of its own with the worker's environment: it acts in `home`, and takes the code that is here.
    With a `port` the worker says there, at /health, whether it still asks for work.
    """
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    chosen = {
        "PREFECT_API_URL": url,
        "PREFECT_WORKER_QUERY_SECONDS": str(LOOK_SECONDS),
        "PREFECT_WORKER_WEBSERVER_HOST": LOOPBACK,
        "PREFLIGHT_HOME": str(home),
        "PYTHONPATH": path,
    }
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
    if source:
        chosen["PREFLIGHT_SOURCE"] = str(source)
    if port:
        command.append("--with-healthcheck")
        chosen["PREFECT_WORKER_WEBSERVER_PORT"] = str(port)
    os.execve(command[0], command, {**os.environ, **chosen})


def _require_pool(client: SyncPrefectClient) -> None:
    try:
        client.read_work_pool(POOL)
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        client.create_work_pool(WorkPoolCreate(name=POOL, type=ProcessWorker.type, base_job_template=template))
    there = {queue.name: queue for queue in client.read_work_queues(work_pool_name=POOL)}
    for name, limit in QUEUES.items():
        if name not in there:
            client.create_work_queue(name, concurrency_limit=limit, work_pool_name=POOL)
        elif there[name].concurrency_limit != limit:
            client.update_work_queue(there[name].id, concurrency_limit=limit)


def _schedule(entry: dict) -> DeploymentScheduleCreate:
    when = CronSchedule(cron=entry["cron"], timezone=entry["timezone"])
    return DeploymentScheduleCreate(schedule=when, active=entry["active"], slug=entry["slug"])


def _there(client: SyncPrefectClient) -> dict[str, DeploymentResponse]:
    """Our deployments as the server has them, by full name."""
    found = client.read_deployments(deployment_filter=DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG])))
    flows = {identity: client.read_flow(identity).name for identity in {one.flow_id for one in found}}
    return {f"{flows[one.flow_id]}/{one.name}": one for one in found}
