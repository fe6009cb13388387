"""`automations`, `worker` and `end-week`: the loop through a Prefect server that stays."""

import os

from infra.errors import UsageError
from infra.settings import Settings
from pipelines.clock import PeriodError, parse_day
from pipelines.context import open_context
from preflight import show
from preflight.log import catch_up
from preflight.session import DRIFT, REGISTRY, SUITES, working


def apply(settings: Settings, as_json: bool) -> None:
    """The automations, made to be there."""
    _require_server(settings)
    applied = _apply()
    if not as_json:
        columns = {"automation": "left", "": "left"}
        show.table("Automations", columns, [(one.name, one.done) for one in applied])
    changed = sum(one.done != "kept" for one in applied)
    show.finish(
        f"{len(applied)} automations are there, {changed} new or changed",
        {"automations": {one.name: one.done for one in applied}},
        as_json,
    )


def worker(settings: Settings) -> None:
    """Serve the deployment that the automations run."""
    _require_server(settings)
    os.environ["PREFLIGHT_HOME"] = str(settings.home)  # a flow run is a process of its own, and has no --home
    applied = _apply()
    from infra.automations import serve_flows
    from pipelines.loop_flow import retrain_for_incident

    show.tell(f"{len(applied)} automations are there; trainings are done in {settings.home}; Ctrl-C ends it")
    serve_flows(retrain_for_incident)


def end_week(settings: Settings, day: str, as_json: bool) -> None:
    """One week up to its decision, told to Prefect."""
    _require_server(settings)
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


def _apply() -> list:
    from infra.automations import apply_automations
    from pipelines.loop_flow import retrain_for_incident

    return apply_automations(retrain_for_incident)


def _require_server(settings: Settings) -> None:
    """Raise UsageError without a server that stays: one of our own would end with the command, automations with it."""
    if "PREFECT_API_URL" not in os.environ:
        raise UsageError(
            "events and automations need a Prefect server that stays; run: prefect server start, "
            "and set PREFECT_API_URL to http://127.0.0.1:4200/api"
        )
    open_context(settings).store.make_folder("prefect")  # Prefect warns at import when it is missing
