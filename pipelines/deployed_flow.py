"""Every flow as a worker runs it, asked for by name and plain values: it holds the home folder, as commands do.

A command takes the lock, starts the flow and tells what came of it (`preflight/session.py`); a run that a worker starts
has nobody around it. So each flow stands here once more, under the same name, with the lock inside the run: it waits
for whoever holds the home, and says Running meanwhile. The flow's function is called, not the flow: a flow within a
flow is what docs/decisions/0005 is about. `prefect.yaml` deploys what is here, and nothing else.
"""

import inspect
from collections.abc import Callable
from functools import wraps

from prefect import Flow
from prefect import flow as as_flow

from infra.stopwatch import STOPWATCH
from pipelines import (
    deliver_flow,
    features_flow,
    ingest_flow,
    loop_flow,
    monitor_flow,
    quarantine_flow,
    replay_flow,
    retrain_flow,
    score_flow,
    train_flow,
    validate_flow,
)
from pipelines.context import WEEK_BYTES, YEAR_BYTES, open_context
from pipelines.exposing import expose

WAIT_SECONDS = 3600
"""How long a run waits for whoever holds the home folder, a training of some minutes among others."""
SETTINGS = "settings"


def deployed(flow: Flow, needs_bytes: int = WEEK_BYTES) -> Flow:
    """The flow with the home of PREFLIGHT_HOME held while it runs, and with the settings that home was lived with.

    It takes what the flow takes, but for the settings: a worker has those of its environment.
    """

    @wraps(flow.fn)
    def run(**parameters: object) -> object:
        context = open_context().as_lived()
        with context.held(needs_bytes, WAIT_SECONDS):
            try:
                return flow.fn(**parameters, settings=context.settings)
            finally:  # a week that was refused is news as well
                expose(context, STOPWATCH.seconds())

    run.__signature__ = _without_settings(flow.fn)
    return as_flow(
        run,
        name=flow.name,
        flow_run_name=flow.flow_run_name,
        description=flow.description,
        on_running=flow.on_running_hooks,
    )


def _without_settings(function: Callable) -> inspect.Signature:
    whole = inspect.signature(function)
    asked = [
        one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in whole.parameters.values() if one.name != SETTINGS
    ]
    return whole.replace(parameters=asked)


ingest = deployed(ingest_flow.ingest)
deliver = deployed(deliver_flow.deliver)
validate = deployed(validate_flow.validate)
quarantine_replay = deployed(quarantine_flow.replay)
quarantine_discard = deployed(quarantine_flow.discard)
features = deployed(features_flow.features)
train = deployed(train_flow.train)
score = deployed(score_flow.score)
monitor = deployed(monitor_flow.monitor)
retrain = deployed(retrain_flow.retrain)
replay = deployed(replay_flow.replay, YEAR_BYTES)
end_week = deployed(loop_flow.end_week)
retrain_for_incident = deployed(loop_flow.retrain_for_incident)
