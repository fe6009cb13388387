"""`deliver` and `deliveries`: bring a file of a feed, and see what became of everything that came."""

from pathlib import Path

from infra.settings import Settings
from pipelines.context import open_context
from pipelines.delivery import Fate, deliveries, feed_named, require_landable
from preflight import show
from preflight.session import SUITES, working


def deliver(settings: Settings, feed: str, file: Path, corrects: str | None, as_json: bool) -> None:
    """Land one file."""
    context = open_context(settings)
    require_landable(context, feed_named(feed), file, corrects)
    with working(settings, "pipelines.deliver_flow", SUITES) as flow:
        delivered = flow.deliver(feed, str(file), corrects, settings)
    entry, fate = delivered["entry"], Fate(**delivered["fate"])
    if delivered["ignored_columns"] and not as_json:
        show.tell(f"left alone, not in the contract: {', '.join(delivered['ignored_columns'])}")
    if delivered["is_new"]:
        outcome = f"landed {entry['rows']} rows as {entry['batch']}: {fate.sentence()}"
    else:
        place = f", which takes the place of {corrects}" if corrects else ""
        outcome = f"nothing new: these {entry['rows']} rows landed before as {entry['batch']}{place}; {fate.sentence()}"
    if fate.quarantined:
        outcome += "; `preflight quarantine list --rows` shows what stays out"
    show.finish(outcome, delivered, as_json)


def list_deliveries(settings: Settings, as_json: bool) -> None:
    """Every batch, in order of arrival."""
    found = deliveries(open_context(settings))
    if not as_json:
        columns = {
            "number": "right",
            "batch": "left",
            "rows": "right",
            "weeks": "left",
            "corrects": "left",
            "now": "left",
        }
        show.table("Everything that landed, in order of arrival", columns, [_row(*one) for one in found])
    superseded = sum(fate.superseded_by is not None for _, fate in found)
    blocked = sum(bool(fate.blocked) for _, fate in found)
    outcome = f"{len(found)} batches landed, {superseded} of them superseded, {blocked} blocked"
    show.finish(outcome, {"deliveries": [{**entry, "fate": fate.as_dict()} for entry, fate in found]}, as_json)


def _row(entry: dict, fate: Fate) -> tuple:
    weeks = sorted(entry["weeks"])
    span = weeks[0] if len(weeks) == 1 else f"{len(weeks)} from {weeks[0]}"
    return (entry["number"], entry["batch"], entry["rows"], span, entry["corrects"] or "-", fate.sentence())
