"""Every flow as a worker runs it, asked for by name and plain values: it holds the home folder, as commands do.

A command takes the lock, starts the flow and tells what came of it (`preflight/session.py`); a run that a worker starts
has nobody around it. So each flow stands here once more, under the same name, with the lock inside the run: it waits
for whoever holds the home, and says Running meanwhile. The flow's function is called, not the flow: a flow within a
flow is what docs/decisions/0005 is about. `prefect.yaml` deploys what is here, and nothing else.
"""

import importlib
import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from prefect import Flow
from prefect import flow as as_flow

from infra.stopwatch import STOPWATCH
from pipelines.context import WEEK_BYTES, YEAR_BYTES, open_context
from pipelines.exposing import expose

FLOWS = {
    "ingest": ("ingest_flow", "ingest"),
    "deliver": ("deliver_flow", "deliver"),
    "validate": ("validate_flow", "validate"),
    "quarantine_replay": ("quarantine_flow", "replay"),
    "quarantine_discard": ("quarantine_flow", "discard"),
    "features": ("features_flow", "features"),
    "train": ("train_flow", "train"),
    "score": ("score_flow", "score"),
    "monitor": ("monitor_flow", "monitor"),
    "retrain": ("retrain_flow", "retrain"),
    "replay": ("replay_flow", "replay"),
    "end_week": ("loop_flow", "end_week"),
    "retrain_for_incident": ("loop_flow", "retrain_for_incident"),
}
"""What each is called here, and where it is: a module and the flow in it."""
NEEDS_BYTES = {"replay": YEAR_BYTES}
WAIT_SECONDS = 3600
"""How long a run waits for whoever holds the home folder, a training of some minutes among others."""
SETTINGS = "settings"


def deployed(flow: Flow, needs_bytes: int = WEEK_BYTES) -> Flow:
    """The flow with the home of PREFLIGHT_HOME held while it runs, and with the settings that home was lived with.

    It takes what the flow takes, but for the settings: a worker has those of its environment.
    """

    def run(**parameters: object) -> object:
        context = open_context().as_lived()
        with context.held(needs_bytes, WAIT_SECONDS):
            try:
                return flow.fn(**parameters, settings=context.settings)
            finally:  # a week that was refused is news as well
                expose(context, STOPWATCH.seconds())

    named: Any = wraps(flow.fn)(run)
    named.__signature__ = _without_settings(flow.fn)
    made: Any = as_flow(
        named,
        name=flow.name,
        flow_run_name=flow.flow_run_name,
        description=flow.description,
        on_running=flow.on_running_hooks,
    )
    return made


def _without_settings(function: Callable) -> inspect.Signature:
    whole = inspect.signature(function)
    asked = [
        one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in whole.parameters.values() if one.name != SETTINGS
    ]
    return whole.replace(parameters=asked)


def __getattr__(name: str) -> Flow:
    """The flow of that name, made when it is asked for: a run imports the tools of its own flow, and of no other."""
    if name not in FLOWS:
        raise AttributeError(f"{__name__} has no flow {name}; there are {', '.join(FLOWS)}")
    module, attribute = FLOWS[name]
    flow = getattr(importlib.import_module(f"pipelines.{module}"), attribute)
    globals()[name] = deployed(flow, NEEDS_BYTES.get(name, WEEK_BYTES))
    return globals()[name]
