"""Writes what the flows recorded where Prometheus finds it: `metrics/flows.prom` in the home folder.

It is the textfile convention of node_exporter: a whole file, written aside, flushed and renamed. The service shows the
same file on its /metrics. A file whose content would be the same stays, so that its age is that of the news in it.
"""

from monitoring.exposition import FLOWS, Metric, render
from monitoring.flow_metrics import Life, flow_metrics
from pipelines.clock import Week
from pipelines.context import SWITCH, Context
from pipelines.incident_log import incidents_of

SECONDS = "metrics/seconds.json"
REPLAY = "metrics/replay.json"
"""Seconds and weeks of the last replay that lived any."""
WATCHED = ("journal", "ledger", SECONDS)
"""What the metrics are made of: a folder changes when a file comes into it."""


def expose(context: Context, seconds: dict[str, float] | None = None) -> list[Metric]:
    """Write the metrics of the home as it is now, and return them. `seconds`: what the command that ends took."""
    if seconds is not None:
        context.store.write_json(SECONDS, seconds)
    found = flow_metrics(read_life(context))
    text = render(found).encode()
    if context.store.read_bytes(FLOWS) != text:
        context.store.write_bytes(FLOWS, text)
    return found


def read_life(context: Context) -> Life:
    """The records of the home."""
    switches = [entry for entry in context.ledger.entries() if entry.get("action") == SWITCH]
    return Life(
        events=context.journal.events(),
        end_of=lambda week: Week.from_id(week).end.timestamp(),
        champion=context.answering_version(),
        rollbacks=sum(entry["to"] < entry["from"] for entry in switches),
        seconds=context.store.read_json(SECONDS) or {},
        open_incidents=_open_incidents(context),
    )


def _open_incidents(context: Context) -> int | None:
    """None before the first decision, from which incidents are told."""
    if not context.journal.events("decide"):
        return None
    return sum(incident.is_open for incident in incidents_of(context))


def marks(context: Context) -> tuple:
    """What changes when there is something new to write; some `stat` calls."""
    return tuple(context.store.mark(name) for name in WATCHED)
