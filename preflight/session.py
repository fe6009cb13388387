"""What a working command needs around it: the lock, room on disk, a Prefect server, tools imported meanwhile."""

import importlib
import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from infra.environment import prepare_environment
from infra.settings import Settings
from infra.stopwatch import STOPWATCH, part
from pipelines.context import WEEK_BYTES, open_context

REGISTRY, SUITES, DRIFT = "infra.registry", "data_checks.suites", "monitoring.drift"
OUR_LOGGERS = ("data_checks", "infra", "monitoring", "pipelines")


@contextmanager
def working(settings: Settings, flow_module: str, *tools: str, needs_bytes: int = WEEK_BYTES) -> Iterator[object]:
    """The module of a flow, imported, with the home folder held and a Prefect server answering.

    Raises StorageError or BusyError before anything is started.
    """
    from infra.orchestrator import prefect_server
    from pipelines.exposing import expose

    context = open_context(settings)
    with context.held(needs_bytes), prefect_server(settings.home) as server:
        with part("imports"):
            for tool in tools:  # while the server starts
                importlib.import_module(tool)
            module = importlib.import_module(flow_module)
        with ExitStack() as running:
            with part("Prefect server"):
                running.enter_context(server.ready())
            try:
                yield module
            finally:  # a week that was refused is news as well
                expose(context, STOPWATCH.seconds())
            with part("Prefect server"):
                running.close()


def prepare(settings: Settings, verbose: bool) -> None:
    """Set what tools read from the environment, and how loud everything is; called before any of them is imported."""
    if not verbose:
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")  # it prints errors; so do we, once
        logging.raiseExceptions = False  # a log line that cannot be sent is not worth a second error
    os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", ",".join(OUR_LOGGERS))
    prepare_environment(settings.home)
    if verbose:
        logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s", datefmt="%H:%M:%S")
    for name in OUR_LOGGERS:
        logging.getLogger(name).setLevel(logging.INFO)
