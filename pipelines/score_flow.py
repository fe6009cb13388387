"""Scores every flight of a week once, with the version that is champion then."""

import logging
from functools import partial

import polars as pl
from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from infra.engine import is_spread, open_engine
from infra.orchestrator import RETRIED, tag_run
from infra.settings import Settings
from infra.stopwatch import part
from infra.storage import content_hash
from pipelines.clock import Week
from pipelines.context import Context, open_context
from pipelines.features_flow import week_features
from pipelines.week_scoring import PREDICTIONS, predict, predict_week_into

logger = logging.getLogger(__name__)


@flow(name="score", flow_run_name="score-{period}", on_running=[tag_run("model")])
def score(period: str, settings: Settings | None = None) -> list[dict]:
    """Predict every flight of a week or month that has no prediction yet; asking again changes nothing."""
    context = open_context(settings)
    weeks = context.scored_weeks(period)
    if is_spread(context.settings) and context.champion() is not None:
        predict_side_by_side(context, weeks)
    events = [score_week(context, week) for week in weeks]
    create_table_artifact(key="scored", table=events, description=f"Predictions of {period}")
    return events


def predict_side_by_side(context: Context, weeks: list[Week]) -> None:
    """Make the predictions that are not there yet on the engine of the settings; `score_week` finds and records them.

    Weeks by the same champion depend on nothing of each other, so this is for a backfill: in a life every week
    waits for the verdict on the one before.
    """
    missing = [week for week in weeks if not context.store.has_table(PREDICTIONS, week.id)]
    if len(missing) > 1:
        with open_engine(context.settings) as spread:
            for week, flights in spread(partial(predict_week_into, context.settings), missing):
                logger.info("the predictions of %d flights of week %s are there", flights, week.id)


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
            "mean_probability": predictions.select(pl.col("probability").mean()).item(),
            "predictions_hash": content_hash(predictions),
            "features_hash": content_hash(features),
        }
    logger.info("scored %d flights of week %s with version %d", facts["flights"], week.id, facts["version"])
    return context.journal.record(week.id, "score", facts)


@task(name="predict", task_run_name="predict-{week.id}", cache_policy=NO_CACHE, **RETRIED)
def predict_week(context: Context, week: Week, features: pl.DataFrame) -> pl.DataFrame:
    """The champion's probabilities of a week, written before anybody learns of them; made once, then read."""
    return predict(context, week, features)
