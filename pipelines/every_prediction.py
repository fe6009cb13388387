"""Every prediction of a week in one table, batch and online alike, with its label as far as that was known."""

from datetime import datetime

import polars as pl

from data_checks import schema as s
from monitoring.labels import IS_LATE, known_labels, without_label
from monitoring.quality import measure_quality
from monitoring.week_facts import Coverage
from pipelines.as_of import AS_OF
from pipelines.asked import FRESH
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.feature_catalog import NAMES
from pipelines.online_week import answers_of
from pipelines.registering import costs_of
from pipelines.scoring import PROBABILITY, VERSION
from pipelines.skew import as_text

BATCH, ONLINE, CHAMPION = "batch", "online", "champion"
SOURCE, REQUEST, PLACE, ALIAS, MODE, DECISION = "source", "request_id", "place", "alias", "mode", "is_called_late"
FEATURES, HAS_ENDED = "features", "has_no_label"
COLUMNS = (SOURCE, REQUEST, PLACE, s.FLIGHT_ID, VERSION, ALIAS, MODE, AS_OF, PROBABILITY, DECISION, FEATURES)
WEEKS_AFTER = 2
"""Weeks in which labels of a week may still come or be revised."""


def every_prediction(context: Context, week: Week, at: datetime) -> pl.DataFrame:
    """COLUMNS, `is_late` and `label_known_at_utc`, null where not known at a moment, and whether there can be a label.

    Batch scoring is one request. `features` is JSON by name; the alias is the role in which a version answered. Raises
    MissingTable when the week was not scored, DatabaseError.
    """
    found = pl.concat([_of_batch(context, week), _of_service(context, week)])
    outcomes = _outcomes(context, week)
    ended = without_label(outcomes, at).select(s.FLIGHT_ID, pl.lit(True).alias(HAS_ENDED))
    labelled = found.join(known_labels(outcomes, at), on=s.FLIGHT_ID, how="left", maintain_order="left")
    labelled = labelled.join(ended, on=s.FLIGHT_ID, how="left", maintain_order="left")
    return labelled.with_columns(pl.col(HAS_ENDED).fill_null(value=False))


def summarise(predictions: pl.DataFrame) -> list[dict]:
    """By source, version and alias: predictions, flights, and of the last one about each: coverage, and quality."""
    groups = predictions.group_by(SOURCE, VERSION, ALIAS, maintain_order=True)
    return [{SOURCE: source, VERSION: version, ALIAS: alias} | _told(rows) for (source, version, alias), rows in groups]


def _told(rows: pl.DataFrame) -> dict:
    last = rows.unique(s.FLIGHT_ID, keep="last", maintain_order=True)
    able, known = last.filter(~pl.col(HAS_ENDED)), last.filter(pl.col(IS_LATE).is_not_null())
    coverage = Coverage(last.height, able.height, known.height)
    return {
        "predictions": rows.height,
        "flights": last.height,
        "called_late": int(last[DECISION].sum()),
        "label_coverage": coverage.share,
        "is_provisional": coverage.is_provisional,
        "quality": _quality(known) if known.height else {},
    }


def _quality(known: pl.DataFrame) -> dict[str, float]:
    return measure_quality(known[PROBABILITY].to_numpy(), known[IS_LATE].cast(pl.Int8).to_numpy()).as_metrics()


def _of_batch(context: Context, week: Week) -> pl.DataFrame:
    predictions = context.require("predictions", week, f"preflight score {week.id}")
    features = context.store.read_table("features", week.id)
    named = features.select(s.FLIGHT_ID, pl.struct(NAMES).struct.json_encode().alias(FEATURES))
    return (
        predictions.join(named, on=s.FLIGHT_ID, maintain_order="left")
        .with_row_index(PLACE)
        .with_columns(
            pl.lit(BATCH).alias(SOURCE),
            pl.lit(f"batch-{week.id}").alias(REQUEST),
            pl.lit(CHAMPION).alias(ALIAS),
            pl.lit(FRESH).alias(MODE),
            (pl.col(PROBABILITY) >= costs_of(context.settings).threshold).alias(DECISION),
            as_text(AS_OF),
            pl.col(PLACE).cast(pl.Int64),
        )
        .select(COLUMNS)
    )


def _of_service(context: Context, week: Week) -> pl.DataFrame:
    answers = answers_of(context, week).rename({"role": ALIAS, "is_late": DECISION, "as_of": AS_OF})
    return answers.with_columns(pl.lit(ONLINE).alias(SOURCE)).select(COLUMNS)


def _outcomes(context: Context, week: Week) -> pl.DataFrame:
    after = [week.plus(number) for number in range(WEEKS_AFTER + 1)]
    until = max(one for one in after if context.is_closed(one))
    return context.accepted(s.OUTCOMES, until, WEEKS_AFTER + 2)
