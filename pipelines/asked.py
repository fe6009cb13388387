"""What a request says of a flight, as a row of the schedule; and how fresh the features of its answer can be."""

from datetime import UTC, datetime

import polars as pl

from data_checks import schema as s
from data_checks.feeds import flight_id
from pipelines.clock import local_day

FRESH, STALE, PLAN_ONLY = "fresh", "stale", "plan_only"
"""Features of the snapshot; of one that ends before the flight's moment; of the request alone, without a snapshot."""

COLUMNS = [name for name in s.SCHEDULE.polars_schema if name not in (s.FLIGHT_ID, s.KNOWN_AT)]
"""What a plan says of a flight."""


def plans_as_schedule(plans: list[tuple]) -> pl.DataFrame:
    """Flights, each as its values of COLUMNS, as rows of the schedule feed; a distance left out is null."""
    plans = [tuple(_in_utc(value) for value in plan) for plan in plans]
    rows = pl.DataFrame(plans, schema={name: s.SCHEDULE.polars_schema[name] for name in COLUMNS}, orient="row")
    name = flight_id(local_day(s.SCHEDULED_DEPARTURE), pl.col(s.CARRIER), pl.col(s.FLIGHT_NUMBER), pl.col(s.ORIGIN))
    return rows.with_columns(name)


def _in_utc(value: object) -> object:
    return value.astimezone(UTC) if isinstance(value, datetime) else value
