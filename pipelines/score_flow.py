"""Scores every flight of a week once, with the version that is champion then."""

import logging

import polars as pl
from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from data_checks import schema as s
from infra.orchestrator import RETRIED, tag_run
from infra.settings import Settings
from infra.stopwatch import part
from infra.storage import content_hash
from monitoring.labels import IS_LATE, known_labels
from pipelines.clock import Week
from pipelines.context import Context, open_context
from pipelines.features_flow import week_features
from pipelines.scoring import NoChampion, refuse_future_champion, score_flights, score_yardsticks

logger = logging.getLogger(__name__)


@flow(name="score", flow_run_name="score-{period}", on_running=[tag_run("model")])
def score(period: str, settings: Settings | None = None) -> list[dict]:
    """Predict every flight of a week or month that has no prediction yet; asking again changes nothing."""
    context = open_context(settings)
    events = [score_week(context, week) for week in context.scored_weeks(period)]
    create_table_artifact(key="scored", table=events, description=f"Predictions of {period}")
    return events


def score_week(context: Context, week: Week) -> dict:
    """Features, predictions and yardsticks of one week, and the record of them."""
    before = context.journal.read(week.id, "score")
    if before:
        return before
    features = week_features(context, week)
    predictions = predict_week(context, week, features)
    with part("data"):
        facts = {
            "flights": predictions.height,
            "version": predictions["version"][0],
            "mean_probability": float(predictions["probability"].mean()),
            "predictions_hash": content_hash(predictions),
            "features_hash": content_hash(features),
        }
    logger.info("scored %d flights of week %s with version %d", facts["flights"], week.id, facts["version"])
    return context.journal.record(week.id, "score", facts)


@task(name="predict", task_run_name="predict-{week.id}", cache_policy=NO_CACHE, **RETRIED)
def predict_week(context: Context, week: Week, features: pl.DataFrame) -> pl.DataFrame:
    """The champion's probabilities of a week, written before anybody learns of them; made once, then read."""
    if context.store.has_table("predictions", week.id):
        return context.store.read_table("predictions", week.id)
    champion = context.champion()
    if champion is None:
        raise NoChampion(f"no version is champion yet; run: preflight train --as-of {week.id}")
    with part("MLflow"):
        refuse_future_champion(context.registry.version_tags(champion), champion, week)
        scorer = context.registry.scorer(champion)
        frozen_version = first_champion(context)
        frozen = context.registry.scorer(frozen_version)
    with part("model"):
        predictions = score_flights(scorer, champion, features)
        yardsticks = score_yardsticks(frozen, base_rate(context, week), features)
    with part("data"):
        context.store.write_table("yardsticks", week.id, yardsticks)
        context.store.write_table("predictions", week.id, predictions)
    return predictions


def first_champion(context: Context) -> int:
    """The version that was promoted first: frozen, it is the yardstick of what retraining is worth."""
    return context.promoted_versions()[0]


def base_rate(context: Context, week: Week) -> float:
    """The late share among all labels known when the week began."""
    outcomes = context.accepted(s.OUTCOMES, week)
    return float(known_labels(outcomes, week.start)[IS_LATE].mean())
