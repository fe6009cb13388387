"""What manifests of Kubernetes have to keep: each rule takes documents and returns a sentence per breach."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

import kubernetes_validate
from typer.main import get_command

from infra.environment import NO_TELEMETRY
from infra.settings import Settings
from preflight.cli import app

VERSIONS = ("1.37", "1.30")
"""The newest of which there are schemas, and the first in which all that is used here is on without asking."""

PLANNED: set[str] = set()
"""Settings that come with the images."""

PLANNED_COMMANDS: set[str] = set()
PLANNED_MODULES: set[str] = set()

HELD_IN = {"Deployment": (), "StatefulSet": (), "CronJob": ("jobTemplate", "spec")}
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


@dataclass(frozen=True)
class Pod:
    """A pod template: whose it is, its labels and its specification."""

    owner: str
    kind: str
    labels: dict
    spec: dict
    claims: tuple[str, ...]

    @property
    def containers(self) -> list[dict]:
        return self.spec["containers"] + self.spec.get("initContainers", [])


def pods_of(documents: list[dict]) -> Iterator[Pod]:
    for one in documents:
        if one["kind"] in HELD_IN:
            spec = one["spec"]
            for step in HELD_IN[one["kind"]]:
                spec = spec[step]
            claims = tuple(claim["metadata"]["name"] for claim in one["spec"].get("volumeClaimTemplates", ()))
            template = spec["template"]
            yield Pod(one["metadata"]["name"], one["kind"], template["metadata"]["labels"], template["spec"], claims)


def named(documents: list[dict], kind: str) -> dict[str, dict]:
    return {one["metadata"]["name"]: one for one in documents if one["kind"] == kind}


def selects(labels: dict, pod: Pod) -> bool:
    return labels.items() <= pod.labels.items()


def against_the_schemas(documents: list[dict], version: str) -> list[str]:
    """Unknown fields are breaches too."""
    return [breach for one in documents if (breach := _against_schema(json.dumps(one), version))]


kubernetes_validate.utils.schema_contents = cache(kubernetes_validate.utils.schema_contents)
"""It reads two megabytes of schemas for each document."""


@cache
def _against_schema(text: str, version: str) -> str | None:
    """Cached, for overlays share most of their documents."""
    one = json.loads(text)
    try:
        kubernetes_validate.validate(one, version, strict=True)
    except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
        return f"{one['kind']} {one['metadata']['name']}: {error}"
    return None


def of_containers(documents: list[dict]) -> list[str]:
    """Requests and limits, a tag, probes where it serves, and nothing it may do beyond its work."""
    found = []
    for pod in pods_of(documents):
        for one in pod.containers:
            where, resources = f"{pod.owner}/{one['name']}", one.get("resources", {})
            for part in ("requests", "limits"):
                found += [
                    f"{where}: no {part} of {what}" for what in ("cpu", "memory") if what not in resources.get(part, {})
                ]
            if one.get("ports"):
                found += [f"{where}: it serves and has no {probe}" for probe in PROBES if probe not in one]
            if not re.search(r":(?!latest$)[\w.-]+$", one["image"]):
                found.append(f"{where}: {one['image']} has no tag")
            wanted = {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            if one.get("securityContext") != wanted:
                found.append(f"{where}: its security context is not {wanted}")
            if not any(mount["mountPath"] == "/tmp" for mount in one["volumeMounts"]):
                found.append(f"{where}: its root is read-only and it has no /tmp")
    return found


def of_pods(documents: list[dict]) -> list[str]:
    """An ordinary user, no token, a volume for each mount, no variables that Kubernetes makes of Services."""
    found, accounts = [], named(documents, "ServiceAccount")
    for pod in pods_of(documents):
        context = pod.spec.get("securityContext", {})
        user = 999 if pod.owner == "postgres" else 10001
        if not (context.get("runAsNonRoot") and {context.get(who) for who in ("runAsUser", "runAsGroup")} == {user}):
            found.append(f"{pod.owner}: it does not run as user {user}")
        if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
            found.append(f"{pod.owner}: no seccomp profile")
        if pod.spec.get("automountServiceAccountToken", True) or pod.spec.get("serviceAccountName") not in accounts:
            found.append(f"{pod.owner}: it has a token, or an account that is not here")
        if pod.spec.get("enableServiceLinks", True):
            found.append(f"{pod.owner}: MLFLOW_PORT and the like would be set to addresses of Services")
        volumes = {volume["name"] for volume in pod.spec.get("volumes", ())} | set(pod.claims)
        mounted = {mount["name"] for one in pod.containers for mount in one.get("volumeMounts", ())}
        found += [f"{pod.owner}: {name} is mounted or a volume, and not both" for name in sorted(volumes ^ mounted)]
    found += [
        f"{one['kind']} gives rights" for one in documents if one["kind"] in ("RoleBinding", "ClusterRoleBinding")
    ]
    found += [f"{name}: its token is mounted" for name, one in accounts.items() if one["automountServiceAccountToken"]]
    return found


def of_selectors(documents: list[dict]) -> list[str]:
    """Whoever selects or names pods, Services or ports finds them."""
    found, pods = [], list(pods_of(documents))
    for one in documents:
        kind, spec = one["kind"], one.get("spec", {})
        where = f"{kind} {one['metadata']['name']}"
        if kind in ("Deployment", "StatefulSet", "PodDisruptionBudget"):
            chosen = [pod for pod in pods if selects(spec["selector"]["matchLabels"], pod)]
            own = {one["metadata"]["name"]} if kind != "PodDisruptionBudget" else {pod.owner for pod in chosen} or {""}
            if {pod.owner for pod in chosen} != own:
                found.append(f"{where} selects the pods of {[pod.owner for pod in chosen]}")
        if (
            kind == "StatefulSet"
            and named(documents, "Service").get(spec["serviceName"], {"spec": {}})["spec"].get("clusterIP") != "None"
        ):
            found.append(f"{where}: {spec['serviceName']} is no headless Service")
        if kind == "Service":
            chosen = [pod for pod in pods if selects(spec["selector"], pod)]
            names = {port["name"] for pod in chosen for each in pod.containers for port in each.get("ports", ())}
            found += [
                f"{where}: no pod has {port['targetPort']}" for port in spec["ports"] if port["targetPort"] not in names
            ]
        if kind == "HorizontalPodAutoscaler":
            aim = spec["scaleTargetRef"]
            target = named(documents, aim["kind"]).get(aim["name"])
            if target is None or "replicas" in target["spec"]:
                found.append(f"{where}: {aim['name']} is not here, or has replicas that each apply would set again")
            else:
                containers = {each["name"] for pod in pods if pod.owner == aim["name"] for each in pod.containers}
                wanted = {metric["containerResource"]["container"] for metric in spec["metrics"]}
                found += [f"{where}: no container {name}" for name in wanted - containers]
    return found


def of_network(documents: list[dict]) -> list[str]:
    """Nothing is allowed but by exception, each exception is about pods that exist, and each call has two ends."""
    found, pods, policies = [], list(pods_of(documents)), named(documents, "NetworkPolicy")
    deny = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    if not any(policy["spec"] == deny for policy in policies.values()):
        found.append("no policy denies what the others do not allow")
    if not any({"protocol": "UDP", "port": 53} in rule["ports"] for rule in _rules(policies, "egress")):
        found.append("nobody may ask for names")
    for name, policy in policies.items():
        selectors = [policy["spec"]["podSelector"]]
        for way, end in (("ingress", "from"), ("egress", "to")):
            for rule in policy["spec"].get(way, ()):
                peers = [
                    peer["podSelector"]
                    for peer in rule.get(end, ())
                    if "namespaceSelector" not in peer and "podSelector" in peer
                ]
                selectors += peers
                ports = {port["port"] for port in rule["ports"]} - {53}
                served = [policy["spec"]["podSelector"]] if way == "ingress" else peers
                for labels in (one["matchLabels"] for one in served):
                    open_ports = {
                        port["containerPort"]
                        for pod in pods
                        if selects(labels, pod)
                        for one in pod.containers
                        for port in one.get("ports", ())
                    }
                    found += [f"{name}: nothing listens at {port}" for port in ports - open_ports]
        for labels in (one["matchLabels"] for one in selectors if one):
            if not any(selects(labels, pod) for pod in pods):
                found.append(f"{name}: no pod has {labels}")
    calls = {label for pod in pods for label in pod.labels if label.startswith("calls-")}
    asked = {label for policy in policies.values() for label in policy["spec"]["podSelector"].get("matchLabels", {})}
    found += [f"no policy lets pods with {label} out" for label in sorted(calls - asked)]
    return found


def _rules(policies: dict[str, dict], way: str) -> list[dict]:
    return [rule for policy in policies.values() for rule in policy["spec"].get(way, ())]


def of_references(documents: list[dict], secrets: set[str]) -> list[str]:
    """Claims and ConfigMaps are here, secrets are made by the README's commands and are not here, files are mounted."""
    found = [f"Secret {name} stands in the tree" for name in named(documents, "Secret")]
    maps, claims = named(documents, "ConfigMap"), named(documents, "PersistentVolumeClaim")
    for pod in pods_of(documents):
        for volume in pod.spec.get("volumes", ()):
            for kind, field, known in (
                ("secret", "secretName", secrets),
                ("configMap", "name", maps),
                ("persistentVolumeClaim", "claimName", claims),
            ):
                if kind in volume and volume[kind][field] not in known:
                    found.append(f"{pod.owner}: no {kind} {volume[kind][field]}")
        for one in pod.containers:
            where, mounts = f"{pod.owner}/{one['name']}", {mount["mountPath"] for mount in one["volumeMounts"]}
            found += [
                f"{where}: no ConfigMap {each['configMapRef']['name']}"
                for each in one.get("envFrom", ())
                if each["configMapRef"]["name"] not in maps
            ]
            for name, value in variables(one, maps).items():
                if value.startswith("/run/secrets/") and value.rpartition("/")[0] not in mounts:
                    found.append(f"{where}: {name} is in no mounted secret")
                setting = name.removeprefix("PREFLIGHT_").removesuffix("_FILE").lower()
                if name.startswith("PREFLIGHT_") and setting not in {*Settings.model_fields, *PLANNED}:
                    found.append(f"{where}: {name} is no setting")
    return found


def variables(container: dict, maps: dict[str, dict]) -> dict[str, str]:
    """What a container finds in its environment, later over earlier."""
    found = {}
    for each in container.get("envFrom", ()):
        found |= maps.get(each["configMapRef"]["name"], {"data": {}})["data"]
    return found | {each["name"]: each["value"] for each in container.get("env", ())}


def of_addresses(documents: list[dict]) -> list[str]:
    """Servers that variables name are Services with that port, and the pod may call them; no tool reports home."""
    found, maps, services = [], named(documents, "ConfigMap"), named(documents, "Service")
    for pod in pods_of(documents):
        for one in pod.containers:
            where, seen = f"{pod.owner}/{one['name']}", variables(one, maps)
            for name, value in seen.items():
                match = re.fullmatch(r"http://([\w-]+):(\d+)(/.*)?", value)
                if not match:
                    continue
                service = services.get(match[1])
                if service is None or int(match[2]) not in {port["port"] for port in service["spec"]["ports"]}:
                    found.append(f"{where}: nothing answers at {name}={value}")
                if f"calls-{match[1]}" not in pod.labels:
                    found.append(f"{where}: it may not call {value}")
            if any(
                "database" in name.lower() or name.startswith("PREFLIGHT_PREDICTIONS") or "STORE_URI" in name
                for name in seen
            ):
                found += [] if "calls-database" in pod.labels else [f"{where}: it may not call the database"]
            if one.get("command") == ["python", "-m", "infra.from_files"] and not NO_TELEMETRY.items() <= seen.items():
                found.append(f"{where}: some telemetry is on")
    return found


def of_commands(documents: list[dict]) -> list[str]:
    """Commands and modules that are started are here."""
    found, commands = [], {*get_command(app).commands, *PLANNED_COMMANDS}
    for pod in pods_of(documents):
        for one in pod.containers:
            where = f"{pod.owner}/{one['name']}"
            probes = [one[kind].get("exec", {}).get("command", []) for kind in PROBES if kind in one]
            for words in (one.get("command", []), one.get("args", []), *probes):
                said = " ".join(words)
                asked = set(re.findall(r"(?<![\w/:-])preflight ([a-z][a-z-]*)", said))
                found += [f"{where}: preflight {name} is no command" for name in asked - commands]
                modules = {name for name in re.findall(r"-m ([\w.]+)", said) if name.startswith("infra.")}
                found += [
                    f"{where}: {name} is no module" for name in modules - PLANNED_MODULES if find_spec(name) is None
                ]
    return found


def of_clocks(documents: list[dict]) -> list[str]:
    """What runs on a clock never runs beside itself, ends, and is forgotten."""
    found = []
    for name, one in named(documents, "CronJob").items():
        spec = one["spec"]
        if spec.get("concurrencyPolicy") != "Forbid":
            found.append(f"{name}: two may run at once")
        limits = ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit")
        found += [f"{name}: no {limit}" for limit in limits if limit not in spec]
        if "activeDeadlineSeconds" not in spec["jobTemplate"]["spec"]:
            found.append(f"{name}: it may run for ever")
    return found
