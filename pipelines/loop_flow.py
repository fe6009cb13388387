"""The loop through Prefect: a week ends and its decision is told as an event; what the event starts does the training.

`replay` does both in one process. Here the two are apart, so that whoever is told may be another process or machine.
"""

import logging

from prefect import flow

from infra.automations import RETRAIN_EVENT, emit
from infra.bundle import MODEL_NAME
from infra.errors import PreflightError
from infra.orchestrator import tag_run
from infra.settings import Settings
from monitoring.decision import RETRAIN
from pipelines.clock import Week
from pipelines.context import Context, open_context
from pipelines.incident_log import incidents_of, keep_incidents
from pipelines.ingest_flow import stage_source
from pipelines.replay_flow import WEEKLY
from pipelines.retrain_flow import carry_out, decide_week

logger = logging.getLogger(__name__)

ROUTINE = "routine"
"""The incident of a training that is due by age: there is none."""
INCIDENT_EVENT = "preflight.incident."
NEXT = "next"
"""In place of a day: the week after the last that was decided about."""
BEFORE_DECIDING = tuple(step for name, step in WEEKLY.items() if name != "retrain")


class NotDecided(PreflightError, RuntimeError):  # noqa: N818
    """A training is asked for that no decision asked for."""


class YearIsOver(PreflightError, LookupError):  # noqa: N818
    """The next week is asked for after the last one."""


@flow(name="end-week", flow_run_name="end-week-{period}", on_running=[tag_run("loop")])
def end_week(period: str, settings: Settings | None = None) -> dict:
    """Live the week of a day up to its decision, and tell Prefect; a training is left to whoever listens.

    Raises YearIsOver when the next week is asked for, and there is none.
    """
    context = open_context(settings)
    (week,) = [next_week(context)] if period == NEXT else context.scored_weeks(period)
    stage_source(context)
    for step in BEFORE_DECIDING:
        step(context, week)
    decision = decide_week(context, week)
    if decision["action"] != RETRAIN:
        carry_out(context, week, decision)
    keep_incidents(context)
    return {**decision, "events": tell_decision(context, week, decision)}


def next_week(context: Context) -> Week:
    """The first scored week that was not decided about yet. Raises YearIsOver."""
    decided = set(context.journal.weeks("decide"))
    left = [week for week in context.scored_weeks() if week.id not in decided]
    if not left:
        raise YearIsOver(f"every week up to {context.settings.last_day} was lived; there is no next one")
    return left[0]


def tell_decision(context: Context, week: Week, decision: dict) -> list[dict]:
    """Emit what happened to each incident this week, and one event that asks for the training; returns them all.

    The training is asked for once a week, however many incidents want it: they share it.
    """
    moment = week.end.isoformat()
    told = [
        {
            "event": f"{INCIDENT_EVENT}{step.action}",
            "payload": {"week": week.id, "incident": incident.id, "reason": step.reason},
        }
        for incident in incidents_of(context)
        for step in incident.steps
        if step.moment == moment
    ]
    if decision["action"] == RETRAIN:
        asking = [one["payload"]["incident"] for one in told if one["event"] == f"{INCIDENT_EVENT}{RETRAIN}"]
        payload = {"week": week.id, "incident": (asking or [ROUTINE])[0], "reason": decision["reason"]}
        told.append({"event": RETRAIN_EVENT, "payload": payload})
    for one in told:
        emit(one["event"], MODEL_NAME, one["payload"])
    return told


@flow(name="retrain-for-incident", flow_run_name="retrain-{incident}-in-{week}", on_running=[tag_run("loop")])
def retrain_for_incident(week: str, incident: str, settings: Settings | None = None) -> dict:
    """The training that a week's decision asked for, once: asked again, what came of it is returned.

    Raises NotDecided when the week's decision did not ask for a training.
    """
    return answer_incident(open_context(settings), Week.from_id(week), incident)


def answer_incident(context: Context, week: Week, incident: str) -> dict:
    """What the flow does."""
    decision = context.journal.read(week.id, "decide")
    if decision is None or decision["action"] != RETRAIN:
        said = decision["action"] if decision else "nothing yet"
        raise NotDecided(
            f"{incident} asks for a training in week {week.id}, whose decision says {said}; "
            f"run: preflight end-week {week.id}"
        )
    before = context.journal.read(week.id, "promote")
    if before is None:
        carry_out(context, week, decision)
    keep_incidents(context)
    verdict = context.journal.read(week.id, "promote")
    logger.info("%s in week %s: %s", incident, week.id, verdict["reason"])
    return {"trained": before is None, "incident": incident, **verdict}
