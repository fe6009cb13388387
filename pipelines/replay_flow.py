"""Lives through the year: first the weeks the first champion learns from, then week by week to the end.

The other flows' tasks are called here directly, not their flows: each flow inside a flow
costs 0.13 s, and on SQLite its creation collides with the server's task recorder and then
waits 2 s, sometimes 60.
"""

import logging

from prefect import flow
from prefect.artifacts import create_table_artifact

from infra.orchestrator import tag_run
from infra.progress import announce
from infra.settings import Settings
from infra.stopwatch import part
from monitoring.decision import RETRAIN, ROLL_BACK
from pipelines.clock import Week
from pipelines.context import Context, open_context
from pipelines.ingest_flow import land_week, stage_source
from pipelines.monitor_flow import monitor_week
from pipelines.retrain_flow import retrain_week
from pipelines.score_flow import score_week
from pipelines.scoring import NoChampion
from pipelines.train_flow import train_challenger
from pipelines.validate_flow import validate_week
from pipelines.version_before import switched_back

logger = logging.getLogger(__name__)

WEEKLY = {
    "ingest": land_week,
    "validate": validate_week,
    "score": score_week,
    "monitor": monitor_week,
    "retrain": retrain_week,
}
"""What happens at the end of a week, in order: the champion of the week scores before anybody may replace it."""


@flow(name="replay", flow_run_name="replay-until-{until}", on_running=[tag_run("replay")])
def replay(until: str, settings: Settings | None = None) -> dict:
    """Live through every week up to the month or day `until`; a life that was interrupted goes on where it was."""
    context = open_context(settings)
    last = context.weeks(until)[-1]
    with part("Prefect"):
        stage_source(context)
        learn_first_weeks(context)
        for week in context.scored_weeks():
            if week <= last and not is_over(context, week):
                live_week(context, week)
    decisions = [
        {name: event[name] for name in ("week", "action", "reason")} for event in context.journal.events("decide")
    ]
    create_table_artifact(key="decisions", table=decisions, description="What was decided each week, and why")
    return {"weeks": len(decisions), "event_log_sha256": context.journal.digest()}


def learn_first_weeks(context: Context) -> None:
    """Land and validate the weeks before the first scored one, and train the first champion on them."""
    first = context.first_weeks()
    settled = context.journal.read(first[-1].id, "promote")
    if settled and settled["promoted"]:
        return
    for week in first:
        announce(week.id, "ingest")
        land_week(context, week)
        announce(week.id, "validate")
        validate_week(context, week)
    announce(first[-1].id, "train")
    train_challenger(context, first[-1])
    verdict = context.journal.read(first[-1].id, "promote")
    if not verdict["promoted"]:
        raise NoChampion(
            f"the first challenger was refused: {verdict['reason']}; nobody can score: "
            "set PREFLIGHT_HOME to a fresh folder and PREFLIGHT_FIRST_SCORED_WEEK later, or PREFLIGHT_TREES higher"
        )


def live_week(context: Context, week: Week) -> None:
    """Everything that happens when a week ends."""
    for name, step in WEEKLY.items():
        announce(week.id, name)
        step(context, week)


def is_over(context: Context, week: Week) -> bool:
    """Whether the week was decided about, and what was decided was done: trained to its verdict, or gone back."""
    decision = context.journal.read(week.id, "decide")
    if decision is None:
        return False
    if decision["action"] == ROLL_BACK:
        return switched_back(context, week.id) is not None
    return decision["action"] != RETRAIN or context.journal.read(week.id, "promote") is not None
