"""What /metrics shows: what the workers counted, what is so at the moment of the scrape, and what the flows wrote.

All of it happens when somebody scrapes; a request is not delayed by any of it but the worker's turn.
"""

from infra.segments import bytes_of, older_segments
from infra.storage import Store
from monitoring.exposition import FLOWS, GAUGE, Metric, Sample, render
from services import metrics
from services.prediction_log import FOLDER


def scrape(store: Store, is_ready: bool, most_backlog_bytes: int) -> bytes:
    """Everything there is to know, in Prometheus' text format."""
    seen = render(_now(store, is_ready, most_backlog_bytes)).encode()
    return metrics.exposition() + seen + (store.read_bytes(FLOWS) or b"")


def _now(store: Store, is_ready: bool, most_backlog_bytes: int) -> list[Metric]:
    waiting, written = bytes_of(older_segments(store.path(FOLDER))), store.mark(FLOWS)
    return [
        _gauge("preflight_ready", "1: the worker that was scraped answers its probe, and is not leaving", is_ready),
        _gauge("preflight_log_backlog_bytes", "Full segments of the prediction log that wait to be loaded", waiting),
        _gauge("preflight_log_backlog_limit_bytes", "Backlog above which no answer is given", most_backlog_bytes),
        _gauge("preflight_flows_written_timestamp_seconds", "When a flow had news last; 0: never",
               written[1] / 1e9 if written else 0),
    ]  # fmt: skip


def _gauge(name: str, told: str, value: float) -> Metric:
    return Metric(name, GAUGE, told, (Sample(value),))
