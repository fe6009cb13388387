"""`incidents`: the trouble of a life, from its event log. Only reads."""

from infra.settings import Settings
from monitoring.incidents import Incident
from pipelines.context import open_context
from pipelines.incident_log import incident_of, incidents_of
from preflight import show


def list_incidents(settings: Settings, only_open: bool, as_json: bool) -> None:
    """A row per incident, oldest first."""
    incidents = incidents_of(open_context(settings))
    going_on = [incident for incident in incidents if incident.is_open]
    chosen = going_on if only_open else incidents
    if chosen and not as_json:
        columns = dict.fromkeys(("incident", "opened", "last step", "on", "because"), "left")
        show.table("Incidents", columns, [_row(incident) for incident in chosen])
    outcome = f"{len(incidents)} incidents so far, {len(going_on)} open"
    show.finish(outcome, {"incidents": [incident.as_dict() for incident in chosen]}, as_json)


def show_incident(settings: Settings, name: str, as_json: bool) -> None:
    """One incident, a row per step. Raises UnknownIncident."""
    incident = incident_of(open_context(settings), name)
    if not as_json:
        columns = dict.fromkeys(("moment", "step", "because"), "left")
        rows = [(step.moment[:16], _plain(step.action), step.reason) for step in incident.steps]
        show.table(f"{incident.detector} of {incident.subject}", columns, rows)
    state = "is open" if incident.is_open else "is over"
    show.finish(f"{incident.id} {state} since {incident.steps[-1].moment[:10]}", incident.as_dict(), as_json)


def _row(incident: Incident) -> tuple:
    first, last = incident.steps[0], incident.steps[-1]
    return (incident.id, first.moment[:10], _plain(last.action), last.moment[:10], last.reason)


def _plain(action: str) -> str:
    return action.replace("_", " ")
