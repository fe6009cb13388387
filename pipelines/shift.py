"""What changed between two months for the first champion, never retrained: moved inputs, or another world behind them.

The model that stays the same is the one that shows how the world changed.
"""

from dataclasses import dataclass

import polars as pl

from data_checks import schema as s
from infra.stopwatch import part
from monitoring.attribution import Attribution, Flights, attribute_change
from monitoring.labels import IS_LATE, known_labels
from monitoring.profiles import distances
from monitoring.quality import loss_per_row
from pipelines.clock import Week, local_day
from pipelines.context import Context
from pipelines.encoding import encode_features
from pipelines.feature_catalog import CATEGORICAL, FEATURES, NAMES
from pipelines.watching import profile_week

SHOWN = 5


@dataclass(frozen=True)
class Shift:
    """What changed: everything together, each group of features alone, and the features that moved furthest."""

    whole: Attribution
    by_group: dict[str, Attribution]
    moved: dict[str, float]
    flights: tuple[int, int]


def attribute_shift(context: Context, reference: list[Week], now: list[Week]) -> Shift:
    """What changed from the reference weeks to those of now, on flights whose label is known today."""
    before, after = (_labelled(context, weeks) for weeks in (reference, now))
    one, other = _as_flights(before), _as_flights(after)
    seed, categorical = context.settings.seed, [NAMES.index(name) for name in CATEGORICAL]
    with part("monitoring"):
        groups = dict.fromkeys(feature.group for feature in FEATURES)
        by_group = {
            group: attribute_change(one, other, seed, _columns(group), categorical if group == "plan" else [])
            for group in groups
        }
        moved = distances(profile_week(after), profile_week(before))
        return Shift(
            whole=attribute_change(one, other, seed, categorical=categorical),
            by_group=by_group,
            moved=dict(sorted(moved.items(), key=lambda item: -item[1])[:SHOWN]),
            flights=(before.height, after.height),
        )


def _columns(group: str) -> list[int]:
    return [place for place, feature in enumerate(FEATURES) if feature.group == group]


def _labelled(context: Context, weeks: list[Week]) -> pl.DataFrame:
    names, newest = [week.id for week in weeks], Week.from_id(context.journal.weeks("score")[-1])
    labels = known_labels(context.accepted(s.OUTCOMES, newest), newest.end)
    return (
        context.store.read_weeks("features", names)
        .join(context.store.read_weeks("yardsticks", names), on=s.FLIGHT_ID, maintain_order="left")
        .join(labels.select(s.FLIGHT_ID, IS_LATE), on=s.FLIGHT_ID, maintain_order="left")
    )


def _as_flights(rows: pl.DataFrame) -> Flights:
    probability, is_late = rows["frozen"].to_numpy(), rows[IS_LATE].cast(pl.Int8).to_numpy()
    return Flights(
        features=encode_features(rows.select(NAMES)),
        loss=loss_per_row(probability, is_late),
        is_late=is_late,
        probability=probability,
        day=rows.select(local_day(s.SCHEDULED_DEPARTURE)).to_series().to_numpy(),
    )
