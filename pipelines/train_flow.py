"""Trains a challenger on what is known at a moment, judges it on the newest rows, and promotes or refuses it."""

import logging
from datetime import date, timedelta

import numpy as np
import polars as pl
from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from data_checks import schema as s
from infra.errors import PreflightError
from infra.orchestrator import tag_run
from infra.settings import Settings
from infra.stopwatch import part
from infra.storage import content_hash
from monitoring.decision import EXPANDING
from monitoring.labels import IS_LATE, known_labels
from monitoring.quality import measure_quality
from monitoring.windows import sample_reference
from pipelines.clock import Week, local_day, midnight
from pipelines.context import Context, open_context
from pipelines.estimators import ModelParameters
from pipelines.feature_catalog import NAMES
from pipelines.features_flow import week_features
from pipelines.promotion import GateRules, decide_promotion, gather_evidence, readable
from pipelines.protocol import Slices, protocol_of, slice_time
from pipelines.training import (
    fit_key,
    fit_model,
    learning_start,
    predict_probability,
    split_by_time,
)

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
    learned, judged = labelled_rows(context, week, slices)
    version = fit_and_register(context, week, window, slices, learned, judged)
    return pass_gate(context, week, window, version, learned, judged)


def training_slices(settings: Settings, week: Week, window: str) -> Slices:
    """The slices of a challenger trained at the end of `week`: on all that is known, or on the newest weeks of it."""
    protocol = protocol_of(settings)
    gate = week.end - timedelta(days=protocol.gate_days)
    start = learning_start(window, midnight(settings.first_day), gate, settings.recent_window_weeks)
    return slice_time(protocol, start, week.end)


@task(name="collect-labelled-rows", cache_policy=NO_CACHE)
def labelled_rows(context: Context, week: Week, slices: Slices) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The features of all weeks so far with the labels known at the week's end: to learn from, and to judge on."""
    with part("features"):
        weeks = [known for known in context.all_weeks() if known <= week and known.end > slices.start]
        features = pl.concat([week_features(context, known) for known in weeks])
        labels = known_labels(context.accepted(s.OUTCOMES, week), slices.end)
        return split_by_time(features.join(labels, on=s.FLIGHT_ID, maintain_order="left"), slices)


@task(name="fit-and-register", retries=2, retry_delay_seconds=1, cache_policy=NO_CACHE)
def fit_and_register(
    context: Context, week: Week, window: str, slices: Slices, learned: pl.DataFrame, judged: pl.DataFrame
) -> int:
    """Fit the pipeline, log it with parameters, metrics and data, and register a version; returns its number."""
    settings = context.settings
    parameters = ModelParameters(trees=settings.trees, seed=settings.seed, threads=settings.training_threads)
    with part("model"):
        data = {"training": content_hash(learned), "gate": content_hash(judged)}
        model = fit_model(learned, parameters)
        probability = predict_probability(model, judged)
        quality = measure_quality(probability, _labels(judged))
    with part("MLflow"):
        version = context.registry.register(
            fit_key(slices, parameters, data),
            model,
            run_name=f"{week.plus(1).id}-{window}",
            parameters={**parameters.as_dict(), "window": window, **slices.as_text(), "rows": learned.height},
            metrics=quality.as_metrics("gate_"),
            datasets=data,
            tags={"window": window, **slices.as_text()},
            example=learned.select(NAMES).head(5).to_pandas(),
        )
        context.registry.point({"challenger": version})
    with part("data"):
        reference = sample_reference(learned.select(NAMES), settings.seed)
        context.store.write_table("reference_windows", f"version-{version}", reference)
    facts = {
        "version": version,
        "window": window,
        "rows": learned.height,
        "data": data,
        **slices.as_text(),
        "predictions_hash": content_hash(pl.DataFrame({"probability": probability})),
    }
    context.journal.record(week.id, "train", facts)
    logger.info("trained version %d on %d flights (%s)", version, learned.height, window)
    return version


@task(name="gate", retries=2, retry_delay_seconds=1, cache_policy=NO_CACHE)
def pass_gate(
    context: Context, week: Week, window: str, version: int, learned: pl.DataFrame, judged: pl.DataFrame
) -> dict:
    """Compare the challenger with the champion, or without one with the base rate, on the same newest rows."""
    rules = GateRules(confidence=context.settings.gate_confidence)
    champion = context.champion()
    with part("MLflow"):
        model = context.registry.load(version)
        rival = context.registry.load(champion) if champion else None
    with part("model"):
        challenger = predict_probability(model, judged)
        base_rate = float(learned[IS_LATE].mean())
        decision = decide_promotion(
            gather_evidence(
                challenger,
                predict_probability(rival, judged) if rival else np.full(judged.height, base_rate),
                _labels(judged),
                judged.select(local_day(s.SCHEDULED_DEPARTURE)).to_series().to_numpy(),
                f"version {champion}" if champion else "the base rate",
                rules,
                context.settings.seed,
            ),
            rules,
        )
    facts = {
        "version": version,
        "champion": champion,
        "window": window,
        "decided_on": week.plus(1).id,
        **decision.as_record(),
    }
    return context.journal.record(week.id, "gate", facts)


@task(name="promote", retries=2, retry_delay_seconds=1, cache_policy=NO_CACHE)
def settle(context: Context, week: Week, gate: dict) -> dict:
    """Carry out the gate's verdict: its record to the version, the aliases moved; done again it changes nothing."""
    before = context.journal.read(week.id, "promote")
    if before:
        return before
    version, verdict = gate["version"], "promoted" if gate["promote"] else "refused"
    if gate["promote"]:
        aliases = {"champion": version, "previous": gate["champion"], "challenger": None}
    else:
        aliases = {"challenger": version}
    with part("MLflow"):
        context.registry.attach_gate_record(version, gate, verdict)
        context.registry.point(aliases)
    create_markdown_artifact(
        key=f"gate-{week.id}", markdown=_gate_card(gate), description=f"version {version} {verdict}"
    )
    logger.info("%s version %d: %s", verdict, version, gate["reason"])
    return context.journal.record(week.id, "promote", {"promoted": gate["promote"], **aliases})


def _require_present(context: Context, week: Week) -> None:
    """A challenger of the past would be judged by a champion that has learned from the very rows that judge."""
    later = [event["week"] for stage in ("score", "gate") for event in context.journal.events(stage)]
    if later and max(later) > week.id:
        raise PastIsClosed(
            f"the system has lived up to week {max(later)}, it cannot train as of {week.plus(1).id} any more; "
            f"train as of {Week.from_id(max(later)).plus(1).id}, or set PREFLIGHT_HOME to a fresh folder"
        )


def _labels(rows: pl.DataFrame) -> np.ndarray:
    return rows[IS_LATE].cast(pl.Int8).to_numpy()


def _gate_card(event: dict) -> str:
    verdict = "promoted" if event["promote"] else "refused"
    rows = "\n".join(
        f"| {check['name']} | {readable(check['value'])} | {check['bound']} | {'yes' if check['passed'] else 'no'} |"
        for check in event["checks"]
    )
    head = "| check | value | needed | passed |\n| --- | --- | --- | --- |"
    return f"## Version {event['version']} {verdict}\n\n{event['reason']}\n\n{head}\n{rows}\n"
