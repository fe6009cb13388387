"""Finds how the next model is fitted: a new search when the last one is old, the recipe of the last one until then."""

import logging
from functools import partial

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from infra.engine import is_spread, open_engine
from infra.orchestrator import RETRIED
from infra.records import content_sha256
from infra.stopwatch import part
from pipelines.clock import Week
from pipelines.contenders import NothingLearned
from pipelines.context import Context
from pipelines.elsewhere import judge_beside, judge_fold_of
from pipelines.estimators import plain_parameters
from pipelines.folds import JudgeFolds, judge_folds
from pipelines.protocol import Slices, protocol_of
from pipelines.recipe import Recipe, choose_recipe
from pipelines.recipe_log import is_due, last_recipe

logger = logging.getLogger(__name__)


@task(name="choose-recipe", cache_policy=NO_CACHE, **RETRIED)
def find_recipe(context: Context, week: Week, slices: Slices, labelled: pl.DataFrame) -> dict:
    """The recipe that a challenger of this week is fitted by: the facts of the search that found it.

    A search is done once and recorded; killed in the middle it goes on with the next trial. Where nothing is learned
    from these weeks the last recipe stays, and the gate judges what it leads to; NothingLearned if there is none.
    """
    last = last_recipe(context, week)
    if last and not is_due(last, week, context.settings.tune_every_weeks):
        return last
    try:
        with part("tuning"):
            recipe = search_on_engine(context, week, slices, labelled, last)
    except NothingLearned as nothing:
        if not last:
            raise
        logger.warning("the recipe of week %s is kept: %s", last["week"], nothing)
        return last
    with part("MLflow"):
        log_recipe(context, week, recipe)
    logger.info("recipe of week %s: %s", week.id, recipe.facts["reason"])
    return context.journal.record(week.id, "tune", recipe.facts)


def search_on_engine(context: Context, week: Week, slices: Slices, labelled: pl.DataFrame, last: dict | None) -> Recipe:
    """The search, its folds beside each other where the engine of the settings is Dask."""
    if not is_spread(context.settings):
        return search(context, slices, labelled, last)
    with open_engine(context.settings) as spread:
        rule = partial(judge_fold_of, context.settings, week, slices)
        return search(context, slices, labelled, last, partial(judge_beside, spread, rule))


def search(
    context: Context, slices: Slices, labelled: pl.DataFrame, last: dict | None, judge: JudgeFolds = judge_folds
) -> Recipe:
    """A search for the recipe, with the budget and the defaults of the settings, warm if there was one before."""
    settings = context.settings
    return choose_recipe(
        labelled,
        slices,
        protocol_of(settings),
        plain_parameters(settings),
        last,
        trials=settings.tune_trials_again if last else settings.tune_trials,
        seconds=settings.tune_seconds,
        folder=context.store.make_folder("studies"),
        judge=judge,
    )


def log_recipe(context: Context, week: Week, recipe: Recipe) -> None:
    """The search as a run of the registry, with each of its trials as a run within it."""
    tuning = recipe.facts["tuning"]
    importances = {f"importance_{name}": share for name, share in tuning.get("importances", {}).items()}
    losses = {name: tuning[name] for name in ("log_loss", "default_log_loss") if name in tuning}
    context.registry.log_study(
        content_sha256(recipe.facts),
        run_name=f"tune-{week.plus(1).id}",
        parameters={**recipe.facts["parameters"], "reason": recipe.facts["reason"], "tuning": tuning["reason"]},
        metrics={**importances, **losses, **recipe.measured},
        trials=tuning.get("trials", ()),
    )
