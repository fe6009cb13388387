"""Gathers monitored weeks for the Evidently workspace, as each was known when it ended."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import polars as pl

from data_checks import schema as s
from infra.errors import PreflightError
from infra.evidently_process import WORKSPACE
from monitoring.labels import IS_LATE, known_labels
from monitoring.workspace import WatchedWeek, add_week, has_week, prepare_workspace
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.encoding import encode_features
from pipelines.feature_catalog import CATEGORICAL, FEATURES, NAMES
from pipelines.scoring import PROBABILITY

FOLDER = WORKSPACE
NUMBERS = "monitoring"
"""The dataset of the same numbers, for readers without Evidently."""


class NothingMonitored(PreflightError, LookupError):  # noqa: N818
    """No week of a period was monitored yet, so that there is nothing to show of it."""


def weeks_to_add(context: Context, period: str | None) -> list[Week]:
    """The monitored weeks of a period, or of the year, that the workspace lacks. Raises NothingMonitored."""
    wanted = context.scored_weeks(period)
    monitored = [week for week in wanted if context.journal.read(week.id, "monitor")]
    if not monitored:
        raise NothingMonitored(
            f"no week of {period or 'the year'} was monitored under {context.settings.home}; "
            f"run: preflight replay, or preflight monitor {wanted[0].id}"
        )
    folder = workspace_folder(context)
    return [week for week in monitored if not (has_week(folder, week.id) and context.store.has_table(NUMBERS, week.id))]


def fill_workspace(context: Context, weeks: list[Week]) -> Iterator[Week]:
    """Make the workspace, and add weeks to it; yields each when it is there."""
    folder = prepare_workspace(workspace_folder(context), feature_groups())
    reference_of = lru_cache(maxsize=2)(lambda version: _reference(context, version))
    for week in weeks:
        context.store.write_table(NUMBERS, week.id, add_week(folder, watch(context, week, reference_of), CATEGORICAL))
        yield week


def workspace_folder(context: Context) -> Path:
    """Where the workspace lies."""
    return context.store.path(FOLDER)


def feature_groups() -> dict[str, list[str]]:
    """The names of the features by the question that they answer."""
    return {
        group: [feature.name for feature in FEATURES if feature.group == group]
        for group in dict.fromkeys(feature.group for feature in FEATURES)
    }


def watch(context: Context, week: Week, reference_of: Callable[[int], pl.DataFrame]) -> WatchedWeek:
    """A monitored week with the window its champion learned from and the labels that were known at its end."""
    monitored = context.journal.read(week.id, "monitor")
    predictions = context.store.read_table("predictions", week.id)
    features = context.store.read_table("features", week.id)
    labels = known_labels(context.accepted(s.OUTCOMES, week, 1), week.end)
    current = features.join(predictions.select(s.FLIGHT_ID, PROBABILITY), on=s.FLIGHT_ID, maintain_order="left")
    answers = predictions.join(labels, on=s.FLIGHT_ID, maintain_order="left").select(PROBABILITY, IS_LATE)
    return WatchedWeek(
        week=week.id,
        ended_at=week.end,
        version=monitored["version"],
        reference=reference_of(monitored["version"]),
        current=current.select(*NAMES, PROBABILITY),
        answers=answers.drop_nulls(),
        facts={
            "share_drifted": monitored["share_drifted"],
            "missing_share": _missing_share(features.select(NAMES)),
            "quarantined_share": _quarantined_share(context, week),
            "label_coverage": monitored["label_coverage"],
        },
    )


def _reference(context: Context, version: int) -> pl.DataFrame:
    """The window that a version learned from, with what that version says of it."""
    window = context.store.read_table("reference_windows", f"version-{version}")
    probability = context.registry.scorer(version).probability(encode_features(window))
    return window.select(NAMES).with_columns(pl.Series(PROBABILITY, probability))


def _missing_share(features: pl.DataFrame) -> float:
    return features.null_count().sum_horizontal().item() / (features.height * features.width)


def _quarantined_share(context: Context, week: Week) -> float:
    feeds = context.journal.read(week.id, "validate")["feeds"].values()
    landed = sum(feed["landed"] for feed in feeds)
    return sum(feed["quarantined"] for feed in feeds) / landed if landed else 0.0
