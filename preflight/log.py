"""`log load` and `log show`: the prediction log of the service, and the database it is loaded into."""

from datetime import UTC, datetime
from pathlib import Path

import orjson

from infra.online_predictions import open_predictions, read_newest
from infra.segments import segments
from infra.settings import Settings
from infra.storage import Store, export_table
from pipelines.clock import Week, parse_day
from pipelines.context import open_context
from pipelines.every_prediction import every_prediction, summarise
from preflight import show
from services.loading import load_log
from services.prediction_log import FOLDER

PATIENCE_SECONDS = 60
WEEK_COLUMNS = {
    "source": "left",
    "version": "right",
    "alias": "left",
    "predictions": "right",
    "flights": "right",
    "called late": "right",
    "labels known": "right",
    "AUC": "right",
    "log loss": "right",
}
COLUMNS = {
    "answered (UTC)": "left",
    "flight": "left",
    "version": "right",
    "role": "left",
    "features": "left",
    "probability": "right",
    "called": "left",
    "ms": "right",
}


def load(settings: Settings, as_json: bool) -> None:
    """Load what was logged since the last time."""
    flights = catch_up(settings)
    show.finish(f"loaded {flights} flights from the prediction log", {"flights": flights}, as_json)


def catch_up(settings: Settings) -> int:
    """Load what a service logged, so that a week's monitoring sees all of its answers; how many flights were read.

    A home whose service never answered gets no database. Raises DatabaseError, and BusyError.
    """
    store = Store(settings.home)
    if not segments(store.path(FOLDER)):
        return 0
    return load_log(store, open_predictions(settings.home, settings.predictions_url), PATIENCE_SECONDS)


def show_newest(settings: Settings, last: int, as_json: bool) -> None:
    """The newest of what was loaded, oldest first."""
    found = read_newest(open_predictions(settings.home, settings.predictions_url), last).to_dicts()
    if not as_json:
        show.table("Predictions", COLUMNS, [_cells(row) for row in found])
    rows = [row | {name: orjson.loads(row[name]) for name in ("flight", "features")} for row in found]
    outcome = f"the newest {len(found)} flights that were loaded" if found else "nothing was loaded yet"
    show.finish(f"{outcome}; for what came since, run: preflight log load", {"predictions": rows}, as_json)


def show_week(settings: Settings, day: str, at: datetime | None, write: Path | None, as_json: bool) -> None:
    """Batch and online predictions of a week with the labels known at a moment. Raises UsageError,
    PeriodError, MissingTable."""
    context, week = open_context(settings), Week.holding(parse_day(day))
    context.scored_weeks(day)
    catch_up(settings)
    found = every_prediction(context, week, _in_utc(at) if at else context.clock_shows())
    if write:
        export_table(write, found)
    summary = summarise(found)
    if not as_json:
        show.table(f"Predictions for the week of {week.id}", WEEK_COLUMNS, [_summary_cells(one) for one in summary])
    where = f", written to {write}" if write else ""
    outcome = f"{found.height} predictions for {found['flight_id'].n_unique()} flights of the week of {week.id}{where}"
    show.finish(outcome, {"week": week.id, "predictions": summary}, as_json)


def _in_utc(moment: datetime) -> datetime:
    """A moment without an offset is one in UTC."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _summary_cells(one: dict) -> tuple:
    quality = one["quality"]
    figures = [f"{quality[name]:.4f}" if name in quality else "-" for name in ("roc_auc", "log_loss")]
    coverage = f"{one['label_coverage']:.1%}{' provisional' if one['is_provisional'] else ''}"
    return (
        one["source"],
        one["version"],
        one["alias"],
        one["predictions"],
        one["flights"],
        one["called_late"],
        coverage,
        *figures,
    )


def _cells(row: dict) -> tuple:
    return (
        row["answered_at"][:19].replace("T", " "),
        row["flight_id"],
        row["version"],
        row["role"],
        row["mode"],
        f"{row['probability']:.3f}",
        "late" if row["is_late"] else "on time",
        f"{row['latency_ms']:.1f}",
    )
