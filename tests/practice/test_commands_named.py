"""Commands that the pages name: each can be typed as it stands; `make test-commands` types them, on a lived year."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typed_commands import problem_of

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
IN_CODE = re.compile(r"`((?:\.venv/bin/)?preflight [^`\n]+)`")
IN_BLOCK = re.compile(r"^    ((?:\.venv/bin/)?preflight [a-z-][^#\n]+)", re.MULTILINE)
WITH_PLACEHOLDER = re.compile(r"\b[A-Z]{2,}\b(?!\d)|\[|\.\.\.|\||<")
NOT_FOR_A_TEST = (
    *("serve", "up", "down", "logs", "worker", "agent", "evidently", "prometheus", "forget", "backup", "restore"),
    *(
        "rollback",
        "rollout",
        "traffic",
        "ask",
        "deploy",
        "automations",
        "end-week",
        "loop-demo",
        "demo",
        "tour",
        "interview",
    ),
    *(
        "deliver",
        "drill",
        "train",
        "retrain",
        "score",
        "quarantine replay",
        "quarantine discard",
        "card deal",
        "bakeoff",
    ),
    *(
        "contenders",
        "gate --calibrate",
        "alarms --calibrate",
        "prove engine",
        "prove kills",
        "prove swaps",
        "score-card",
    ),
    *(
        "prove worker",
        "features --worth",
        "prove detectors",
        "rebuild --random 20",
        "figures --write",
        "figures --groups --write",
    ),
    "card answer",
)
"""What stays, wants a server or a terminal, changes the life, or takes too long for a test: other suites run it."""

ONLY_NAMED = "Missing argument", "Missing option", "requires an argument", "give a "
"""What is said of a command that a sentence names without its arguments."""


def named() -> list[str]:
    """Every whole command of the pages, once."""
    found = [one for page in PAGES for pattern in (IN_CODE, IN_BLOCK) for one in pattern.findall(page.read_text())]
    found = [one for one in found if "->" not in one]
    return sorted({one.strip().removeprefix(".venv/bin/") for one in found if not WITH_PLACEHOLDER.search(_bare(one))})


def _bare(command: str) -> str:
    """Without what stands in capitals for itself: airports, flights, tail numbers."""
    return re.sub(r"\b(?:EWR|JFK|LGA|[A-Z0-9]{2}\d+[A-Z]*)\b", "x", command)


def _is_for_a_test(command: str) -> bool:
    return not any(command.removeprefix("preflight ").startswith(one) for one in NOT_FOR_A_TEST)


@pytest.mark.parametrize("command", named())
def test_a_command_that_a_page_names_can_be_typed(command):
    problem = problem_of(command) or ""

    assert not problem or any(words in problem for words in ONLY_NAMED), problem


@pytest.mark.commands
@pytest.mark.parametrize("command", [one for one in named() if _is_for_a_test(one) and problem_of(one) is None])
def test_a_command_that_a_page_names_does_what_it_says(command):
    ended = subprocess.run(
        [sys.executable, "-m", *shlex.split(command)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
