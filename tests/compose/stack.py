"""A stack of containers of its own, beside any other: started, asked, killed piece by piece, and taken away."""

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import yaml

from infra.network import LOOPBACK, free_port

ROOT = Path(__file__).parents[2]
PROJECT = "preflight-test"
SUBNET = "172.30.114"
PORTS = {"proxy": "STACK_PORT", "mlflow": "STACK_MLFLOW_PORT", "prefect": "STACK_PREFECT_PORT",
         "evidently": "STACK_EVIDENTLY_PORT", "prometheus": "STACK_PROMETHEUS_PORT"}  # fmt: skip
FLIGHT = {
    "carrier": "UA",
    "flight_number": 1545,
    "tail_number": "N14228",
    "origin": "EWR",
    "destination": "IAH",
    "scheduled_departure": "2013-04-03T05:15:00-04:00",
    "scheduled_arrival": "2013-04-03T08:19:00-05:00",
}
PAUSE_SECONDS = 0.1
COMPOSE = ("docker-compose",), ("docker", "compose")


def compose_command() -> tuple[str, ...] | None:
    """Compose as this machine has it, 1.29 or v2; None when it has neither."""
    for command in COMPOSE:
        found = shutil.which(command[0])
        if found and subprocess.run([*command, "version"], capture_output=True, check=False).returncode == 0:
            return command
    return None


GIVEN_UP_SECONDS = 180


@dataclass
class Traffic:
    """What a client saw that asks ten times a second and asks again, with the same id, when it got no answer."""

    acknowledged: list[str] = field(default_factory=list)
    asked_again: int = 0
    longest_seconds: float = 0.0


class Stack:
    """The services of docker-compose.yml in a project of their own, on ports of their own."""

    def __init__(self) -> None:
        self.ports = {name: free_port() for name in PORTS}
        self._environment = {
            "STACK_TUNE_TRIALS": "2",  # say more of them from outside
            **os.environ,
            **{variable: str(self.ports[name]) for name, variable in PORTS.items()},
            "COMPOSE_PROJECT_NAME": PROJECT,
            "COMPOSE_PROFILES": "core,monitoring",
            "STACK_SUBNET": SUBNET,
        }

    def compose(self, *arguments: str, timeout: float = 600) -> str:
        """What a docker-compose command says; raises AssertionError with its words when it fails."""
        done = subprocess.run(
            [*compose_command(), *arguments],
            cwd=ROOT, env=self._environment, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def inside(self, service: str, *command: str) -> str:
        """What a command says that runs in the container of a service."""
        return self.compose("exec", "-T", service, *command).strip()

    def secret(self, name: str) -> str:
        """A secret of the clients."""
        return self.inside("agent", "cat", f"/run/secrets/{name}")

    def address(self, service: str) -> str:
        """Where a service answers on this machine."""
        return f"http://{LOOPBACK}:{self.ports[service]}"

    def up(self) -> float:
        """Build what is not there, start everything, wait until it is healthy; seconds."""
        started = time.monotonic()
        self.compose("up", "-d", "--build", timeout=7200)
        for service in self.running():
            self.wait_until_well(service)
        return time.monotonic() - started

    def down(self) -> None:
        """Take everything away, volumes as well."""
        self.compose("down", "--volumes", "--remove-orphans")

    def running(self) -> list[str]:
        """The services that stay."""
        return self.compose("ps", "--services", "--filter", "status=running").split()

    def container(self, service: str) -> dict:
        """What Docker knows of the container of a service."""
        (number,) = self.compose("ps", "-q", service).split()
        return json.loads(subprocess.check_output(["docker", "inspect", number]))[0]

    def wait_until_well(self, service: str, seconds: float = 600) -> None:
        """Return when it runs and is healthy, where it has a check."""
        deadline = time.monotonic() + seconds
        while True:
            state = self.container(service)["State"]
            if state["Running"] and state.get("Health", {}).get("Status", "healthy") == "healthy":
                return
            assert time.monotonic() < deadline, f"{service} is {state}"
            time.sleep(0.5)

    def kill(self, service: str) -> None:
        """SIGKILL to every process in a container, as when a machine runs out of memory."""
        command = ["docker", "exec", self.container(service)["Id"], "sh", "-c", "kill -9 -1"]
        subprocess.run(command, capture_output=True, check=False)  # which is among those it kills

    def seconds_to_recover(self, service: str) -> float:
        """Kill a service and wait until it was started again and is well."""
        before, killed = self.container(service)["State"]["StartedAt"], time.monotonic()
        self.kill(service)
        while self.container(service)["State"]["StartedAt"] == before:
            assert time.monotonic() < killed + GIVEN_UP_SECONDS, f"{service} was not started again"
            time.sleep(0.2)
        self.wait_until_well(service)
        return time.monotonic() - killed

    def predictions(self) -> dict[str, int]:
        """How many rows PostgreSQL has of each request."""
        query = "copy (select request_id, count(*) from online_predictions group by 1) to stdout"
        rows = self.inside("postgres", "psql", "-U", "postgres", "-d", "preflight", "-c", query).splitlines()
        return {name: int(count) for name, count in (row.split("\t") for row in rows)}

    def destroy_all_but(self, kept: str) -> None:
        """Take containers and volumes away, all volumes but one."""
        self.compose("down")
        for name in yaml.safe_load((ROOT / "docker-compose.yml").read_text())["volumes"]:
            if name != kept:
                subprocess.run(["docker", "volume", "rm", f"{PROJECT}_{name}"], capture_output=True, check=True)

    def memory(self) -> dict[str, str]:
        """What each running service uses, as Docker counts it."""
        said = subprocess.check_output(["docker", "stats", "--no-stream", "--format", "{{json .}}"], text=True)
        used = {row["Name"]: row["MemUsage"].split(" / ")[0] for row in map(json.loads, said.splitlines())}
        return {service: used[self.container(service)["Name"].removeprefix("/")] for service in self.running()}

    @contextmanager
    def traffic(self, prefix: str) -> Iterator[Traffic]:
        """A light load for the length of the block."""
        seen, over = Traffic(), threading.Event()

        def ask() -> None:
            number = 0
            with httpx.Client(base_url=self.address("proxy"), timeout=15) as client:
                while not over.wait(PAUSE_SECONDS):
                    number += 1
                    _ask_until_answered(client, f"{prefix}-{number}", seen)

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield seen
        finally:
            over.set()
            thread.join(GIVEN_UP_SECONDS)


def _ask_until_answered(client: httpx.Client, name: str, seen: Traffic) -> None:
    started = time.monotonic()
    while time.monotonic() < started + GIVEN_UP_SECONDS:
        try:
            answer = client.post("/v1/predict", json=FLIGHT, headers={"X-Request-Id": name})
            if answer.status_code == 200:
                seen.acknowledged.append(name)
                break
        except httpx.HTTPError:
            pass
        seen.asked_again += 1
        time.sleep(PAUSE_SECONDS)
    seen.longest_seconds = max(seen.longest_seconds, time.monotonic() - started)
