"""The rows of a training as one table: features and labels known at its moment, and how its time is sliced."""

from datetime import timedelta

import polars as pl

from data_checks import schema as s
from infra.settings import Settings
from infra.stopwatch import part
from monitoring.labels import IS_LATE, known_labels
from pipelines.backfill import build_week
from pipelines.clock import Week, local_day, midnight
from pipelines.context import Context
from pipelines.evidence import JudgedFlights
from pipelines.fitting import labels_of
from pipelines.protocol import Slices, protocol_of, slice_time
from pipelines.slices import slice_names, with_region
from pipelines.training import departing, learning_start

WEEKS_OF_GATE = 9  # the longest gate there may be, 60 days, touches so many


def training_slices(settings: Settings, week: Week, window: str) -> Slices:
    """The slices of a challenger trained at the end of `week`: on all that is known, or on the newest weeks of it."""
    protocol = protocol_of(settings)
    gate = week.end - timedelta(days=protocol.gate_days)
    start = learning_start(window, midnight(settings.first_day), gate, settings.recent_window_weeks)
    return slice_time(protocol, start, week.end)


def labelled_rows(context: Context, week: Week, slices: Slices) -> pl.DataFrame:
    """Features and labels of the flights from the start to the end of the slices whose label is known at the end."""
    with part("features"):
        weeks = [known for known in context.all_weeks() if known <= week and known.end > slices.start]
        features = pl.concat([build_week(context, context.store, known) for known in weeks])
        labels = known_labels(context.accepted(s.OUTCOMES, week), slices.end)
        joined = features.join(labels, on=s.FLIGHT_ID, maintain_order="left")
        return departing(joined, slices.start, slices.end).filter(pl.col(IS_LATE).is_not_null())


def judged_flights(context: Context, week: Week, judged: pl.DataFrame) -> JudgedFlights:
    """The rows that judge, as the gate wants them: truth, local day, slices, carrier and destination."""
    schedule = context.accepted(s.SCHEDULE, week, WEEKS_OF_GATE + 1)
    placed = with_region(judged, schedule, context.store.read_table("reference", "airports"))
    return JudgedFlights(
        is_late=labels_of(judged),
        day=judged.select(local_day(s.SCHEDULED_DEPARTURE)).to_series().to_numpy(),
        slices=slice_names(placed),
        places=placed.select(s.CARRIER, s.DESTINATION),
    )
