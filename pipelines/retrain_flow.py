"""Decides about a week that has been measured, and trains a challenger when the decision says so."""

import logging
from dataclasses import asdict, replace

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from infra.errors import PreflightError
from infra.orchestrator import tag_run
from infra.settings import Settings
from infra.stopwatch import part
from monitoring.alarms import Alarm
from monitoring.decision import (
    ASKS_FOR,
    EXPANDING,
    RETRAIN,
    ROLL_BACK,
    Policy,
    Signals,
    counting,
    decide_action,
    degradation,
)
from monitoring.persistence import standing_alarms
from monitoring.quality import Quality
from pipelines.clock import Week
from pipelines.context import Context, open_context
from pipelines.incident_log import keep_incidents
from pipelines.train_flow import train_challenger
from pipelines.version_before import gain_of_version_before, go_back

logger = logging.getLogger(__name__)

QUARTER_WEEKS = 13


class NotMeasured(PreflightError, LookupError):  # noqa: N818
    """A week is to be decided about before it was measured."""


@flow(name="retrain", flow_run_name="retrain-{period}", on_running=[tag_run("monitoring")])
def retrain(period: str, settings: Settings | None = None) -> list[dict]:
    """Decide about each scored week of a week or month; returns the decisions, each with its reason."""
    context = open_context(settings)
    return [retrain_week(context, week) for week in context.scored_weeks(period)]


def retrain_week(context: Context, week: Week) -> dict:
    """Decide about one week, and do what was decided; returns the decision."""
    decision = decide_week(context, week)
    carry_out(context, week, decision)
    return decision


def carry_out(context: Context, week: Week, decision: dict) -> None:
    """Do what was decided about a week, and tell the incidents; done again it changes nothing."""
    if decision["action"] == RETRAIN:
        train_challenger(context, week, decision["window"])
    if decision["action"] == ROLL_BACK:
        go_back(context, week, decision["reason"])
    keep_incidents(context)


@task(name="decide", task_run_name="decide-{week.id}", cache_policy=NO_CACHE)
def decide_week(context: Context, week: Week) -> dict:
    """Read the week's measurements and the history of trainings, decide, and record the decision."""
    before = context.journal.read(week.id, "decide")
    if before:
        return before
    with part("monitoring"):
        settings = context.settings
        policy = Policy(
            retrain_every_weeks=settings.retrain_every_weeks,
            rest_after_refusal_weeks=settings.rest_after_refusal_weeks,
            cooldown_weeks=settings.retrain_cooldown_weeks,
            least_gain=settings.gate_least_gain,
        )
        signals = _with_version_before(context, week, _signals(context, week), policy)
        decision = decide_action(signals, policy)
    event = context.journal.record(week.id, "decide", {**asdict(decision), "signals": asdict(signals)})
    create_markdown_artifact(
        key=f"decision-{week.id}", markdown=f"**{decision.action}**: {decision.reason}", description=f"week {week.id}"
    )
    logger.info("%s after week %s: %s", decision.action, week.id, decision.reason)
    return event


def _signals(context: Context, week: Week) -> Signals:
    measured = context.journal.read(week.id, "monitor")
    if measured is None:
        raise NotMeasured(f"week {week.id} has not been measured; run: preflight monitor {week.id}")
    gates = [event for event in context.journal.events("gate") if event["week"] < week.id]
    promise, recent = _promise(context, gates, measured["version"]), measured["recent_quality"]
    return Signals(
        label_coverage=measured["label_coverage"],
        weeks_since_training=(week.monday - Week.from_id(gates[-1]["week"]).monday).days // 7,
        was_refused=not gates[-1]["promote"],
        refused_in_a_row=_refused_in_a_row(gates),
        skill=recent.get("skill", promise.skill),  # without any label nothing is lost that anybody knows of
        expected_skill=promise.skill,
        calibration_gap=recent.get("calibration_gap", 0.0),
        share_drifted=measured["share_drifted"],
        alarms=standing_alarms(_alarms_by_week(context, week, measured["version"])),
        trainings_this_quarter=sum(event["week"] > week.plus(-QUARTER_WEEKS).id for event in gates),
    )


def _alarms_by_week(context: Context, week: Week, champion: int) -> list[list[Alarm]]:
    """The alarms of the last quarter, week by week; what a version lost that is gone is no row of its successor's."""
    measured = [event for event in context.journal.events("monitor") if event["week"] <= week.id]
    return [
        [
            Alarm(**alarm)
            for alarm in event.get("alarms", ())
            if event["version"] == champion or ASKS_FOR[alarm["detector"]] != RETRAIN
        ]
        for event in measured[-QUARTER_WEEKS:]
    ]


def _with_version_before(context: Context, week: Week, signals: Signals, policy: Policy) -> Signals:
    """The signals with what going back would gain, which is only looked at when something is lost."""
    if not degradation(signals, policy) and not counting(signals, policy, RETRAIN):
        return signals
    return replace(signals, gain_of_version_before=gain_of_version_before(context, week))


def _promise(context: Context, gates: list[dict], champion: int) -> Quality:
    """The quality that the gate saw in the candidate whose recipe the champion is fitted by."""
    judged = next(event["judged"] for event in context.journal.events("promote") if event["champion"] == champion)
    return Quality(**next(event for event in gates if event["version"] == judged)["evidence"]["challenger"])


def _refused_in_a_row(gates: list[dict]) -> int:
    """How many challengers with all of history were refused since the last promotion or the last that forgot."""
    refused = 0
    for event in reversed(gates):
        if event["promote"] or event["window"] != EXPANDING:
            break
        refused += 1
    return refused
