"""`up`, `status`, `logs`, `down`: ports that are kept or named, what is left out and why, and one real stack."""

import json
import socket

import pytest

from infra.local_stack import Service
from infra.network import LOOPBACK, PortInUse, free_port
from infra.orchestrator import SERVER, server_of
from infra.settings import Settings
from pipelines.context import Context
from preflight import stack_plan
from preflight.stack_plan import MLFLOW, NAMES, NOT_ASKED, PROMETHEUS, SERVE, WORKER, choose_port, plan_stack


@pytest.fixture
def context(tmp_path):
    """A home in which nothing was ever done."""
    return Context(Settings(home=tmp_path / "home", port=free_port()))


@pytest.fixture
def taken():
    """A port that somebody listens on: we ourselves."""
    with socket.socket() as listening:
        listening.bind((LOOPBACK, 0))
        listening.listen()
        yield listening.getsockname()[1]


def plan(context, asked=NAMES, ports=None, before=(), alive=(), prefect_url=None):
    return plan_stack(context, asked, ports or {}, list(before), set(alive), prefect_url)


def test_the_port_of_a_setting_that_is_in_use_is_refused_with_its_owner(context, taken):
    settings = context.settings.model_copy(update={"port": taken})

    with pytest.raises(PortInUse, match=rf"port {taken} is in use by python.* \(process \d+\)"):
        choose_port(settings, SERVE, None, set(), {})


def test_the_usual_port_that_is_in_use_is_left_and_its_owner_named(context, taken, monkeypatch):
    monkeypatch.setitem(stack_plan.USUAL_PORTS, MLFLOW, taken)
    moved = {}

    port = choose_port(context.settings, MLFLOW, None, set(), moved)

    assert port != taken
    assert f"port {taken} is in use by" in moved[MLFLOW]


def test_the_port_of_the_last_time_comes_before_the_usual_one(context):
    kept = free_port()

    assert choose_port(context.settings, MLFLOW, kept, set(), {}) == kept


def test_two_services_never_get_one_port(context, monkeypatch):
    usual = free_port()
    monkeypatch.setitem(stack_plan.USUAL_PORTS, MLFLOW, usual)

    assert choose_port(context.settings, MLFLOW, None, {usual}, {}) != usual


def test_a_home_without_a_champion_gets_what_can_run_and_is_told_what_to_do(context):
    found = plan(context)

    assert {SERVER, MLFLOW, WORKER} <= {service.name for service in found.services}
    assert "run: preflight demo" in found.skipped[SERVE]


def test_what_is_not_installed_is_left_out_with_the_way_to_install_it(context, monkeypatch):
    monkeypatch.setattr("infra.prometheus_process.shutil.which", lambda name: None)

    assert "apt-get install prometheus" in plan(context).skipped[PROMETHEUS]


def test_what_is_alive_stays_and_what_has_ended_is_tried_again(context):
    before = [
        Service(SERVER, ("prefect",), f"http://{LOOPBACK}:4200", "", "", attempt=3),
        Service(MLFLOW, ("mlflow",), f"http://{LOOPBACK}:5000", "", "", attempt=1),
    ]

    found = {service.name: service for service in plan(context, before=before, alive={SERVER}).services}

    assert found[SERVER] == before[0]
    assert found[MLFLOW].attempt == 2


def test_a_server_that_is_named_is_used_and_none_of_our_own_is_started(context):
    found = plan(context, prefect_url="http://elsewhere:4200/api")
    (worker,) = [service for service in found.services if service.name == WORKER]

    assert "http://elsewhere:4200/api" in found.skipped[SERVER]
    assert (worker.needs, worker.environment) == (None, {"PREFECT_API_URL": "http://elsewhere:4200/api"})


def test_only_what_is_asked_for_is_started(context):
    found = plan(context, asked=(MLFLOW,))

    assert [service.name for service in found.services] == [MLFLOW]
    assert set(found.skipped.values()) == {NOT_ASKED}


def test_a_worker_without_a_server_is_refused_with_the_way_out(context):
    assert "preflight up prefect worker" in plan(context, asked=(WORKER,)).skipped[WORKER]


def test_a_service_that_does_not_exist_is_wrong_usage(run_here, tmp_path):
    ended = run_here(tmp_path, "up", "kafka")

    assert (ended.returncode, "got kafka" in ended.stderr) == (2, True)


def test_down_without_a_stack_says_that_nothing_runs(run_here, tmp_path):
    ended = run_here(tmp_path, "down")

    assert (ended.returncode, ended.stdout) == (0, "nothing runs; no stack was up\n")


def test_prefect_and_mlflow_come_up_are_found_and_go_down(run_here, tmp_path, monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    try:
        first = run_here(tmp_path, "up", SERVER, MLFLOW, "--json")
        assert first.returncode == 0, first.stderr
        started = {one["name"]: one for one in json.loads(first.stdout)["services"]}
        again = json.loads(run_here(tmp_path, "up", SERVER, MLFLOW, "--json").stdout)
        status = {one["name"]: one for one in json.loads(run_here(tmp_path, "status", "--json").stdout)["services"]}
        found = server_of(tmp_path)
        said = run_here(tmp_path, "logs", MLFLOW, "-n", "5")
    finally:
        ended = run_here(tmp_path, "down", "--json")

    assert {name for name, one in started.items() if one["state"] == "up"} == {SERVER, MLFLOW}
    assert again["started"] == []
    assert {name: status[name]["pid"] for name in (SERVER, MLFLOW)} == {
        name: started[name]["pid"] for name in (SERVER, MLFLOW)
    }
    assert found == f"{started[SERVER]['address']}/api"
    assert said.stdout
    assert (json.loads(ended.stdout)["killed"], server_of(tmp_path)) == (0, None)
