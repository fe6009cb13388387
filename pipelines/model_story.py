"""What a version listens to: importance, dependence, examples and the audit of its reasons, on the newest flights."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from data_checks import schema as s
from infra.errors import PreflightError
from infra.scorer import Scorer
from infra.stopwatch import part
from monitoring.explain_page import render_explain_page
from monitoring.labels import IS_LATE, known_labels
from monitoring.quality import loss_per_row
from pipelines.calibration_map import CalibrationMap
from pipelines.clock import NEW_YORK, local_day, midnight
from pipelines.context import Context
from pipelines.encoding import encode_features
from pipelines.feature_catalog import FEATURES
from pipelines.flight_story import explain_rows, scorer_of
from pipelines.importance import (
    Importance,
    Resampling,
    contribution_importance,
    partial_dependence,
    permutation_importance,
)
from pipelines.reasons import Reasons, fold_calibration
from pipelines.report import EXPLAIN_PAGE
from pipelines.shapley_audit import audit_agreement

REPEATS = 3
TOP_FEATURES = 6
DEPENDENCE_ROWS, AUDITED, BACKGROUND = 1000, 200, 64
STEPS = len(FEATURES) + len({feature.group for feature in FEATURES}) + TOP_FEATURES + AUDITED
"""How often `done` is told of something while a model is measured."""

_HIGHEST, _WRONG, _USUAL_AT = 3, 3, (0.2, 0.4, 0.6, 0.8)
_REASONS = 3


class NothingToExplain(PreflightError, LookupError):  # noqa: N818
    """There are no labelled flights to measure a model on."""


@dataclass(frozen=True)
class Sample:
    """Labelled flights as the model sees them: `table` of named features, `encoded` (n, n_features), truth, days."""

    table: pl.DataFrame
    encoded: np.ndarray
    is_late: np.ndarray
    day: np.ndarray


def tell_model(
    context: Context, version: int, days: int | None = None, done: Callable[[str], None] = lambda name: None
) -> dict:
    """Everything measured of a version on the labelled flights of the newest days, as plain values.

    By default as many days as the gate judges on. `learned_from` is the share of the flights that the version had to
    learn from: a version that is refitted before it serves has seen the newest ones. Raises NothingToExplain,
    RegistryError.
    """
    scorer = scorer_of(context, version)
    sample = newest_flights(context, days or context.settings.gate_days)
    learned_until = datetime.fromisoformat(context.registry.version_tags(version)["cutoff"])
    how = Resampling(seed=context.settings.seed)
    with part("reasons"):
        return {
            "version": version,
            "learned_from": float((sample.table[s.SCHEDULED_DEPARTURE] < learned_until).mean()),
            **_measured(scorer, sample, how, done),
        }


def write_page(context: Context, document: dict) -> Path:
    """Write the page of what `tell_model` found; returns where it lies."""
    return context.store.write_text(EXPLAIN_PAGE, render_explain_page(document))


def newest_flights(context: Context, days: int) -> Sample:
    """The labelled flights of the newest days on the system's clock. Raises NothingToExplain when there are none."""
    now = context.clock_shows()
    start = midnight(now.astimezone(NEW_YORK).date() - timedelta(days=days))  # not so many hours: clocks change
    weeks = [
        week
        for week in context.all_weeks()
        if week.end > start and context.is_closed(week) and context.store.has_table("features", week.id)
    ]
    if not weeks:
        raise NothingToExplain(f"no week has features under {context.settings.home}; run: preflight replay")
    labels = known_labels(context.accepted(s.OUTCOMES, weeks[-1], len(weeks) + 1), now)
    features = context.store.read_weeks("features", [week.id for week in weeks])
    table = features.join(labels, on=s.FLIGHT_ID, maintain_order="left").filter(pl.col(s.SCHEDULED_DEPARTURE) >= start)
    if table.is_empty():
        raise NothingToExplain(f"no flight of the newest {days} days has a label; run: preflight replay")
    return Sample(
        table=table,
        encoded=encode_features(table),
        is_late=table[IS_LATE].cast(pl.Int8).to_numpy(),
        day=table.select(local_day(s.SCHEDULED_DEPARTURE)).to_series().to_numpy(),
    )


def _measured(scorer: Scorer, sample: Sample, how: Resampling, done: Callable[[str], None]) -> dict:
    found, probability = scorer.explain(sample.encoded), scorer.probability(sample.encoded)
    calibration = CalibrationMap.from_dict(scorer.manifest["calibration"])
    _, added, left = fold_calibration(calibration, found.bias, found.contributions)
    loss = loss_per_row(probability, sample.is_late)
    single, joint = contribution_importance(added, sample.day, how)
    dealt, dealt_jointly = permutation_importance(
        scorer.probability, sample.encoded, sample.is_late, sample.day, repeats=REPEATS, how=how, done=done
    )
    return {
        "flights": len(sample.encoded),
        "days": len(np.unique(sample.day)),
        "from": str(sample.day.min()),
        "to": str(sample.day.max()),
        "late_share": float(sample.is_late.mean()),
        "mean_probability": float(probability.mean()),
        "log_loss": float(loss.mean()),
        "confidence": how.confidence,
        "repeats": REPEATS,
        "calibration": calibration.kind,
        "additive": left.kind == "identity",
        "decision_threshold": scorer.manifest["decision_threshold"],
        "contributions": {"features": _plain(single), "groups": _plain(joint)},
        "permutation": {"features": _plain(dealt), "groups": _plain(dealt_jointly)},
        "dependence": _dependences(scorer, sample, [one.name for one in single[:TOP_FEATURES]], done),
        "dependence_flights": len(_spread(len(sample.encoded), DEPENDENCE_ROWS)),
        "examples": _examples(scorer, sample, probability, loss),
        "audit": _audit(scorer, sample, found.contributions, how.seed, done),
    }


def choose_examples(probability: np.ndarray, loss: np.ndarray) -> list[tuple[str, int]]:
    """Ten flights by place and why: three with the highest probability, four usual ones, three most wrong.

    Usual are those whose probability is nearest to the 20th, 40th, 60th and 80th percentile. None is chosen twice.
    """
    chosen: dict[int, str] = {}

    def take(why: str, order: np.ndarray, many: int) -> None:
        free = [int(place) for place in order if int(place) not in chosen]
        chosen.update(dict.fromkeys(free[:many], why))

    take("highest", np.argsort(-probability, kind="stable"), _HIGHEST)
    for share in _USUAL_AT:
        away = np.abs(probability - np.quantile(probability, share))
        take(f"usual, {share:.0%} lie below", np.argsort(away, kind="stable"), 1)
    take("most wrong", np.argsort(-loss, kind="stable"), _WRONG)
    return [(why, place) for place, why in chosen.items()]


def _examples(scorer: Scorer, sample: Sample, probability: np.ndarray, loss: np.ndarray) -> list[dict]:
    chosen = choose_examples(probability, loss)
    reasons = explain_rows(scorer, sample.table[[place for _, place in chosen]])
    return [
        _example(why, sample.table[s.FLIGHT_ID][place], bool(sample.is_late[place]), found)
        for (why, place), found in zip(chosen, reasons, strict=True)
    ]


def _example(why: str, flight: str, is_late: bool, reasons: Reasons) -> dict:
    return {
        "why": why,
        "flight_id": flight,
        "is_late": is_late,
        "bias": reasons.bias,
        "score": reasons.score,
        "probability": reasons.probability,
        "groups": {group.group: group.contribution for group in reasons.groups},
        "reasons": [reason.words for reason in reasons.codes(_REASONS)],
    }


def _dependences(scorer: Scorer, sample: Sample, names: list[str], done: Callable[[str], None]) -> list[dict]:
    rows = sample.encoded[_spread(len(sample.encoded), DEPENDENCE_ROWS)]
    found = []
    for name in names:
        found.append(asdict(partial_dependence(scorer.probability, rows, name)))
        done(name)
    return found


def _audit(scorer: Scorer, sample: Sample, contributions: np.ndarray, seed: int, done: Callable[[str], None]) -> dict:
    dice = np.random.default_rng(seed)
    rows = len(sample.encoded)
    flights = np.sort(dice.permutation(rows)[:AUDITED])
    background = sample.encoded[dice.permutation(rows)[:BACKGROUND]]
    return asdict(
        audit_agreement(scorer.log_odds, contributions[flights], sample.encoded[flights], background, done=done)
    )


def _spread(rows: int, most: int) -> np.ndarray:
    """Places of at most so many rows, evenly spread."""
    return np.unique(np.linspace(0, rows - 1, min(rows, most)).astype(int))


def _plain(ranked: list[Importance]) -> list[dict]:
    return [asdict(one) for one in ranked]
