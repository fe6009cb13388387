"""What CI runs is what `make` runs, with no more rights than reading, from actions that cannot change unseen."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
DEPENDABOT = ROOT / ".github" / "dependabot.yml"
HOOKS = ROOT / ".pre-commit-config.yaml"
PAGE = (ROOT / "docs" / "ci.md").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
TOOLS = Path(sys.executable).parent


def document(path: Path) -> dict:
    return yaml.safe_load(path.read_text())


def jobs() -> Iterator[tuple[str, dict]]:
    """Every job with a name that says where it is."""
    for path in WORKFLOWS:
        for name, job in document(path)["jobs"].items():
            yield f"{path.name}, {name}", job


def steps() -> Iterator[tuple[str, dict]]:
    for name, job in jobs():
        for step in job["steps"]:
            yield name, step


def refusal(run: str, targets: set[str]) -> str | None:
    """Why a `run:` is neither one make target nor the installation of system packages, None when it is."""
    if re.fullmatch(r"sudo apt-get (update|install --yes --no-install-recommends( [a-z][a-z0-9.+-]*)+)", run):
        return None
    target = re.fullmatch(r"make ([a-z-]+)", run)
    if target is None:
        return f"{run!r} is neither `make TARGET` nor a package of the system"
    return None if target[1] in targets else f"make has no target {target[1]}"


def run_tool(*command: object) -> subprocess.CompletedProcess:
    return subprocess.run([str(TOOLS / command[0]), *map(str, command[1:])], capture_output=True, text=True)


def zizmor(*paths: Path) -> subprocess.CompletedProcess:
    return run_tool("zizmor", "--offline", "--persona", "pedantic", "--strict-collection", "--no-progress", *paths)


def broken_copy(tmp_path: Path, path: Path, old: str, new: str) -> Path:
    """A copy of a file of ours, in a repository of its own, with `old` replaced."""
    text = path.read_text()
    assert old in text, f"{path.name} does not hold {old!r}"
    copy = tmp_path / path.relative_to(ROOT)
    copy.parent.mkdir(parents=True)
    copy.write_text(text.replace(old, new))
    return copy


def test_there_are_workflows_with_jobs_and_steps():
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "newest.yml"]
    assert len(list(steps())) > len(list(jobs())) > len(WORKFLOWS)


def test_what_ci_runs_is_what_make_runs():
    refused = [(name, refusal(step["run"], TARGETS)) for name, step in steps() if "run" in step]

    assert [each for each in refused if each[1]] == []


@pytest.mark.parametrize(
    "run",
    [
        "pytest",
        "make test && pytest",
        "make test\npytest",
        "make nothing-like-it",
        "make test PYTHON=python3",
        "sudo apt-get install --yes --no-install-recommends nginx; pytest",
        "sudo apt-get install --yes --no-install-recommends ./package.deb",
        "pip install nginx",
    ],
)
def test_a_step_that_make_does_not_run_is_refused(run):
    assert refusal(run, TARGETS)


def test_the_locked_lane_runs_lint_types_tests_audit_bill_demo_and_containers():
    run = {step["run"] for name, step in steps() if name.startswith("ci.yml") and "run" in step}

    wanted = "lint lint-workflows types committable test demo-short sbom audit test-compose"
    assert {f"make {target}" for target in wanted.split()} <= run


def test_newest_versions_are_tried_on_a_schedule():
    newest = document(ROOT / ".github" / "workflows" / "newest.yml")

    assert newest[True]["schedule"]  # YAML reads the key `on` as a truth
    assert "make test-newest" in [step.get("run") for step in newest["jobs"]["newest"]["steps"]]


def test_every_action_is_pinned_to_a_commit_with_its_version_beside_it():
    lines = [line.strip() for path in WORKFLOWS for line in path.read_text().splitlines() if "uses:" in line]

    assert lines
    assert [
        line for line in lines if not re.fullmatch(r"- uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)
    ] == []


def test_an_action_is_pinned_to_one_commit_everywhere():
    pinned = {tuple(step["uses"].split("@")) for _, step in steps() if "uses" in step}

    assert len(pinned) == len({action for action, _ in pinned})


def test_a_checkout_leaves_no_credentials_behind():
    checkouts = [step for _, step in steps() if step.get("uses", "").startswith("actions/checkout@")]

    assert len(checkouts) == len(list(jobs()))
    assert [step for step in checkouts if step.get("with", {}).get("persist-credentials") is not False] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_no_rights_and_runs_once_at_a_time(path):
    workflow = document(path)

    assert (workflow["permissions"], "${{ github.ref }}" in workflow["concurrency"]["group"]) == ({}, True)


def test_a_job_may_read_the_repository_and_nothing_else_and_ends_in_time():
    wrong = [
        name
        for name, job in jobs()
        if job["permissions"] != {"contents": "read"} or not 0 < job["timeout-minutes"] <= 350
    ]

    assert wrong == []


def test_no_workflow_knows_a_secret_or_runs_code_of_a_fork_with_rights():
    texts = "".join(path.read_text() for path in WORKFLOWS)

    assert [word for word in ("secrets.", "pull_request_target", "workflow_run", "GITHUB_TOKEN") if word in texts] == []


def test_workflows_and_dependabot_keep_to_their_schemas():
    for schema, paths in {
        "vendor.github-workflows": WORKFLOWS,
        "custom.github-workflows-require-timeout": WORKFLOWS,
        "vendor.dependabot": [DEPENDABOT],
    }.items():
        checked = run_tool("check-jsonschema", "--builtin-schema", schema, *paths)

        assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("path", "schema", "old", "new"),
    [
        (WORKFLOWS[0], "vendor.github-workflows", "runs-on:", "runs-upon:"),
        (WORKFLOWS[0], "custom.github-workflows-require-timeout", "timeout-minutes: 20", "continue-on-error: true"),
        (DEPENDABOT, "vendor.dependabot", "interval: weekly", "interval: sometimes"),
    ],
    ids=["job", "timeout", "dependabot"],
)
def test_what_breaks_a_schema_is_refused(tmp_path, path, schema, old, new):
    broken = broken_copy(tmp_path, path, old, new)

    assert run_tool("check-jsonschema", "--builtin-schema", schema, broken).returncode == 1


def test_zizmor_finds_nothing_unsafe():
    checked = zizmor(ROOT / ".github", HOOKS)

    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("path", "old", "new", "rule"),
    [
        (WORKFLOWS[0], "@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7", "unpinned-uses"),
        (WORKFLOWS[0], "persist-credentials: false", "fetch-depth: 1", "artipacked"),
        (WORKFLOWS[0], "permissions: {}", "permissions: write-all", "excessive-permissions"),
        (WORKFLOWS[0], "  pull_request:", "  pull_request_target:", "dangerous-triggers"),
        (WORKFLOWS[0], "make lint\n", "make lint ${{ github.event.pull_request.title }}\n", "template-injection"),
        (DEPENDABOT, "    cooldown:\n      default-days: 7\n", "", "dependabot-cooldown"),
    ],
    ids=["tag", "credentials", "rights", "trigger", "injection", "cooldown"],
)
def test_what_is_unsafe_is_refused_by_its_rule(tmp_path, path, old, new, rule):
    checked = zizmor(broken_copy(tmp_path, path, old, new).parents[0])

    assert checked.returncode != 0
    assert rule in checked.stdout


def test_dependabot_watches_packages_actions_and_images_in_groups():
    updates = document(DEPENDABOT)["updates"]

    assert {each["package-ecosystem"] for each in updates} == {"pip", "github-actions", "docker"}
    assert [each for each in updates if not each["groups"]] == []


def hooks() -> list[dict]:
    return [hook for repository in document(HOOKS)["repos"] for hook in repository["hooks"]]


def test_hooks_are_our_own_and_download_nothing():
    assert {repository["repo"] for repository in document(HOOKS)["repos"]} == {"local"}
    assert {hook["language"] for hook in hooks()} == {"system"}


@pytest.mark.parametrize("hook", hooks(), ids=lambda hook: hook["id"])
def test_a_hook_runs_a_make_target_or_a_tool_of_the_lock(hook):
    program, *rest = hook["entry"].split()

    if program == "make":
        assert set(rest) <= TARGETS
        assert hook["pass_filenames"] is False
    else:
        assert program.startswith(".venv/bin/")
        assert (TOOLS / Path(program).name).exists()


def test_hooks_check_secrets_style_format_and_types():
    assert {"committable", "ruff", "format", "types"} <= {hook["id"] for hook in hooks()}


def test_the_page_tells_of_every_job_and_how_to_run_it_here():
    run = {step["run"] for _, step in steps() if step.get("run", "").startswith("make ")}

    assert [command for command in run if f"`{command}`" not in PAGE] == []
    assert "pre-commit install" in PAGE


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize(
    "target", sorted(TARGETS & {"types", "audit", "sbom", "committable", "demo-short", "test-newest"})
)
def test_a_target_of_ci_only_calls_commands_that_exist(target):
    said = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True)

    modules = re.findall(r"python -m ((?:infra|preflight)[\w.]*)", said.stdout)
    assert said.returncode == 0
    assert [name for name in modules if not (ROOT / f"{name.replace('.', '/')}.py").exists()] == []
