"""The stack for real: it comes up, answers, survives the death of each part, and comes back from a backup.

Run by `make test-compose`; needs a Docker engine and docker-compose, 8 GB of memory, and about half an hour.
"""

import os
import time
from base64 import b64encode

import httpx
import pytest
from chromium import MISSING, find_chromium, running_chromium
from stack import FLIGHT, ROOT, Stack, compose_command

pytestmark = [
    pytest.mark.compose,
    pytest.mark.skipif(
        compose_command() is None and "CI" not in os.environ, reason="Docker Compose is not installed"
    ),  # a lane that has none has to fail
]
PICTURES = ROOT / "var" / "pictures"
PART_OF = (
    "mlflow",
    "prefect",
    "agent",
    "worker",
    "evidently",
    "prometheus",
    "service-1",
    "service-2",
    "proxy",
    "postgres",
)
DASK_WORKERS = "dask-worker-1", "dask-worker-2"
AWAY_SECONDS = {"proxy": 60, "postgres": 15}
"""For how long a request may wait while a part is away; what answers is two services behind one proxy."""
LITTLE_SECONDS = 15
RESTORE = "preflight restore --replace $(ls /backups/preflight-*.tar | tail -1)"


@pytest.fixture(scope="module")
def stack():
    """All of core and monitoring, built from this checkout."""
    stack = Stack()
    try:
        seconds = stack.up()
        print(f"\nhealthy after {seconds / 60:.1f} minutes, images built as needed")
        yield stack
    finally:
        stack.down()


def wait_for(condition, seconds: float = 120):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(1)
    return found


def test_everything_that_stays_is_there_and_well(stack):
    assert set(stack.running()) == set(PART_OF)


def test_a_flight_is_answered_through_nginx_and_found_in_postgresql(stack):
    answer = httpx.post(f"{stack.address('proxy')}/v1/predict", json=FLIGHT, headers={"X-Request-Id": "first"})

    assert answer.status_code == 200, answer.text
    assert wait_for(lambda: stack.predictions().get("first")) == 1


def test_a_pin_wants_the_key_of_the_service(stack):
    version = str(httpx.get(f"{stack.address('proxy')}/v1/model").json()["model_version"])
    ask = {"url": f"{stack.address('proxy')}/v1/predict", "json": FLIGHT}

    without = httpx.post(**ask, headers={"X-Model-Version": version})
    with_it = httpx.post(**ask, headers={"X-Model-Version": version, "X-Api-Key": stack.secret("api_key")})

    assert (without.status_code, with_it.status_code) == (401, 200)


def test_mlflow_names_the_champion_to_who_has_the_password(stack):
    url = f"{stack.address('mlflow')}/api/2.0/mlflow/registered-models/get?name=flight-lateness"
    served = httpx.get(f"{stack.address('proxy')}/v1/model").json()["model_version"]

    assert httpx.get(url).status_code == 401
    model = httpx.get(url, auth=("admin", stack.secret("mlflow_password"))).json()["registered_model"]
    assert {one["alias"]: int(one["version"]) for one in model["aliases"]}["champion"] == served


def test_prefect_shows_the_runs_to_who_has_the_password(stack):
    url = f"{stack.address('prefect')}/api/flow_runs/filter"

    assert httpx.post(url, json={}).status_code == 401
    runs = httpx.post(url, json={}, auth=tuple(stack.secret("prefect_auth").split(":", 1))).json()
    assert "COMPLETED" in {run["state_type"] for run in runs if run["name"].startswith("replay-until")}


def test_the_deployments_are_there_and_a_worker_waits_for_their_runs(stack):
    url, auth = f"{stack.address('prefect')}/api", tuple(stack.secret("prefect_auth").split(":", 1))

    deployed = {one["name"] for one in httpx.post(f"{url}/deployments/filter", json={}, auth=auth).json()}
    workers = httpx.post(f"{url}/work_pools/preflight/workers/filter", json={}, auth=auth).json()

    assert {"ingest", "train", "score", "retrain-for-incident"} <= deployed
    assert "ONLINE" in {one["status"] for one in workers}


def test_prometheus_scrapes_both_services_and_an_alert_fires_when_one_is_gone(stack):
    def ask(query: str) -> list[dict]:
        asked = httpx.get(f"{stack.address('prometheus')}/api/v1/query", params={"query": query})
        return asked.json()["data"]["result"]

    wait_for(lambda: [one["value"][1] for one in ask('up{job="preflight"}')] == ["1", "1"])
    stack.compose("stop", "service-2")
    fired = wait_for(lambda: ask('ALERTS{alertname="ServiceDown",alertstate="firing"}'), 240)
    stack.compose("start", "service-2")
    stack.wait_until_well("service-2")

    assert [one["metric"]["instance"] for one in fired] == ["service-2:3000"]


@pytest.mark.skipif(find_chromium() is None, reason=MISSING)
def test_the_pages_open_in_a_browser(stack, tmp_path):
    mlflow, prefect = f"admin:{stack.secret('mlflow_password')}", stack.secret("prefect_auth")
    pages = {
        "mlflow": (f"{stack.address('mlflow')}/#/models/flight-lateness", "champion", mlflow),
        "prefect": (f"{stack.address('prefect')}/runs", "replay-until", prefect),
        "evidently": (stack.address("evidently"), "Preflight", ""),
        "prometheus": (f"{stack.address('prometheus')}/api/v1/targets", "service-1:3000", ""),
    }

    with running_chromium(tmp_path) as browser:
        for name, (url, text, who) in pages.items():
            sent = {"Authorization": f"Basic {b64encode(who.encode()).decode()}"} if who else {}
            browser.visit(url, 1400, PICTURES / f"stack-{name}.png", until=text, sent=sent)

    assert all((PICTURES / f"stack-{name}.png").stat().st_size > 10_000 for name in pages)


def test_each_part_may_be_killed_and_no_acknowledged_prediction_is_lost(stack):
    rows, asked = [], []
    for part in PART_OF:
        with stack.traffic(f"kill-{part}") as seen:
            time.sleep(2)
            seconds = stack.seconds_to_recover(part)
            time.sleep(1)
        rows.append((part, seconds, len(seen.acknowledged), seen.asked_again, seen.longest_seconds))
        asked += seen.acknowledged
    print("\npart killed   back after   answered   asked again   longest wait")
    for part, seconds, answered, again, longest in rows:
        print(f"{part:<13} {seconds:>8.0f} s {answered:>10} {again:>13} {longest:>12.1f} s")

    found = wait_for(lambda: (now := stack.predictions()) and set(asked) <= set(now) and now, 180)
    assert {name: found[name] for name in asked if found[name] != 1} == {}
    assert {part: longest for part, *_, longest in rows if longest > AWAY_SECONDS.get(part, LITTLE_SECONDS)} == {}


def test_from_a_backup_the_stack_comes_back_with_champion_predictions_and_page(stack):
    page = "sha256sum /var/lib/preflight/report/index.html"
    stack.inside("agent", "preflight", "report")
    before = {
        "champion": httpx.get(f"{stack.address('proxy')}/v1/model").json()["model_sha256"],
        "page": stack.inside("agent", "sh", "-c", page),
        "predictions": len(stack.predictions()),
    }
    started = time.monotonic()
    stack.compose("run", "--rm", "backup", timeout=1800)
    kept_seconds = time.monotonic() - started
    stack.destroy_all_but("backups")

    started = time.monotonic()
    stack.compose("run", "--rm", "backup", "sh", "-c", RESTORE, timeout=1800)
    stack.compose("up", "-d", timeout=3600)
    for service in stack.running():
        stack.wait_until_well(service)
    back_seconds = time.monotonic() - started
    print(f"\nkept in {kept_seconds:.0f} s; healthy again {back_seconds:.0f} s after every volume was destroyed")

    assert before == {
        "champion": httpx.get(f"{stack.address('proxy')}/v1/model").json()["model_sha256"],
        "page": stack.inside("agent", "sh", "-c", page),
        "predictions": len(stack.predictions()),
    }


def test_two_dask_workers_build_the_files_that_one_process_builds(stack):
    folder, month = "/var/lib/preflight/features", "2013-02"

    def build(engine: str) -> str:
        stack.inside("worker", "sh", "-c", f"rm {folder}/{month}-*")
        stack.compose("exec", "-T", "-e", f"PREFLIGHT_ENGINE={engine}", "worker", "preflight", "features", month)
        return stack.inside("worker", "sh", "-c", f"sha256sum {folder}/{month}-*.parquet")

    stack.compose("up", "-d", "dask-scheduler", *DASK_WORKERS)
    beside = build("tcp://dask-scheduler:8786")
    stack.compose("rm", "--stop", "--force", "dask-scheduler", *DASK_WORKERS)

    assert len(beside.splitlines()) >= 4
    assert beside == build("local")


def test_memory_at_rest_is_told(stack):
    time.sleep(20)

    used = stack.memory()

    print("\n" + "\n".join(f"{name:<14} {said:>12}" for name, said in sorted(used.items())))
    assert set(used) == set(PART_OF)
