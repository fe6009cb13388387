"""What a worker counts, as Prometheus metrics summed over the workers. The home of prometheus_client.

Labels are of few values: a route, a status, a version, a role, a reason; never a flight, a tail or a request id.
"""

import os
from collections.abc import Iterable
from functools import lru_cache

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

SECONDS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
ALERTED = (200, 429, 500, 503)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

ANSWERS = Counter("preflight_answers", "Requests answered, by route and status", ["route", "status"])
PREDICTIONS = Counter("preflight_predictions", "Flights predicted, by who answered", ["version", "role"])
SECONDS_TAKEN = Histogram(
    "preflight_request_seconds", "From the body being read to the answer", ["route"], buckets=SECONDS
)
DEGRADED = Counter("preflight_degraded_answers", "Requests answered without fresh features", ["mode"])
REPLAYED = Counter("preflight_replayed_answers", "Requests answered again from the log, for their id was known")
NOT_LOGGED = Counter("preflight_unlogged_refusals", "Requests refused because no record could be kept", ["why"])
SHADOWED = Counter(
    "preflight_shadow_predictions", "Flights that a second model scored beside the one that answered", ["version"]
)
FAILED = Counter("preflight_model_failures", "Requests that a model failed on and the champion answered", ["version"])
SWAPS = Counter("preflight_model_swaps", "Times a worker changed what it answers with", ["version"])
REFUSED_MODELS = Counter("preflight_refused_models", "Times a worker refused what it was pointed to")
SERVING = Gauge("preflight_serving_version", "Version that answers as champion", multiprocess_mode="livemostrecent")
KNOWN_UNTIL = Gauge(
    "preflight_features_known_until_seconds", "End of the snapshot of features, seconds since 1970; 0: none",
    multiprocess_mode="livemostrecent",
)  # fmt: skip


def start_at_zero(routes: Iterable[str], modes: Iterable[str], whys: Iterable[str]) -> None:
    """Show the counters that alerts look at before anything is counted.

    Prometheus sees no increase in a series that is born with its first event, and would miss it.
    """
    for route in routes:
        SECONDS_TAKEN.labels(route)
        for status in ALERTED:
            ANSWERS.labels(route, status)
    for mode in modes:
        DEGRADED.labels(mode)
    for why in whys:
        NOT_LOGGED.labels(why)


@lru_cache(maxsize=1024)
def of(metric: Counter | Histogram, *labels: object) -> Counter | Histogram:
    """A metric with its labels, found once; looking it up costs as much as counting."""
    return metric.labels(*labels)


def exposition() -> bytes:
    """All metrics in Prometheus' text format, of every worker when several share a folder."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return generate_latest(registry)
