"""The switches that outside tools read from the environment: no telemetry, no chatter, no spinning threads."""

import os
from pathlib import Path

# Each name is the tool's own spelling: BentoML and MLflow accept only the word true, and
# Prefect's server sends a heartbeat that DO_NOT_TRACK does not stop.
NO_TELEMETRY = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "BENTOML_DO_NOT_TRACK": "True",
    "ITERATIVE_DO_NOT_TRACK": "true",
    "GX_ANALYTICS_ENABLED": "false",
}
QUIET = {
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_SERVER_LEVEL": "ERROR",
    "PREFECT_CLI_PROMPT": "false",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",  # rules log outside of flows too
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "DASK_LOGGING__DISTRIBUTED": "error",  # a worker that joins or leaves is a line each, on every side
}
SPEED = {
    "OMP_WAIT_POLICY": "passive",  # spinning OpenMP threads make a fit up to 40 times slower beside a busy server
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",  # the default of 20 s fails on a loaded laptop
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",  # a killed run is found after three missed ones: 90 s, and not 540
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # eight more processes for jobs that nobody here submits
}


def prepare_environment(home: Path) -> None:
    """Set what outside tools read when they are imported; call it before importing any of them.

    A variable that is already set stays: the user's word counts. The homes of the tools go under `home`.
    """
    homes = {
        "PREFECT_HOME": str(home / "prefect"),
        "BENTOML_HOME": str(home / "bentoml"),
        "MPLCONFIGDIR": str(home / "cache" / "matplotlib"),
    }
    for name, value in (NO_TELEMETRY | QUIET | SPEED | homes).items():
        os.environ.setdefault(name, value)
