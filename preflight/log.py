"""`log load` and `log show`: the prediction log of the service, and the database it is loaded into."""

import orjson

from infra.settings import Settings
from infra.storage import Store
from preflight import show
from services.loading import load_log, open_store, read_newest

PATIENCE_SECONDS = 60
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
    engine = open_store(settings.home, settings.predictions_url)
    flights = load_log(Store(settings.home), engine, PATIENCE_SECONDS)
    show.finish(f"loaded {flights} flights from the prediction log", {"flights": flights}, as_json)


def show_newest(settings: Settings, last: int, as_json: bool) -> None:
    """The newest of what was loaded, oldest first."""
    found = read_newest(open_store(settings.home, settings.predictions_url), last).to_dicts()
    if not as_json:
        show.table("Predictions", COLUMNS, [_cells(row) for row in found])
    rows = [row | {name: orjson.loads(row[name]) for name in ("flight", "features")} for row in found]
    outcome = f"the newest {len(found)} flights that were loaded" if found else "nothing was loaded yet"
    show.finish(f"{outcome}; for what came since, run: preflight log load", {"predictions": rows}, as_json)


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
