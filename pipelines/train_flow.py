"""Trains a challenger on what is known at a moment, judges it on the newest rows, and promotes or refuses it."""

import logging
from datetime import date

import polars as pl
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from infra.errors import PreflightError
from infra.orchestrator import RETRIED, tag_run
from infra.settings import Settings
from infra.stopwatch import part
from monitoring.decision import EXPANDING
from pipelines.clock import Week
from pipelines.context import Context, open_context
from pipelines.estimators import ModelParameters
from pipelines.fitting import Fitted, calibrate
from pipelines.gate_record import event_of
from pipelines.judgement import judge
from pipelines.promote_flow import settle
from pipelines.protocol import Slices, protocol_of
from pipelines.registering import Fit, register_fit
from pipelines.rows import labelled_rows, training_slices
from pipelines.training import split_by_time
from pipelines.tune_flow import find_recipe

logger = logging.getLogger(__name__)


class PastIsClosed(PreflightError, ValueError):  # noqa: N818
    """A training is asked for at a moment that the system has left behind."""


@flow(name="train", flow_run_name="train-{as_of}", on_running=[tag_run("model")])
def train(as_of: str, window: str = EXPANDING, settings: Settings | None = None) -> dict:
    """A challenger trained at the start of the week of `as_of`; returns the gate's event.

    It learns from labels known then, except those of the newest days, on which the gate
    compares it with the champion. One training per week: asking again returns what happened.
    """
    return train_challenger(open_context(settings), Week.holding(date.fromisoformat(as_of)).plus(-1), window)


def train_challenger(context: Context, week: Week, window: str = EXPANDING) -> dict:
    """What `train` does, at the end of `week`. Raises PastIsClosed when later weeks were lived already."""
    gate = context.journal.read(week.id, "gate") or judge_challenger(context, week, window)
    if gate["window"] != window:
        raise PastIsClosed(
            f"week {week.id} was trained on already, with the {gate['window']} window; one training a week: "
            "choose another week, or set PREFLIGHT_HOME to a fresh folder for another life"
        )
    settle(context, week, gate)
    return gate


def judge_challenger(context: Context, week: Week, window: str) -> dict:
    """Fit, register and judge a challenger; returns the gate's event."""
    _require_present(context, week)
    slices = training_slices(context.settings, week, window)
    labelled = collect_rows(context, week, slices)
    recipe = find_recipe(context, week, slices, labelled)
    fit, fitted, version = fit_and_register(context, week, window, slices, labelled, recipe)
    return pass_gate(context, week, version, fit, fitted)


@task(name="collect-labelled-rows", cache_policy=NO_CACHE)
def collect_rows(context: Context, week: Week, slices: Slices) -> pl.DataFrame:
    """The features of all weeks so far with the labels known at the week's end."""
    return labelled_rows(context, week, slices)


@task(name="fit-and-register", cache_policy=NO_CACHE, **RETRIED)
def fit_and_register(
    context: Context, week: Week, window: str, slices: Slices, labelled: pl.DataFrame, recipe: dict
) -> tuple[Fit, Fitted, int]:
    """Calibrate and fit, register a version with all that it came from, and make it the challenger."""
    learned, judged = split_by_time(labelled, slices)
    parameters = ModelParameters(**recipe["parameters"])
    with part("model"):
        calibration = calibrate(learned, slices, parameters, protocol_of(context.settings).confidence)
    fit = Fit(window, slices, parameters, learned, judged, calibration.map)
    fitted = fit.make(context.settings)
    chosen = calibration.as_record()
    more = {"calibrated_by": chosen, "recipe": {"week": recipe["week"], "reason": recipe["reason"]}}
    facts = register_fit(context, fit, fitted, f"{week.plus(1).id}-{window}", more)
    with part("MLflow"):
        context.registry.challenge(facts["version"])
    context.journal.record(week.id, "train", {**facts, "calibrated_by": chosen})
    logger.info("trained version %d on %d flights (%s)", facts["version"], learned.height, window)
    return fit, fitted, facts["version"]


@task(name="gate", cache_policy=NO_CACHE, **RETRIED)
def pass_gate(context: Context, week: Week, version: int, fit: Fit, fitted: Fitted) -> dict:
    """Judge the challenger once, keep the signed record, and return the event of it."""
    name = f"records/version-{version}.json"
    record = context.store.read_json(name)
    if record is None:
        record = judge(context, week, version, fit, fitted)
        context.store.write_json(name, record)
    return context.journal.record(week.id, "gate", event_of(record))


def _require_present(context: Context, week: Week) -> None:
    """A challenger of the past would be judged by a champion that has learned from the very rows that judge."""
    later = [event["week"] for stage in ("score", "gate") for event in context.journal.events(stage)]
    if later and max(later) > week.id:
        raise PastIsClosed(
            f"the system has lived up to week {max(later)}, it cannot train as of {week.plus(1).id} any more; "
            f"train as of {Week.from_id(max(later)).plus(1).id}, or set PREFLIGHT_HOME to a fresh folder"
        )
