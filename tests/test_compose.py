"""docker-compose.yml and the images, read as text: what every container may do, need and know."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from infra.make_secrets import make_secrets
from infra.proxy_process import CONTAINERS, write_for_containers
from infra.settings import Settings

ROOT = Path(__file__).parents[1]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILE = (ROOT / "infra/docker/Dockerfile").read_text()
OURS = {"app": "preflight", "service": "preflight-service", "proxy": "preflight-proxy"}
OFFICIAL = {"postgres:15-bookworm", "prom/prometheus:v2.42.0"}
ONE_SHOT = {"secrets", "bootstrap", "backup"}


def environment(service: dict) -> dict[str, str]:
    return service.get("environment", {})


def test_it_is_what_compose_v2_reads_too():
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not installed")
@pytest.mark.parametrize("profiles", ["core", "core,monitoring", "core,monitoring,scale,tools"])
def test_docker_compose_reads_it(profiles):
    done = subprocess.run(
        ["docker-compose", "config", "--quiet"],
        cwd=ROOT, env={"PATH": "/usr/bin:/bin:/usr/local/bin", "COMPOSE_PROFILES": profiles},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_container_may_do_no_more_than_it_must(name):
    service = SERVICES[name]

    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert service["init"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "mem_limit" in service
    assert "privileged" not in service
    assert service.get("user") != "root" or name == "secrets"
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_container_that_stays_is_started_again_and_one_that_ends_is_not(name):
    assert SERVICES[name]["restart"] in (("no", "on-failure") if name in ONE_SHOT else ("unless-stopped",))


@pytest.mark.parametrize("name", sorted(name for name in SERVICES if "ports" in SERVICES[name]))
def test_a_container_that_serves_is_looked_at(name):
    check = SERVICES[name]["healthcheck"]

    assert {"test", "interval", "timeout", "retries", "start_period"} <= set(check)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_secret_stands_in_an_environment(name):
    suspicious = re.compile(r"(PASSWORD|SECRET|KEY|AUTH_STRING|_URL|_URI)$")
    harmless = {"PREFECT_API_URL", "PREFLIGHT_TRACKING_URI", "PREFECT_UI_API_URL"}

    found = environment(SERVICES[name])

    assert [variable for variable in found if suspicious.search(variable) and variable not in harmless] == []
    assert not re.search(r"://[^/ ]*:[^/ ]*@", str(SERVICES[name]))


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_file_of_a_secret_is_made_for_exactly_this_audience(name, tmp_path):
    make_secrets(tmp_path)
    audiences = [
        mount.split("_secrets:")[0] for mount in SERVICES[name].get("volumes", []) if "_secrets:/run/" in mount
    ]
    known = {path.name for audience in audiences for path in (tmp_path / audience).iterdir()}

    named = {value for value in environment(SERVICES[name]).values() if str(value).startswith("/run/secrets/")}

    assert {path.removeprefix("/run/secrets/") for path in named} <= known
    assert len(audiences) <= 1


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_setting_of_a_container_is_one(name):
    ours = [variable.removesuffix("_FILE") for variable in environment(SERVICES[name]) if "PREFLIGHT" in variable]

    assert {variable.removeprefix("PREFLIGHT_").lower() for variable in ours} <= set(Settings.model_fields)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_who_is_waited_for_can_be_waited_for(name):
    for other, how in SERVICES[name].get("depends_on", {}).items():
        if how["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        else:
            assert how["condition"] == "service_completed_successfully"
            assert other in ONE_SHOT
        assert set(SERVICES[other]["profiles"]) & {"core", *SERVICES[name]["profiles"]}


def test_every_volume_is_named_and_every_bind_is_read_only():
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", [])]
    named = {mount.split(":")[0] for mount in mounts if not mount.startswith(".")}

    assert named <= set(COMPOSE["volumes"])
    assert [mount for mount in mounts if mount.startswith(".") and not mount.endswith(":ro")] == []


def test_images_are_ours_or_official_and_pinned_by_tag():
    bases = set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
    stages = set(re.findall(r"^FROM \S+ AS (\S+)", DOCKERFILE, re.MULTILINE))

    assert {service["image"] for service in SERVICES.values()} == {*OURS.values(), *OFFICIAL}
    assert bases - stages == {"python:3.11-slim-bookworm"}
    assert all(
        OURS[service["build"]["target"]] == service["image"] for service in SERVICES.values() if "build" in service
    )


@pytest.mark.parametrize("stage", sorted(OURS))
def test_no_image_of_ours_runs_as_root(stage):
    text = re.search(rf"^FROM \S+ AS {stage}\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL).group(1)

    assert re.findall(r"^USER (\S+)", text, re.MULTILINE)[-1] == "preflight"


def test_the_image_that_answers_holds_what_a_worker_imports_and_none_of_the_heavy_tools():
    named = [line for line in (ROOT / "infra/docker/service.in").read_text().splitlines() if not line.startswith("#")]
    bento = yaml.safe_load((ROOT / "infra/bento/bentofile.yaml").read_text())["python"]["packages"]
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "infra/docker/service.lock").read_text(), re.MULTILINE))

    assert set(named) - {"httptools>=0.9"} == set(bento)
    assert (
        locked & {"prefect", "great-expectations", "evidently", "mlflow", "pandas", "scikit-learn", "lightgbm"} == set()
    )


@pytest.mark.parametrize("lock", ["app", "service"])
def test_a_lock_of_an_image_pins_what_the_lock_of_the_project_pins(lock):
    pin = re.compile(r"^([a-z0-9-]+==\S+)", re.MULTILINE)
    text = (ROOT / f"infra/docker/{lock}.lock").read_text()

    assert set(pin.findall(text)) <= set(pin.findall((ROOT / "requirements.lock").read_text()))
    assert text.count("--hash=sha256:") > len(pin.findall(text))


def test_what_an_image_is_built_from_is_named_and_no_secret_is_among_it():
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]

    assert lines[0] == "*"
    assert not {"!var", "!secrets", "!.env", "!.git"} & set(lines)


def test_the_proxy_asks_the_workers_that_there_are_and_prometheus_too():
    workers = sorted(
        f"{name}:3000"
        for name, service in SERVICES.items()
        if service["image"] == OURS["service"] and name != "secrets"
    )

    assert sorted(CONTAINERS) == workers
    assert yaml.safe_load((ROOT / "infra/docker/targets.json").read_text()) == [{"targets": workers}]


def write_certificate(folder: Path) -> None:
    """A certificate for nobody, in the files that `tls.conf` names."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt")]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.parametrize("which", ["plain", "tls"])
def test_nginx_takes_the_configuration_of_the_container(tmp_path, which):
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if nginx is None:
        pytest.skip("nginx is not installed")
    here = tmp_path / "here.conf"
    text = dict(zip(("plain", "tls"), write_for_containers(tmp_path), strict=True))[which].read_text()
    for worker in CONTAINERS:  # names that only the network of the stack knows
        text = text.replace(worker, "127.0.0.1:1")
    text = text.replace('"/tmp', f'"{tmp_path}').replace("/dev/stdout", str(tmp_path / "access.jsonl"))
    here.write_text(text.replace("/run/secrets", str(tmp_path)))
    if which == "tls":
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not installed")
        write_certificate(tmp_path)

    done = subprocess.run([nginx, "-t", "-e", "stderr", "-c", str(here)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert ("ssl_certificate" in text) is (which == "tls")
    assert "user root" not in text


@pytest.mark.parametrize("which", [0, 1])
def test_the_health_check_of_the_proxy_is_answered_with_tls_as_without(tmp_path, which):
    asked = SERVICES["proxy"]["healthcheck"]["test"][-1]
    text = write_for_containers(tmp_path)[which].read_text()

    plain = re.findall(r"^\s*listen (\S+):(\d+);", text, re.MULTILINE)

    assert ("0.0.0.0" if which == 0 else "127.0.0.1", "8080") in plain
    assert len(plain) == 1  # with TLS nothing else is told without it
    assert asked.startswith("http://127.0.0.1:8080/")


@pytest.mark.parametrize("script", ["infra/docker/postgres-init.sh", "infra/k8s/overlays/laptop/roles.sh"])
def test_no_password_of_a_role_is_an_argument(script):
    commands = (ROOT / script).read_text()

    assert "\\set password `cat" in commands
    assert not re.search(r"password=", commands)
