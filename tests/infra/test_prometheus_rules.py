"""The rules of Prometheus: each alert fires when it should, names what exists, and leads to a runbook that helps."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import typer
import yaml
from exposed import SERVICE_METRICS, full_life
from typer.main import get_command

from monitoring.flow_metrics import flow_metrics
from preflight.cli import app
from preflight.version_group import VERSION_COMMAND, VersionGroup

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "infra" / "prometheus"
RUNBOOKS = ROOT / "docs" / "runbooks"
TESTS = sorted((FOLDER / "tests").glob("*.yml"))

RULES = [
    rule
    for path in sorted((FOLDER / "rules").glob("*.yml"))
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
FLOWS = {metric.name for metric in flow_metrics(full_life())}

promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (package prometheus) is not installed")


def run_promtool(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(["promtool", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=600)


def asked_for(expression: str) -> set[str]:
    """The metrics of an expression, those that were recorded left out."""
    return set(re.findall(r"(?<![\w:])preflight_\w+(?![\w:])", expression))


def alert_parameters() -> list:
    return [pytest.param(name, rule, id=name) for name, rule in ALERTS.items()]


def commands_in(page: str) -> list[list[str]]:
    """The words of every `preflight ...` that a page names, in its text or as a line of its own."""
    found = re.findall(r"`preflight ([^`]+)`", page) + re.findall(r"^ {4}preflight (.+)$", page, re.MULTILINE)
    return [line.split() for line in found]


def unknown_part(words: list[str]) -> str | None:
    """The first word of a command line that is neither a command nor an option of it, None when all are known."""
    command = get_command(app)
    for word in words:
        if isinstance(command, VersionGroup) and word.isdigit():
            command = command.commands[VERSION_COMMAND]
        elif isinstance(command, typer.core.TyperGroup):
            if word not in command.commands:
                return word
            command = command.commands[word]
        elif word.startswith("--") and word not in {name for each in command.params for name in each.opts}:
            return word
    return None


@promtool
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_on_bad_series_and_stay_silent_on_good_ones(path):
    ended = run_promtool("test", "rules", str(path))

    assert ended.returncode == 0, ended.stdout + ended.stderr


@promtool
def test_the_configuration_and_its_rules_are_what_prometheus_takes():
    ended = run_promtool("check", "config", str(FOLDER / "prometheus.yml"))

    assert (ended.returncode, "WARNING" in ended.stdout) == (0, False), ended.stdout + ended.stderr


@pytest.mark.parametrize("case", ["fires", "just below", "silent"])
def test_every_alert_is_tried_on_bad_on_good_and_on_bordering_series(case):
    names = [test["name"] for path in TESTS for test in yaml.safe_load(path.read_text())["tests"]]

    assert [alert for alert in ALERTS if not any(name.startswith(f"{alert} {case}") for name in names)] == []


@pytest.mark.parametrize(("name", "rule"), alert_parameters())
def test_an_alert_says_how_long_how_bad_and_what_to_do(name, rule):
    said = rule["annotations"]

    assert re.fullmatch(r"\d+[mhd]", rule["for"])
    assert rule["labels"]["severity"] in ("page", "ticket", "info")
    assert said["summary"]
    assert said["description"]
    assert said["runbook_url"] == f"docs/runbooks/{name}.md"
    assert (ROOT / said["runbook_url"]).exists()


def test_every_runbook_belongs_to_an_alert_and_is_in_the_index_with_its_severity():
    pages = {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"}
    index = (RUNBOOKS / "README.md").read_text()

    rows = dict(re.findall(r"^\| \[(\w+)\]\(\w+\.md\) \| (\w+) \|", index, re.MULTILINE))

    assert pages == set(ALERTS)
    assert rows == {name: rule["labels"]["severity"] for name, rule in ALERTS.items()}


@pytest.mark.parametrize(("name", "rule"), alert_parameters())
def test_a_runbook_begins_with_what_the_alert_says_and_has_a_command_to_look(name, rule):
    page = (RUNBOOKS / f"{name}.md").read_text()

    opening = f"# {name}\n\n**{rule['labels']['severity']}**: {rule['annotations']['summary']}.\n"
    assert page.startswith(opening)
    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert headings == [
        *("What it means, and who is hurt", "Look", "Mend"),
        *("It is over when", "So that it does not come again"),
    ]
    assert re.search(r"^ {4}\S", page.partition("## Look")[2].partition("## Mend")[0], re.MULTILINE)


@pytest.mark.parametrize("path", sorted(RUNBOOKS.glob("*.md")), ids=lambda path: path.stem)
def test_every_command_that_a_runbook_names_exists(path):
    wrong = [(" ".join(words), part) for words in commands_in(path.read_text()) if (part := unknown_part(words))]

    assert wrong == []


def test_a_command_that_does_not_exist_is_found():
    assert unknown_part(["rollout", "pause"]) == "pause"
    assert unknown_part(["serve", "--fast"]) == "--fast"
    assert unknown_part(["rollback", "--to", "9"]) is None


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_asks_only_for_what_is_exposed_or_recorded(rule):
    recorded = set(re.findall(r"job:\w+:\w+", rule["expr"]))

    assert asked_for(rule["expr"]) - FLOWS - SERVICE_METRICS == set()
    assert recorded <= RECORDED


def test_everything_that_is_recorded_is_asked_for_or_explained():
    page = (ROOT / "docs" / "monitoring-metrics.md").read_text()
    asked = " ".join(rule["expr"] for rule in RULES)

    assert [name for name in sorted(RECORDED) if name not in asked and name not in page] == []


def test_every_metric_that_is_exposed_is_explained():
    page = (ROOT / "docs" / "monitoring-metrics.md").read_text()

    assert [name for name in sorted(FLOWS | SERVICE_METRICS) if f"`{name}`" not in page] == []


def test_the_page_of_metrics_names_none_that_does_not_exist():
    page = (ROOT / "docs" / "monitoring-metrics.md").read_text()

    assert set(re.findall(r"^\| `(preflight_\w+)` \|", page, re.MULTILINE)) == FLOWS | SERVICE_METRICS
