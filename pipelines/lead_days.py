"""The days of a lived year as `monitoring.lead` looks at them: what was promised of their flights, and what came."""

import numpy as np
import polars as pl

from data_checks import schema as s
from monitoring.estimation import entropy
from monitoring.labels import IS_LATE, known_labels
from monitoring.lead import Day
from monitoring.quality import CLIP
from pipelines.clock import local_day
from pipelines.context import Context
from pipelines.scoring import PROBABILITY


def days_of(context: Context) -> list[Day]:
    """The scored days in order."""
    weeks = [context.store.read_table("predictions", week).with_columns(week=pl.lit(week)) for week in _scored(context)]
    last = max(week for week in context.all_weeks() if context.is_closed(week))
    labels = known_labels(context.accepted(s.OUTCOMES, last), last.end)
    flights = (
        pl.concat(weeks)
        .join(labels, on=s.FLIGHT_ID, how="left", maintain_order="left")
        .with_columns(local_day(s.SCHEDULED_DEPARTURE).alias("day"))
    )
    probability = flights[PROBABILITY].to_numpy()
    sure, is_late = np.clip(probability, CLIP, 1 - CLIP), flights[IS_LATE].fill_null(value=False).to_numpy()
    told = flights.select("day", "week", PROBABILITY, IS_LATE).with_columns(
        pl.Series("promised", entropy(probability)), pl.Series("lost", -np.log(np.where(is_late, sure, 1 - sure)))
    )
    sums = told.group_by("day", "week", maintain_order=True).agg(
        pl.len().alias("flights"),
        pl.col("promised", PROBABILITY).sum(),
        pl.col(IS_LATE).count().alias("labelled"),
        pl.col("lost").filter(pl.col(IS_LATE).is_not_null()).sum(),
        pl.col(IS_LATE).sum().alias("late"),
    )
    return [Day(**row) for row in sums.sort("day").iter_rows(named=True)]


def _scored(context: Context) -> list[str]:
    return [event["week"] for event in context.journal.events("monitor")]
