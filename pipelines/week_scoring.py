"""The predictions of a week's flights: by the champion, once, written before anybody learns of them, then read."""

import polars as pl

from data_checks import schema as s
from infra.settings import Settings
from infra.stopwatch import part
from monitoring.labels import IS_LATE, known_labels
from pipelines.backfill import build_week
from pipelines.clock import Week
from pipelines.context import Context, open_context
from pipelines.scoring import NoChampion, refuse_future_champion, score_flights, score_yardsticks

PREDICTIONS, YARDSTICKS = "predictions", "yardsticks"


def predict(context: Context, week: Week, features: pl.DataFrame) -> pl.DataFrame:
    """The champion's probabilities of a week, kept with its yardsticks. Raises NoChampion, LeakingChampion."""
    if context.store.has_table(PREDICTIONS, week.id):
        return context.store.read_table(PREDICTIONS, week.id)
    champion = context.champion()
    if champion is None:
        raise NoChampion(f"no version is champion yet; run: preflight train --as-of {week.id}")
    with part("MLflow"):
        refuse_future_champion(context.registry.version_tags(champion), champion, week)
        scorer = context.registry.scorer(champion)
        frozen = context.registry.scorer(first_champion(context))
    with part("model"):
        predictions = score_flights(scorer, champion, features)
        yardsticks = score_yardsticks(frozen, base_rate(context, week), features)
    with part("data"):
        context.store.write_table(YARDSTICKS, week.id, yardsticks)
        context.store.write_table(PREDICTIONS, week.id, predictions)
    return predictions


def predict_week_into(settings: Settings, week: Week) -> int:
    """As `predict`, in whatever process this is called, features included; counts flights."""
    context = open_context(settings)
    return predict(context, week, build_week(context, context.store, week)).height


def first_champion(context: Context) -> int:
    """The version that was promoted first: frozen, it is the yardstick of what retraining is worth."""
    return context.promoted_versions()[0]


def base_rate(context: Context, week: Week) -> float:
    """The late share among all labels known when the week began."""
    outcomes = context.accepted(s.OUTCOMES, week)
    return known_labels(outcomes, week.start).select(pl.col(IS_LATE).mean()).item()
