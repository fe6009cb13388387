"""The switches that outside tools read when they are imported."""

import os
from pathlib import Path

import pytest

from infra.environment import NO_TELEMETRY, prepare_environment


@pytest.fixture
def environment(monkeypatch) -> dict[str, str]:
    """An environment without a variable."""
    monkeypatch.setattr(os, "environ", {})
    return os.environ


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DO_NOT_TRACK", "true"),
        ("MLFLOW_DISABLE_TELEMETRY", "true"),
        ("PREFECT_SERVER_ANALYTICS_ENABLED", "false"),
        ("BENTOML_DO_NOT_TRACK", "True"),
        ("GX_ANALYTICS_ENABLED", "false"),
    ],
)
def test_no_tool_reports_home(environment, name, value):
    prepare_environment(Path("var"))

    assert environment[name] == value


@pytest.mark.parametrize("name", [*NO_TELEMETRY, "PREFECT_HOME", "OMP_WAIT_POLICY"])
def test_the_word_of_the_user_counts(environment, name):
    environment[name] = "mine"

    prepare_environment(Path("var"))

    assert environment[name] == "mine"


@pytest.mark.parametrize("name", ["PREFECT_HOME", "BENTOML_HOME", "MPLCONFIGDIR"])
def test_tools_keep_their_files_under_the_home_folder(environment, name):
    prepare_environment(Path("/srv/preflight"))

    assert Path(environment[name]).is_relative_to("/srv/preflight")


def test_preparing_twice_changes_nothing(environment):
    prepare_environment(Path("var"))
    before = dict(environment)

    prepare_environment(Path("elsewhere"))

    assert environment == before
