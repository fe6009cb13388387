"""`metrics` and `prometheus`: what the flows expose, and a Prometheus that scrapes it under our rules."""

import signal
import threading
from dataclasses import asdict

from infra.prometheus_process import running_prometheus
from infra.settings import Settings
from monitoring.exposition import FLOWS, render
from pipelines.context import open_context
from pipelines.exposing import expose
from preflight import show

LOOK_SECONDS = 1


def metrics(settings: Settings, as_json: bool) -> None:
    """Write what the records of the home give as metrics, and show it."""
    context = open_context(settings)
    found = expose(context)
    if not as_json:
        show.tell(render(found).rstrip("\n"))
    shown = [metric for metric in found if metric.samples]
    samples = sum(len(metric.samples) for metric in shown)
    outcome = f"{samples} values of {len(shown)} metrics are in {context.store.path(FLOWS)}"
    show.finish(outcome, {"metrics": [asdict(metric) for metric in shown]}, as_json)


def prometheus(settings: Settings, port: int | None) -> None:
    """Scrape the service of this home under the rules of infra/prometheus until interrupted."""
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    with running_prometheus(settings.home, settings.port, port) as running:
        show.tell(
            f"Prometheus scrapes the service and evaluates the rules; alerts: {running.address}/alerts, "
            f"targets: {running.address}/targets; Ctrl-C ends it"
        )
        while not over.wait(LOOK_SECONDS):
            running.require_alive()
    show.finish(f"Prometheus stopped; what it saw is in {running.data}", {}, as_json=False)
