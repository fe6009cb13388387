"""What we rely on in Prefect: flows report to our server, with tags, retries and artifacts that can be read back."""

from prefect import flow, task
from prefect.artifacts import Artifact, create_table_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.settings import PREFECT_API_URL, temporary_settings

from infra.orchestrator import tag_run

attempts = []


@task(retries=1, retry_delay_seconds=0)
def succeed_the_second_time() -> int:
    attempts.append(len(attempts))
    if len(attempts) == 1:
        raise ValueError("the first time always fails")
    return len(attempts)


@flow(name="contract", flow_run_name="contract-{week}", on_running=[tag_run("data")])
def contract(week: str) -> int:
    create_table_artifact(key="contract", table=[{"week": week}], description="what a person looks at")
    return succeed_the_second_time()


def test_a_flow_retries_its_tasks_and_leaves_its_name_tags_and_artifact(prefect_url):
    with temporary_settings({PREFECT_API_URL: prefect_url}):
        result = contract("2013-07-01")
        with get_client(sync_client=True) as client:
            (run,) = client.read_flow_runs(flow_run_filter=FlowRunFilter(name={"any_": ["contract-2013-07-01"]}))
        artifact = Artifact.get("contract")

    assert (result, run.state_name, sorted(run.tags)) == (2, "Completed", ["data", "preflight"])
    assert "2013-07-01" in artifact.data


def test_a_run_whose_process_was_killed_is_marked_as_crashed(tmp_path):
    from prefect.states import Running

    from infra.orchestrator import prefect_server

    with prefect_server(tmp_path) as server:
        with server.ready(), get_client(sync_client=True) as client:
            run = client.create_flow_run(contract, parameters={"week": "2013-07-08"}, state=Running())
        with server.ready(), get_client(sync_client=True) as client:
            assert client.read_flow_run(run.id).state_name == "Crashed"
