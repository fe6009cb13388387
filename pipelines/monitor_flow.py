"""Measures a week that has ended: how far its inputs drifted, and how good the predictions of late weeks were."""

import logging
import math

import polars as pl
from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from data_checks import schema as s
from infra.orchestrator import tag_run
from infra.settings import Settings
from infra.stopwatch import part
from monitoring.labels import IS_LATE, known_labels, label_coverage
from monitoring.quality import measure_quality
from pipelines.clock import Week, ends_month
from pipelines.context import Context, open_context
from pipelines.feature_catalog import CATEGORICAL, NAMES
from pipelines.features_flow import week_features
from pipelines.scoring import PROBABILITY, VERSION
from pipelines.watching import watch_week

logger = logging.getLogger(__name__)

QUALITY_WEEKS = 4  # a week of 6,500 flights has an AUC that swings by 0.03 from weather alone


@flow(name="monitor", flow_run_name="monitor-{period}", on_running=[tag_run("monitoring")])
def monitor(period: str, settings: Settings | None = None) -> list[dict]:
    """Drift and quality of each scored week of a week or month, as known at its end."""
    context = open_context(settings)
    events = [monitor_week(context, week) for week in context.scored_weeks(period)]
    create_markdown_artifact(
        key="monitored", markdown=_weeks_card(events), description=f"Drift and quality of {period}"
    )
    return events


def monitor_week(context: Context, week: Week) -> dict:
    """The measurements of one week and the record of them."""
    before = context.journal.read(week.id, "monitor")
    if before:
        return before
    facts = {
        **measure_week_quality(context, week),
        **measure_week_drift(context, week),
        **hold_against_normal(context, week),
    }
    quality = facts["quality"]
    logger.info(
        "week %s: AUC %.3f, skill %.3f, %.0f %% of the features drifted, alarms: %s",
        *(week.id, quality.get("roc_auc", math.nan), quality.get("skill", math.nan), 100 * facts["share_drifted"]),
        ", ".join(alarm["detector"] for alarm in facts["alarms"]) or "none",
    )
    return context.journal.record(week.id, "monitor", facts)


@task(name="measure-quality", cache_policy=NO_CACHE)
def measure_week_quality(context: Context, week: Week) -> dict:
    """Quality of the week, and of what the present champion said in the last weeks, on the labels known now."""
    with part("monitoring"):
        latest = context.require("predictions", week, f"preflight score {week.id}")
        weeks = [scored.id for scored in context.scored_weeks() if scored <= week][-QUALITY_WEEKS:]
        outcomes = context.accepted(s.OUTCOMES, week, QUALITY_WEEKS + 1)
        champion = latest[VERSION][0]
        recent = context.store.read_weeks("predictions", weeks).filter(pl.col(VERSION) == champion)
        labels = known_labels(outcomes, week.end)
        return {
            "version": champion,
            "label_coverage": label_coverage(recent, outcomes, week.end),
            "quality": _quality(latest, labels),
            "recent_quality": _quality(recent, labels),
        }


@task(name="measure-drift", cache_policy=NO_CACHE)
def measure_week_drift(context: Context, week: Week) -> dict:
    """Drift of the week's features from those the champion learned from, and Evidently's page where it is kept."""
    with part("imports"):
        from monitoring.drift import measure_drift, save_report
    version = context.store.read_table("predictions", week.id)[VERSION][0]
    reference = context.store.read_table("reference_windows", f"version-{version}")
    current = week_features(context, week).select(NAMES)
    with part("Evidently"):
        drift = measure_drift(reference, current, CATEGORICAL)
        if ends_month(week) or week == context.scored_weeks()[-1]:
            page = context.store.make_folder("report", "evidently") / f"{week.id}.html"
            save_report(reference, current, CATEGORICAL, page)
    return {"share_drifted": drift.share_drifted, "drift": drift.distances}


@task(name="hold-against-normal", cache_policy=NO_CACHE)
def hold_against_normal(context: Context, week: Week) -> dict:
    """The week against the bands of its champion's reference weeks and of the weeks before; alarms with reasons."""
    features = week_features(context, week)
    with part("monitoring"):
        return watch_week(context, week, features)


def _quality(predictions: pl.DataFrame, labels: pl.DataFrame) -> dict[str, float]:
    """The metrics on the flights that have a label; none without a label."""
    joined = predictions.join(labels, on=s.FLIGHT_ID, maintain_order="left")
    if joined.is_empty():
        return {}
    return measure_quality(joined[PROBABILITY].to_numpy(), joined[IS_LATE].cast(pl.Int8).to_numpy()).as_metrics()


def _weeks_card(events: list[dict]) -> str:
    head = "| week | version | AUC | log loss | drifted |\n| --- | --- | --- | --- | --- |"
    rows = "\n".join(
        f"| {event['week']} | {event['version']} | {_figure(event, 'roc_auc')} | {_figure(event, 'log_loss')} "
        f"| {event['share_drifted']:.0%} |"
        for event in events
    )
    return f"{head}\n{rows}\n"


def _figure(event: dict, metric: str) -> str:
    return f"{event['quality'][metric]:.3f}" if metric in event["quality"] else "-"
