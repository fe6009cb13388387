"""The service as a Bento: it builds from the sources alone, names what a worker imports, and answers when served."""

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import yaml

from infra.leash import leashed
from infra.network import LOOPBACK, free_port, wait_until_answering

ROOT = Path(__file__).parents[2]
BENTOFILE = ROOT / "infra" / "bento" / "bentofile.yaml"


@pytest.fixture(scope="module")
def bento_home(tmp_path_factory) -> Path:
    """A BentoML home in which the service was built."""
    home = tmp_path_factory.mktemp("bento")
    command = [sys.executable, "-m", "bentoml", "build", str(ROOT), "-f", str(BENTOFILE)]
    built = subprocess.run(command, cwd=ROOT, env=environment(home), capture_output=True, text=True, timeout=120)
    assert built.returncode == 0, built.stderr
    return home


def environment(bento_home: Path, **more: object) -> dict[str, str]:
    return {**os.environ, "BENTOML_HOME": str(bento_home), "BENTOML_DO_NOT_TRACK": "True", **more}


def test_a_bento_holds_the_rooms_that_answer_and_no_data(bento_home):
    (source,) = bento_home.glob("bentos/preflight/*/src")

    rooms = {path.name for path in source.iterdir() if path.is_dir()}
    kinds = {path.suffix for path in source.rglob("*") if path.is_file()}

    assert rooms == {"services", "pipelines", "monitoring", "data_checks", "infra"}
    assert kinds <= {".py", ".yaml", ".yml"}


def test_a_bento_names_every_package_that_a_worker_imports(small_copy):
    script = "import sys, services.service; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment(small_copy.home / "bentoml", PREFLIGHT_HOME=str(small_copy.home)),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    named = {re.split("[<>=]", line)[0] for line in yaml.safe_load(BENTOFILE.read_text())["python"]["packages"]}
    asked_by_us = {"bentoml", "filelock", "holidays", "numpy", "onnxruntime", "orjson", "polars", "prometheus_client"}
    packages = importlib.metadata.packages_distributions()

    distributions = {packages[name][0] for name in {*asked_by_us, "psutil", "pydantic", "pydantic_settings"}}

    assert {name.lower().replace("_", "-") for name in distributions} <= named
    assert asked_by_us <= set(loaded) | {"psutil"}
    assert {"pandas", "sklearn", "mlflow", "prefect", "scipy", "great_expectations", "evidently"} & set(loaded) == set()


def test_a_bento_is_served_by_its_name_and_answers(bento_home, small_copy, tmp_path):
    port, log = free_port(), tmp_path / "serve.log"
    command = [sys.executable, "-m", "bentoml", "serve", "preflight:latest", "--host", LOOPBACK, "--port", str(port)]
    address = f"http://{LOOPBACK}:{port}"
    asked_for = environment(bento_home, PREFLIGHT_HOME=str(small_copy.home))

    with leashed([*command, "--arg", "workers=1"], log, asked_for) as process:
        wait_until_answering(f"{address}/readyz", process, log, 120)
        answer = httpx.post(f"{address}/v1/predict", json=small_copy.message())

    assert answer.status_code == 200, answer.text
    assert 0 < answer.json()["probability_late"] < 1
