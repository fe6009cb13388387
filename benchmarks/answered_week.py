"""A week as a service that does everything right would have answered it, as rows of the table of online predictions."""

from collections.abc import Iterator
from datetime import datetime

import orjson
import polars as pl

from data_checks import schema as s
from infra.pseudonyms import Pseudonyms
from pipelines.as_of import AS_OF
from pipelines.asked import COLUMNS, FRESH
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.feature_catalog import NAMES
from pipelines.online_week import TAIL_PLACE
from pipelines.registering import costs_of
from pipelines.scoring import PROBABILITY, VERSION
from pipelines.skew import as_text


def answered(context: Context, week: Week, rows: int) -> Iterator[dict]:
    """So many answers about a scored week's flights in their order, from the first again after the last."""
    names = Pseudonyms(context.settings.home, context.settings.pseudonym_key)
    threshold, flights = costs_of(context.settings).threshold, list(_flights(context, week))
    for place in range(rows):
        flight = flights[place % len(flights)]
        plan = [value.isoformat() if isinstance(value, datetime) else value for value in flight["plan"].values()]
        tail = plan.pop(TAIL_PLACE)
        yield {
            "request_id": f"request-{place:06}",
            "place": 0,
            "answered_at": "2026-01-01T00:00:00.000+00:00",
            "kind": "predict",
            "version": flight[VERSION],
            "role": "champion",
            "week": week.id,
            "mode": FRESH,
            "latency_ms": 1.0,
            "flight_id": flight[s.FLIGHT_ID],
            "as_of": flight[AS_OF],
            "probability": flight[PROBABILITY],
            "is_late": flight[PROBABILITY] >= threshold,
            "tail_key": None if tail is None else names.of(tail),
            "flight": orjson.dumps(plan).decode(),
            "features": orjson.dumps(flight["features"]).decode(),
        }


def _flights(context: Context, week: Week) -> Iterator[dict]:
    said = context.store.read_table("predictions", week.id).select(s.FLIGHT_ID, VERSION, PROBABILITY)
    plan = context.accepted(s.SCHEDULE, week, 1).unique(s.FLIGHT_ID, maintain_order=True)
    features = context.store.read_table("features", week.id).with_columns(as_text(AS_OF))
    return (
        features.select(s.FLIGHT_ID, AS_OF, pl.struct(NAMES).alias("features"))
        .join(said, on=s.FLIGHT_ID, maintain_order="left")
        .join(plan.select(s.FLIGHT_ID, pl.struct(COLUMNS).alias("plan")), on=s.FLIGHT_ID, maintain_order="left")
        .iter_rows(named=True)
    )
