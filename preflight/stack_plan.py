"""What belongs to the stack of a home: which services, in which order, on which ports, and why one is left out."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from infra.errors import PreflightError
from infra.evidently_process import evidently_command
from infra.local_stack import Service
from infra.mlflow_process import mlflow_command
from infra.network import LOOPBACK, PortInUse, claim_port, free_port, port_owner
from infra.orchestrator import SERVER, server_command
from infra.prometheus_process import prometheus_command
from infra.proxy_process import ProxyMissing, find_nginx
from infra.settings import Settings
from pipelines.context import Context

WORKER, MLFLOW, EVIDENTLY, SERVE, PROMETHEUS = "worker", "mlflow", "evidently", "serve", "prometheus"
NAMES = (SERVER, MLFLOW, EVIDENTLY, SERVE, PROMETHEUS, WORKER)
"""In the order of their start; they are ended in the reverse of it."""
USUAL_PORTS = {SERVER: 4200, MLFLOW: 5000, EVIDENTLY: 8000, PROMETHEUS: 9090, WORKER: 8080}
"""Each tool's own; the service's is PREFLIGHT_PORT."""
NOT_ASKED = "was not asked for; to start everything: preflight up"
HEALTH = {
    **{SERVER: "/api/health", MLFLOW: "/health", EVIDENTLY: "/api/version"},
    **{SERVE: "/readyz", PROMETHEUS: "/-/ready", WORKER: "/health"},
}
TITLES = {
    SERVER: "Prefect: flow runs, deployments, automations",
    MLFLOW: "MLflow: experiments, versions, artefacts",
    EVIDENTLY: "Evidently: drift and quality by week",
    SERVE: "The prediction service",
    PROMETHEUS: "Prometheus: metrics, alerts",
    WORKER: "The worker: runs deployments in this home",
}


class NoServer(PreflightError, LookupError):  # noqa: N818
    """A worker is wanted, and no Prefect server."""


@dataclass
class Plan:
    """The services to run, what was left out and why, and the ports that were chosen and why not others."""

    services: list[Service] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)


def plan_stack(
    context: Context,
    asked: tuple[str, ...],
    kept_ports: dict[str, int],
    before: list[Service],
    alive: set[str],
    prefect_url: str | None,
) -> Plan:
    """The stack as it should be now: what is `alive` stays as it was before, what is `asked` for is started.

    `prefect_url` is a server of others that is used instead of one of our own. Raises PortInUse.
    """
    plan, earlier = Plan(), {service.name: service for service in before}
    for name in NAMES:
        if name in alive:
            plan.services.append(earlier[name])
            continue
        if reason := NOT_ASKED if name not in asked else _why_not(context, name, prefect_url):
            plan.skipped[name] = reason
            continue
        taken = {_port_of(service) for service in [*plan.services, *(earlier[other] for other in alive)]}
        port = choose_port(context.settings, name, kept_ports.get(name), taken, plan.moved)
        try:
            service = _service(context, name, port, prefect_url, plan.services)
        except PreflightError as error:  # a tool is missing, a workspace is not there yet
            plan.skipped[name] = str(error)
            continue
        attempt = earlier[name].attempt + 1 if name in earlier else 1
        plan.services.append(replace(service, attempt=attempt))
    return plan


def choose_port(settings: Settings, name: str, kept: int | None, taken: set[int], moved: dict[str, str]) -> int:
    """The port of a setting, which has to be free; or the one that was used before, the usual one, or any free one.

    What is not taken because another process holds it is named in `moved`. Raises PortInUse.
    """
    if name == SERVE:
        return claim_port(settings.port)
    for port in dict.fromkeys(port for port in (kept, USUAL_PORTS[name]) if port and port not in taken):
        try:
            return claim_port(port)
        except PortInUse:
            moved[name] = f"port {port} is in use by {port_owner(port)}"
    while (port := free_port()) in taken:
        pass
    return port


def _why_not(context: Context, name: str, prefect_url: str | None) -> str | None:
    if name == SERVER and prefect_url:
        return f"PREFECT_API_URL names a server, {prefect_url}, which is used"
    if name == SERVE and not (context.answering_version() and context.journal.weeks("score")):
        return "nothing has been scored yet; run: preflight demo (or preflight replay), then: preflight up"
    return None


def _service(context: Context, name: str, port: int, prefect_url: str | None, before: list[Service]) -> Service:
    address = f"http://{LOOPBACK}:{port}"
    made = Service(
        name=name,
        command=tuple(_COMMANDS[name](context, port)),
        address=address,
        health=f"{address}{HEALTH[name]}",
        log=f"logs/{'prefect-server' if name == SERVER else name}.log",
    )
    if name == SERVER:
        return replace(made, database="prefect/prefect.db")
    if name == WORKER:
        server = next((service for service in before if service.name == SERVER), None)
        url = f"{server.address}/api" if server else prefect_url
        if url is None:
            raise NoServer("there is no Prefect server to ask for work; run: preflight up prefect worker")
        return replace(made, needs=server.name if server else None, environment={"PREFECT_API_URL": url})
    return made


def _port_of(service: Service) -> int:
    return int(service.address.rsplit(":", 1)[1])


def _preflight(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "preflight", *map(str, arguments)]


def _serve(context: Context, port: int) -> list[str]:
    try:
        find_nginx()
    except ProxyMissing:
        return _preflight("serve", "--port", port)
    return _preflight("serve", "--port", port, "--proxy")


_COMMANDS: dict[str, Callable[[Context, int], list[str]]] = {
    SERVER: lambda context, port: server_command(port),
    MLFLOW: lambda context, port: mlflow_command(context.settings.home, port),
    EVIDENTLY: lambda context, port: evidently_command(context.settings.home, port),
    SERVE: _serve,
    PROMETHEUS: lambda context, port: prometheus_command(context.settings.home, context.settings.port, port),
    WORKER: lambda context, port: _preflight("worker", "--port", port),
}
