"""`prefect.yaml`: every flow is in it, as it can be asked for, and whoever trains does so alone."""

import ast
import inspect
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import ConcurrencyLimitStrategy
from prefect.flows import load_flow_from_entrypoint
from prefect.states import Running

from infra.deployments import POOL, QUEUES, ask_for, declared, register
from infra.flow_runs import talking_to
from pipelines import deployed_flow

PIPELINES = Path(deployed_flow.__file__).parent
TRAINING = {"train", "retrain", "retrain-for-incident", "replay"}
ENTRIES = {entry["name"]: entry for entry in declared()}


def flows_of_the_source() -> set[tuple[str, str]]:
    """Module and function of everything under `@flow`, read from the source text."""
    return {
        (path.stem, node.name)
        for path in PIPELINES.glob("*_flow.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "flow"
    }


FOR_A_PROOF = {("features_flow", "backfill_into")}
"""It builds into a scratch folder, which a worker elsewhere has no business with: `preflight prove engine`."""


def test_every_flow_has_a_deployment():
    entrypoints = {f"pipelines.deployed_flow.{name}" for name in deployed_flow.FLOWS}

    assert set(deployed_flow.FLOWS.values()) == flows_of_the_source() - FOR_A_PROOF
    assert {entry["entrypoint"] for entry in ENTRIES.values()} == entrypoints


@pytest.mark.parametrize("name", ENTRIES)
def test_a_deployment_is_called_as_its_flow_and_takes_plain_values_that_the_flow_knows(name):
    entry = ENTRIES[name]
    flow = load_flow_from_entrypoint(entry["entrypoint"])
    parameters = inspect.signature(flow.fn).parameters

    required = {one.name for one in parameters.values() if one.default is inspect.Parameter.empty}

    assert flow.name == name
    assert "settings" not in parameters
    assert set(entry.get("parameters", {})) <= set(parameters)
    assert not entry.get("schedules") or required <= set(entry["parameters"])


@pytest.mark.parametrize("name", ENTRIES)
def test_a_deployment_says_what_it_does_and_where_it_runs(name):
    entry = ENTRIES[name]

    assert entry["description"].endswith(".")
    assert "preflight" in entry["tags"]
    assert (entry["work_pool"]["name"], entry["work_pool"]["work_queue_name"] in QUEUES) == (POOL, True)


def test_whoever_trains_and_promotes_does_so_one_at_a_time():
    alone = {name for name, entry in ENTRIES.items() if entry["work_pool"]["work_queue_name"] == "training"}

    assert (alone, QUEUES["training"]) == (TRAINING, 1)
    assert [ENTRIES[name]["concurrency_limit"] for name in sorted(TRAINING)] == [
        {"limit": 1, "collision_strategy": ConcurrencyLimitStrategy.ENQUEUE.value}
    ] * len(TRAINING)


def test_no_schedule_is_on_until_somebody_wants_it():
    assert [one["active"] for entry in ENTRIES.values() for one in entry.get("schedules", ())] == [False]


@pytest.fixture(scope="module")
def registered(prefect_url):
    """What registering says the first time and the second."""
    with talking_to(prefect_url):
        return register(), register()


def test_registering_twice_makes_each_deployment_once(registered):
    first, second = registered

    assert {one.done for one in first} == {"created"}
    assert {one.done for one in second} == {"kept"}
    assert {one.id for one in first} == {one.id for one in second}
    assert {one.name for one in first} == {f"{name}/{name}" for name in ENTRIES}


def test_the_server_gives_out_one_training_at_a_time_whatever_its_deployment(prefect_url, registered):
    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()

    def given_out(client) -> list[str]:
        asked = {"work_queue_names": ["training"], "scheduled_before": soon}
        answered = client.request("POST", f"/work_pools/{POOL}/get_scheduled_flow_runs", json=asked)
        return [one["flow_run"]["id"] for one in answered.json()]

    with talking_to(prefect_url), get_client(sync_client=True) as client:
        ask_for("train/train", {"as_of": "2013-07-01"})
        ask_for("retrain/retrain", {"period": "2013-07"})
        first = given_out(client)
        client.set_flow_run_state(first[0], Running(), force=True)
        meanwhile = given_out(client)

    assert (len(first), meanwhile) == (1, [])
