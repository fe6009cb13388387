"""What mypy checks: every room, nothing untyped, and a list of modules not yet checked that only gets shorter."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOL = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
NOT_YET = [name for section in TOOL["mypy"]["overrides"] if section.get("ignore_errors") for name in section["module"]]
MOST_NOT_YET = 101


def checked(folder: Path, code: str) -> subprocess.CompletedProcess:
    """How mypy judges one file by the project's own settings."""
    path = folder / "example.py"
    path.write_text(code)
    command = [sys.executable, "-m", "mypy", "--config-file", ROOT / "pyproject.toml", "--cache-dir", folder, path]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_every_room_is_checked():
    assert TOOL["mypy"]["files"] == TOOL["setuptools"]["packages"]


def test_the_list_of_modules_not_yet_checked_only_gets_shorter():
    assert len(NOT_YET) <= MOST_NOT_YET


def test_a_module_not_yet_checked_exists_and_is_named_once():
    assert [name for name in NOT_YET if not (ROOT / f"{name.replace('.', '/')}.py").exists()] == []
    assert sorted(set(NOT_YET)) == NOT_YET


def test_the_rooms_of_pure_rules_about_locks_and_weeks_are_checked():
    assert [name for name in NOT_YET if name.startswith("monitoring.")] == []
    assert {"infra.audit", "infra.culprit", "infra.locks", "infra.newest", "infra.sbom"} & set(NOT_YET) == set()


def test_the_page_says_how_many_modules_are_not_yet_checked():
    assert f"{len(NOT_YET)} modules are not yet checked" in (ROOT / "docs" / "ci.md").read_text()


def test_sound_types_pass(tmp_path):
    assert checked(tmp_path, "def double(number: int) -> int:\n    return 2 * number\n").returncode == 0


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("def double(number: int) -> str:\n    return 2 * number\n", "return-value"),
        ("def double(number):\n    return 2 * number\n", "no-untyped-def"),
        ("NUMBER: int = 1  # type: ignore\n", "unused-ignore"),
        ("def same(number: int) -> bool:\n    return number == 'one'\n", "comparison-overlap"),
    ],
    ids=["wrong", "untyped", "blanket", "never-equal"],
)
def test_what_is_not_sound_is_refused_by_its_rule(tmp_path, code, rule):
    judged = checked(tmp_path, code)

    assert (judged.returncode, f"[{rule}]" in judged.stdout) == (1, True), judged.stdout
