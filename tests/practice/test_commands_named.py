"""Commands that the pages name: each can be typed as it stands; `make test-commands` types them, on a lived year."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typed_commands import problem_of

from infra.leash import leashed
from infra.network import wait_until_answering
from practice.drills.ground import Ground

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WORDS = r"(?:\.venv/bin/)?(?:preflight|make|python|curl|promtool|docker-compose) [a-z-]"
IN_CODE = re.compile(rf"`({WORDS}[^`\n]+)`")
IN_BLOCK = re.compile(rf"^    ({WORDS}[^#\n]+)", re.MULTILINE)
IN_LINES = re.compile(r"^    (curl -X [^#]*?\}')$", re.MULTILINE)
WITH_PLACEHOLDER = re.compile(r"\b[A-Z]{2,}\b(?!\d)|\[|\.\.\.|(?<! )\||<|'\{$")
RUN_BY = {
    "alarms --calibrate": "tests/preflight/test_alarms_command.py",
    "automations": "tests/preflight/test_loop_commands.py",
    "bakeoff": "tests/preflight/test_bakeoff_command.py",
    "card check": "tests/practice/test_incident_cards.py",
    "card give-up": "tests/practice/test_incident_cards.py",
    "contenders": "tests/preflight/test_contenders_command.py",
    "demo": ".github/workflows/ci.yml",
    "deploy": "tests/pipelines/test_deployed_flow.py",
    "down": "tests/preflight/test_stack.py",
    "drill run": "tests/practice/test_drills_play.py",
    "features --worth": "tests/pipelines/test_worth.py",
    "forget": "tests/journey/test_forget.py",
    "gate --calibrate": "tests/preflight/test_gate_command.py",
    "interview": "tests/practice/test_practice_commands.py",
    "logs": "tests/preflight/test_stack.py",
    "loop-demo": "tests/journey/test_loop.py",
    "prometheus": "tests/preflight/test_stack.py",
    "prove worker": "tests/journey/test_worker.py",
    "serve": "tests/contracts/test_bento.py",
    "tour": "tests/practice/test_practice_commands.py",
    "up": "tests/preflight/test_stack.py",
    "worker": "tests/journey/test_worker.py",
    "docker-compose": "tests/compose/test_containers.py",
    "make audit": ".github/workflows/ci.yml",
    "make bench": "tests/benchmarks/test_data_path.py",
    "make bench-serving": "tests/test_measured.py",
    "make committable": ".ci/run",
    "make demo": ".github/workflows/ci.yml",
    "make demo-short": ".github/workflows/ci.yml",
    "make k8s": "tests/infra/test_k8s.py",
    "make lint": ".ci/run",
    "make lint-workflows": ".ci/run",
    "make picture": "tests/picture.py",
    "make sbom": ".github/workflows/ci.yml",
    "make secrets": "tests/infra/test_make_secrets.py",
    "make setup": "tests/infra/test_bootstrap.py",
    "make site": "tests/conftest.py",
    "make test": ".ci/run",
    "make test-commands": "tests/practice/test_commands_named.py",
    "make test-compose": "tests/compose/test_containers.py",
    "make test-drills": "tests/practice/test_every_card.py",
    "make test-kill": "tests/journey/test_kill.py",
    "make test-loop": "tests/journey/test_loop.py",
    "make test-newest": ".github/workflows/newest.yml",
    "make test-quick": "Makefile",
    "make test-serving": "tests/contracts/test_fuzz.py",
    "make tour": "tests/practice/test_tour.py",
    "make types": ".ci/run",
    "promtool test rules": "tests/infra/test_prometheus_rules.py",
    "python -m benchmarks.ab_power": "tests/benchmarks/test_rollout_benchmarks.py",
    "python -m benchmarks.canary_stops": "tests/benchmarks/test_rollout_benchmarks.py",
    "python -m benchmarks.scaling": "tests/benchmarks/test_scaling.py",
    "python -m benchmarks.serving": "tests/benchmarks/test_serving.py",
    "python -m distributed.cli": "docker-compose.yml",
    "python -m examples.second_data_set": "tests/test_make_it_yours.py",
    "python -m infra.audit": "tests/infra/test_audit.py",
    "python -m infra.from_files": "tests/infra/test_from_files.py",
    "python -m infra.newest": "tests/infra/test_newest.py",
    "python -m practice.score_card.groups": "tests/practice/test_score_card.py",
    "python -m pytest": "Makefile",
}
"""What stays until it is ended, asks somebody, or takes up to an hour, and the test that runs it, on less."""
SHORTER = {
    "preflight figures --groups --write docs/groups.md": "preflight figures --groups",
    "preflight figures --write docs/figures.md": "preflight figures",
    "preflight prove detectors --weeks 2": "preflight prove detectors --weeks 1",
    "preflight prove detectors --without contract": "preflight prove detectors --weeks 1 --without contract",
    "preflight prove detectors --without skew": "preflight prove detectors --weeks 1 --without skew",
    "preflight prove detectors": "preflight prove detectors --weeks 1",
    "preflight prove engine": "preflight prove engine --weeks 6",
    "preflight prove faults": "preflight prove faults --weeks 4",
    "preflight prove kills": "preflight prove kills --count 2",
    "preflight prove kills --count 5": "preflight prove kills --count 2",
    "preflight prove no-leak --moments 50": "preflight prove no-leak --moments 20",
    "preflight prove swaps": "preflight prove swaps --count 2 --rollbacks 1",
    "preflight rebuild --random 20": "preflight rebuild --random 1",
    "preflight score-card": "preflight score-card --write docs/score-card.md",
}
"""What would take long, and the same on less or with more to show, which is run."""
HAS_TO_FAIL = {
    "preflight rollout canary 9": "version 9 may not answer",
    "preflight traffic 2013-12-30 --rate 0 --connections 256": "429 too_many",
    "preflight prove detectors --weeks 1 --without contract": "was seen by contract in 0 of 1 weeks",
    "preflight prove detectors --weeks 1 --without skew": "was seen by skew in 0 of 1 weeks",
}
"""What pages name because it refuses, and what it says then."""
SERVED = "ask", "curl", "rollout", "rollback"
"""What talks to a service that runs; `traffic` starts one of its own where no `--address` is given."""

ONLY_NAMED = "Missing argument", "Missing option", "requires an argument", "give a "
"""What is said of a command that a sentence names without its arguments."""


def named() -> list[str]:
    """Every whole command of the pages, once."""
    patterns = IN_CODE, IN_BLOCK, IN_LINES
    found = [one for page in PAGES for pattern in patterns for one in pattern.findall(page.read_text())]
    found = [re.sub(r"\s+", " ", one) for one in found if "->" not in one]
    return sorted({one.strip().removeprefix(".venv/bin/") for one in found if not WITH_PLACEHOLDER.search(_bare(one))})


def _bare(command: str) -> str:
    """Without what stands in capitals for itself: airports, flights, tail numbers."""
    return re.sub(r"\b(?:EWR|JFK|LGA|STT|POST|UA|[A-Z0-9]{2}\d+[A-Z]*)\b", "x", command)


def _begins(command: str, *names: str) -> bool:
    return any(
        f"{command.removeprefix('preflight ')} ".startswith((f"{name} ", f"{name}_", f"{name}.")) for name in names
    )


def _needs_service(command: str) -> bool:
    return _begins(command, *SERVED) or "--address" in command


def typed_here() -> list[str]:
    """What is run below: what needs no service first, as what follows may change who is champion."""
    whole = [one for one in named() if problem_of(one) is None and not _begins(one, *RUN_BY) and one not in SHORTER]
    return sorted({*whole, *SHORTER.values()}, key=lambda one: (_needs_service(one), _begins(one, "rollback"), one))


@pytest.mark.parametrize("command", named())
def test_a_command_that_a_page_names_can_be_typed(command):
    problem = problem_of(command) or ""

    assert not problem or any(words in problem for words in ONLY_NAMED), problem


@pytest.mark.parametrize(("command", "test"), sorted(RUN_BY.items()))
def test_what_is_not_run_here_is_run_by_another_test(command, test):
    text = (ROOT / test).read_text().replace("_", "-")

    words = re.split(r"[\s.]", re.sub("^(make|python -m) ", "", command).replace("_", "-"))
    assert [word for word in words if word.strip("-") not in text] == []


def test_what_takes_long_is_run_on_less():
    assert set(SHORTER) <= set(named())
    assert set(SHORTER.values()) <= set(typed_here())


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A copy of the lived year in `var/`, or in PREFLIGHT_HOME."""
    lived = Path(os.environ.get("PREFLIGHT_HOME", ROOT / "var"))
    assert (lived / "history.json").exists(), f"no year was lived in {lived}; run: make demo"
    return Ground(lived, life={}).copy(tmp_path_factory.mktemp("commands") / "var").home


@pytest.fixture(scope="module")
def folder(home: Path) -> Path:
    """Where commands are typed: what they write to `docs/` is not the project's."""
    (home.parent / "docs").mkdir()
    return home.parent


@pytest.fixture(scope="module")
def service(home: Path) -> Iterator[None]:
    """A service of that life, at the address that pages name."""
    serve = [sys.executable, "-m", "preflight", "serve", "--port", "3000"]
    with leashed(serve, home / "logs" / "serve.log", {**os.environ, "PREFLIGHT_HOME": str(home)}) as process:
        wait_until_answering("http://127.0.0.1:3000/readyz", process, home / "logs" / "serve.log", 180)
        yield


@pytest.mark.commands
@pytest.mark.parametrize("command", typed_here())
def test_a_command_that_a_page_names_does_what_it_says(command, home, folder, request):
    if _needs_service(command):
        request.getfixturevalue("service")

    ended = subprocess.run(
        _with_this_python(command),
        shell=True,
        cwd=folder,
        env={**os.environ, "PREFLIGHT_HOME": str(home), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )

    assert ended.returncode == (command in HAS_TO_FAIL), ended.stdout + ended.stderr
    assert HAS_TO_FAIL.get(command, "") in ended.stderr


def _with_this_python(command: str) -> str:
    """As it is typed with the environment of `.venv`; a page that is not found is an error of `curl` as well."""
    ours = re.sub(r"(^|; )preflight ", rf"\1{sys.executable} -m preflight ", command)
    return re.sub(r"^python ", f"{sys.executable} ", ours).replace("curl ", "curl --fail ", 1)
