"""The manifests of Kubernetes keep their rules, as they lie there and as kubectl renders them; each rule refuses."""

import copy
import re
import shutil
import subprocess
import tomllib
from functools import cache, partial
from pathlib import Path

import pytest
import yaml
from manifests import (
    VERSIONS,
    against_the_schemas,
    named,
    of_addresses,
    of_clocks,
    of_commands,
    of_containers,
    of_network,
    of_pods,
    of_references,
    of_selectors,
    pods_of,
    variables,
)

import infra.proxy_process

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "infra" / "k8s"
OVERLAYS = ("laptop", "production")
README = (FOLDER / "README.md").read_text()
SECRETS = set(re.search(r"for audience in ([\w ]+); do", README)[1].split())
RULES = {"of_references": partial(of_references, secrets=SECRETS)} | {
    rule.__name__: rule
    for rule in (of_containers, of_pods, of_selectors, of_network, of_addresses, of_commands, of_clocks)
}

kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl (package kubernetes-client) is not here")


@cache
def raw(folder: Path) -> tuple[dict, ...]:
    """What a kustomization is made of, before it patches: documents, and ConfigMaps as they will be generated."""
    recipe = yaml.safe_load((folder / "kustomization.yaml").read_text())
    found = [one for base in recipe.get("bases", ()) for one in raw((folder / base).resolve())]
    for name in recipe.get("resources", ()):
        found += yaml.safe_load_all((folder / name).read_text())
    for made in recipe.get("configMapGenerator", ()):
        data = dict(literal.split("=", 1) for literal in made.get("literals", ()))
        data |= {Path(name).name: (folder / name).read_text() for name in made.get("files", ())}
        found.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": made["name"]}, "data": data})
    return tuple(found)


@cache
def rendered(overlay: str) -> tuple[dict, ...]:
    done = subprocess.run(
        ["kubectl", "kustomize", FOLDER / "overlays" / overlay], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


STAGES = [
    pytest.param(lambda o=overlay: list(raw(FOLDER / "overlays" / o)), id=f"{overlay}, raw") for overlay in OVERLAYS
]
STAGES += [
    pytest.param(lambda o=overlay: list(rendered(o)), id=f"{overlay}, rendered", marks=kubectl) for overlay in OVERLAYS
]


def laptop() -> list[dict]:
    """A copy that may be broken."""
    return copy.deepcopy(list(raw(FOLDER / "overlays" / "laptop")))


def put(kind: str, name: str, path: str, value: object) -> list[dict]:
    """The manifests with one field set to something else, or, with None, taken out."""
    documents = laptop()
    *steps, last = (int(step) if step.isdigit() else step for step in path.split("."))
    place = named(documents, kind)[name]
    for step in steps:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return documents


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("stage", STAGES)
def test_the_api_would_take_every_manifest(stage, version):
    assert against_the_schemas(stage(), version) == []


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("stage", STAGES)
def test_manifests_keep_the_rule(stage, rule):
    assert RULES[rule](stage()) == []


TEMPLATE, LABELS = "spec.template.spec", "spec.template.metadata.labels"
CONTAINER = f"{TEMPLATE}.containers.0"
SECURITY, VOLUMES = f"{CONTAINER}.securityContext", f"{TEMPLATE}.volumes"
ANOTHER = {"app": "another"}


def agent(path: str, value: object) -> list[dict]:
    return put("Deployment", "agent", path, value)


def scaler(path: str, value: object) -> list[dict]:
    return put("HorizontalPodAutoscaler", "service", f"spec.{path}", value)


def policy(path: str, value: object) -> list[dict]:
    return put("NetworkPolicy", "to-mlflow", f"spec.{path}", value)


BROKEN = [
    ("of_containers", "no limits of cpu", agent(f"{CONTAINER}.resources.limits.cpu", None)),
    ("of_containers", "no requests of memory", agent(f"{CONTAINER}.resources.requests.memory", None)),
    ("of_containers", "no livenessProbe", put("StatefulSet", "service", f"{CONTAINER}.livenessProbe", None)),
    ("of_containers", "no startupProbe", put("Deployment", "mlflow", f"{CONTAINER}.startupProbe", None)),
    ("of_containers", "has no tag", agent(f"{CONTAINER}.image", "preflight")),
    ("of_containers", "has no tag", agent(f"{CONTAINER}.image", "host:5000/preflight")),
    ("of_containers", "has no tag", agent(f"{CONTAINER}.image", "preflight:latest")),
    ("of_containers", "context", agent(f"{SECURITY}.readOnlyRootFilesystem", False)),
    ("of_containers", "context", agent(f"{SECURITY}.capabilities.drop", [])),
    ("of_containers", "no /tmp", agent(f"{CONTAINER}.volumeMounts.0.mountPath", "/temporary")),
    ("of_pods", "user 10001", agent(f"{TEMPLATE}.securityContext.runAsUser", 0)),
    ("of_pods", "user 10001", agent(f"{TEMPLATE}.securityContext.runAsNonRoot", None)),
    ("of_pods", "seccomp", agent(f"{TEMPLATE}.securityContext.seccompProfile", None)),
    ("of_pods", "token", agent(f"{TEMPLATE}.automountServiceAccountToken", None)),
    ("of_pods", "account", agent(f"{TEMPLATE}.serviceAccountName", "default")),
    ("of_pods", "MLFLOW_PORT", agent(f"{TEMPLATE}.enableServiceLinks", None)),
    ("of_pods", "mounted or a volume", agent(f"{VOLUMES}.1", None)),
    ("of_pods", "gives rights", [*laptop(), {"kind": "RoleBinding", "metadata": {"name": "rights"}}]),
    ("of_selectors", "selects the pods", agent("spec.selector.matchLabels", {"app": "agent"})),
    ("of_selectors", "selects the pods", put("PodDisruptionBudget", "proxy", "spec.selector.matchLabels", ANOTHER)),
    ("of_selectors", "no headless Service", put("StatefulSet", "service", "spec.serviceName", "service")),
    ("of_selectors", "no pod has web", put("Service", "proxy", "spec.ports.0.targetPort", "web")),
    ("of_selectors", "no pod has http", put("Service", "proxy", "spec.selector", ANOTHER)),
    ("of_selectors", "is not here", scaler("scaleTargetRef.name", "services")),
    ("of_selectors", "replicas", put("StatefulSet", "service", "spec.replicas", 2)),
    ("of_selectors", "no container s", scaler("metrics.0.containerResource.container", "s")),
    ("of_network", "no policy denies", put("NetworkPolicy", "default-deny", "spec.policyTypes", ["Ingress"])),
    ("of_network", "ask for names", put("NetworkPolicy", "names", "spec.egress.0.ports.0", None)),
    ("of_network", "no pod has", policy("podSelector.matchLabels", ANOTHER)),
    ("of_network", "no pod has", policy("ingress.0.from.0.podSelector.matchLabels", ANOTHER)),
    ("of_network", "listens at 5001", policy("ingress.0.ports.0.port", 5001)),
    ("of_network", "lets pods with calls-x", agent(f"{LABELS}.calls-x", "yes")),
    ("of_references", "no secret keys", agent(f"{VOLUMES}.2.secret.secretName", "keys")),
    ("of_references", "no persistentVolumeClaim", agent(f"{VOLUMES}.1.persistentVolumeClaim", {"claimName": "x"})),
    ("of_references", "no ConfigMap x", agent(f"{CONTAINER}.envFrom.0.configMapRef.name", "x")),
    ("of_references", "in no mounted secret", agent(f"{CONTAINER}.volumeMounts.2.mountPath", "/run/secrets")),
    ("of_references", "is no setting", put("ConfigMap", "settings", "data.PREFLIGHT_HOUSE", "/")),
    ("of_references", "stands in the tree", [*laptop(), {"kind": "Secret", "metadata": {"name": "client"}}]),
    ("of_addresses", "nothing answers", put("ConfigMap", "calls-mlflow", "data.PREFLIGHT_TRACKING_URI", "http://mlflow:80")),
    ("of_addresses", "may not call http", agent(f"{LABELS}.calls-mlflow", None)),
    ("of_addresses", "call the database", put("Deployment", "mlflow", f"{LABELS}.calls-database", None)),
    ("of_addresses", "telemetry is on", put("ConfigMap", "settings", "data.DO_NOT_TRACK", "false")),
    ("of_commands", "no command", agent(f"{CONTAINER}.args", ["preflight", "agents"])),
    ("of_commands", "no command", agent(f"{CONTAINER}.args", ["sh", "-c", "exec preflight end week"])),
    ("of_commands", "no module", agent(f"{CONTAINER}.command", ["python", "-m", "infra.of_files"])),
    ("of_commands", "no module", agent(f"{CONTAINER}.livenessProbe.exec.command", ["python", "-m", "infra.well"])),
    ("of_clocks", "two may run", put("CronJob", "backup", "spec.concurrencyPolicy", "Allow")),
    ("of_clocks", "no startingDeadline", put("CronJob", "backup", "spec.startingDeadlineSeconds", None)),
    ("of_clocks", "run for ever", put("CronJob", "backup", "spec.jobTemplate.spec.activeDeadlineSeconds", None)),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "words", "documents"), BROKEN, ids=[f"{rule}: {words}" for rule, words, _ in BROKEN])
def test_a_broken_manifest_is_refused_by_its_rule(rule, words, documents):
    assert words in "; ".join(RULES[rule](documents))


@pytest.mark.parametrize(
    ("path", "value"), [("spec.replicas", "two"), ("spec.repliccas", 2), (f"{CONTAINER}.resources.limit", {})]
)
def test_the_schemas_refuse_a_wrong_type_and_a_field_that_does_not_exist(path, value):
    assert len(against_the_schemas(agent(path, value), VERSIONS[0])) == 1


def test_the_namespace_lets_in_restricted_pods_alone():
    (namespace,) = named(laptop(), "Namespace").values()

    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_every_file_of_the_base_is_in_it():
    recipe = yaml.safe_load((FOLDER / "base" / "kustomization.yaml").read_text())
    files = {file for made in recipe["configMapGenerator"] for file in made.get("files", ())}

    assert {*recipe["resources"], *files, "kustomization.yaml"} == {path.name for path in (FOLDER / "base").iterdir()}


@pytest.mark.parametrize("folder", ["prometheus", "k8s/base", *(f"k8s/overlays/{overlay}" for overlay in OVERLAYS)])
def test_kustomizations_have_fields_that_old_and_new_kustomize_know(folder):
    recipe = yaml.safe_load((ROOT / "infra" / folder / "kustomization.yaml").read_text())

    common = {"bases", "resources", "namespace", "configMapGenerator", "patchesStrategicMerge", "images"}
    assert set(recipe) - {"apiVersion", "kind"} <= common


def test_our_images_have_the_tag_of_this_release_in_every_overlay():
    release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    recipe = yaml.safe_load((FOLDER / "overlays" / "production" / "kustomization.yaml").read_text())
    images = {one["image"] for pod in pods_of(laptop()) for one in pod.containers if "preflight" in one["image"]}

    assert images == {f"{image['name']}:{release}" for image in recipe["images"]}
    assert {image["newTag"] for image in recipe["images"]} == {release}


def test_every_rule_of_prometheus_is_in_its_config_map():
    recipe = yaml.safe_load((ROOT / "infra" / "prometheus" / "kustomization.yaml").read_text())
    rules = (ROOT / "infra" / "prometheus" / "rules").glob("*.yml")

    assert sorted(recipe["configMapGenerator"][0]["files"]) == sorted(f"rules/{path.name}" for path in rules)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (package prometheus) is not installed")
def test_prometheus_takes_its_configuration():
    done = subprocess.run(
        ["promtool", "check", "config", FOLDER / "base" / "prometheus.yml"], capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_secrets_have_the_files_that_containers_read(tmp_path):
    make_secrets = pytest.importorskip("infra.make_secrets").make_secrets
    make_secrets(tmp_path)
    documents = laptop()
    maps = named(documents, "ConfigMap")
    read = {
        value
        for pod in pods_of(documents)
        for one in pod.containers
        for value in variables(one, maps).values()
        if value.startswith("/run/secrets/")
    }

    assert {path.name for path in tmp_path.iterdir()} == SECRETS
    assert [path for path in read if not (tmp_path / path.removeprefix("/run/secrets/")).is_file()] == []


def test_the_proxy_asks_for_names_of_the_service():
    upstreams = getattr(infra.proxy_process, "CONTAINERS", ["service:3000"])
    services = named(laptop(), "Service")
    asked = [(services[name]["spec"], int(port)) for name, port in (one.split(":") for one in upstreams)]

    assert {spec["selector"]["app.kubernetes.io/name"] for spec, _ in asked} == {"service"}
    assert [port for spec, port in asked if port != spec["ports"][0]["port"]] == []


def test_make_prints_an_overlay():
    makefile = (ROOT / "Makefile").read_text()

    assert "kubectl kustomize infra/k8s/overlays/$(OVERLAY)" in makefile
    assert re.search(r"^OVERLAY \?= laptop$", makefile, re.MULTILINE)
