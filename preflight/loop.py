"""`deploy`, `automations`, `worker` and `end-week`: the loop through a Prefect server that stays."""

from collections.abc import Iterator
from contextlib import contextmanager

from infra.errors import UsageError
from infra.settings import Settings
from pipelines.clock import PeriodError, parse_day
from pipelines.context import open_context
from preflight import show
from preflight.log import catch_up
from preflight.session import DRIFT, REGISTRY, SUITES, working

TRAINING = "retrain-for-incident/retrain-for-incident"
"""The deployment that an event which says retrain runs."""


def deploy(settings: Settings, as_json: bool) -> None:
    """Pool, queues, deployments and automations, made to be there."""
    with _server(settings):
        deployed, applied = _register()
    if not as_json:
        rows = [(one.name, one.done) for one in deployed]
        show.table("Deployments", {"deployment": "left", "": "left"}, rows)
        show.table("Automations", {"automation": "left", "": "left"}, [(one.name, one.done) for one in applied])
    new = sum(one.done != "kept" for one in [*deployed, *applied])
    show.finish(
        f"{len(deployed)} deployments and {len(applied)} automations are there, {new} of them new or changed",
        {
            "deployments": {one.name: one.done for one in deployed},
            "automations": {one.name: one.done for one in applied},
        },
        as_json,
    )


def worker(settings: Settings, port: int | None) -> None:
    """Run what is asked of the deployments; ends with Prefect's worker, which this process becomes."""
    with _server(settings) as url:
        deployed, applied = _register()
    from infra.deployments import POOL, become_worker

    show.tell(
        f"{len(deployed)} deployments of pool {POOL} and {len(applied)} automations are there; "
        f"trainings are done in {settings.home}; Ctrl-C ends it"
    )
    become_worker(url, settings.home, settings.source, port)


def end_week(settings: Settings, day: str, as_json: bool) -> None:
    """One week up to its decision, told to Prefect."""
    with _server(settings):
        context = open_context(settings)
        if len(context.scored_weeks(parse_day(day).isoformat())) != 1:
            raise PeriodError(f"expected a day of one week, got {day}")
        context.check_source()
        catch_up(settings)
        with working(settings, "pipelines.loop_flow", REGISTRY, SUITES, DRIFT) as flow:
            told = flow.end_week(day, settings)
    if not as_json:
        for one in told["events"]:
            show.tell(f"told Prefect {one['event']}: {one['payload']['incident']}, {one['payload']['reason']}")
    show.finish(f"{told['action']} after week {told['week']}: {told['reason']}", told, as_json)


@contextmanager
def _server(settings: Settings) -> Iterator[str]:
    """Talk to the server that stays; its address. Raises UsageError without one.

    One of our own would end with the command, and deployments and automations with it.
    """
    from infra.orchestrator import server_of

    url = server_of(settings.home)
    if url is None:
        raise UsageError(
            "deployments, events and automations need a Prefect server that stays; run: preflight up, "
            "or: prefect server start, and set PREFECT_API_URL to http://127.0.0.1:4200/api"
        )
    open_context(settings).store.make_folder("prefect")  # Prefect warns at import when it is missing
    from infra.flow_runs import talking_to

    with talking_to(url):
        yield url


def _register() -> tuple[list, list]:
    from infra.automations import apply_automations
    from infra.deployments import NotDeployed, register

    deployed = register()
    training = next((one.id for one in deployed if one.name == TRAINING), None)
    if training is None:
        raise NotDeployed(f"prefect.yaml has no deployment {TRAINING}, which the automations run")
    return deployed, apply_automations(training)
