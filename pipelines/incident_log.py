"""The incidents of a life, told from its event log and ledger, and kept beside them as one document each.

The event log is what happened; a document says it again for people and other tools, so it may be lost, written twice
or be cut off by a kill: the next call writes the same.
"""

from infra.errors import UsageError
from monitoring.alarms import WITH_LABELS
from monitoring.decision import RETRAIN, ROLL_BACK, Policy, Signals, what_counts
from monitoring.incidents import DecidedWeek, Incident, Outcome, tell_incidents
from monitoring.persistence import Standing
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.version_before import switched_back

FOLDER = "incidents"


class UnknownIncident(UsageError):  # noqa: N818
    """An incident is asked for that never was."""


def incidents_of(context: Context) -> list[Incident]:
    """Every incident of the weeks decided so far, oldest first: equal for equal lives."""
    return tell_incidents(_decided(context, event) for event in context.journal.events("decide"))


def incident_of(context: Context, name: str) -> Incident:
    """One incident by its id. Raises UnknownIncident naming the newest there are."""
    incidents = {incident.id: incident for incident in incidents_of(context)}
    if name not in incidents:
        known = ", ".join(list(incidents)[-3:]) or "none at all"
        raise UnknownIncident(f"there was no incident {name!r}; the newest are {known}; run: preflight incidents")
    return incidents[name]


def keep_incidents(context: Context) -> list[Incident]:
    """Write the documents that are missing or behind; returns all incidents. The caller holds the home folder."""
    incidents = incidents_of(context)
    for incident in incidents:
        name, document = f"{FOLDER}/{incident.id}.json", incident.as_dict()
        if context.store.read_json(name) != document:
            context.store.write_json(name, document)
    return incidents


def _decided(context: Context, event: dict) -> DecidedWeek:
    signals = signals_of(event)
    policy = Policy()
    return DecidedWeek(
        week=event["week"],
        moment=Week.from_id(event["week"]).end.isoformat(),
        counting=tuple(what_counts(signals, policy)),
        action=event["action"],
        reason=event["reason"],
        outcome=_outcome(context, event),
        unknown=WITH_LABELS if signals.label_coverage < policy.lowest_coverage else frozenset(),
    )


def signals_of(event: dict) -> Signals:
    """The signals as they were recorded; those of homes that were lived before there were alarms have none."""
    known = event["signals"]
    return Signals(**{**known, "alarms": tuple(Standing(**alarm) for alarm in known.get("alarms", ()))})


def _outcome(context: Context, event: dict) -> Outcome | None:
    if event["action"] == RETRAIN:
        verdict = context.journal.read(event["week"], "promote")
        if verdict is None:
            return None
        if verdict["promoted"]:
            return Outcome(True, f"version {verdict['champion']} was promoted: {verdict['reason']}")
        return Outcome(False, f"version {verdict['judged']} was refused: {verdict['reason']}")
    if event["action"] == ROLL_BACK:
        back = switched_back(context, event["week"])
        return Outcome(True, f"version {back['to']} answers again") if back else None
    return None
