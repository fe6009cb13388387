"""Follows docs/make-it-yours.md: its changes are made in a copy, its blocks are run, its lists are held to the code."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "make-it-yours.md").read_text()
PAGE = {part.split("\n")[0]: part for part in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]}
"""The page by heading."""
SWAPS = ("Another model", "Another label: other minutes", "Another label: cancelled")
EXAMPLE = "examples.second_data_set"

NUMBER = re.compile(r"(?<![\w-])[-+]?\d+(?:\.\d+)?(?:e[-+]\d+)?")
OF_ANY_DATA = {
    *("FLIGHT_ID", "SCHEDULED_DEPARTURE", "KNOWN_AT", "REVISION", "MOMENT", "QUARANTINE", "BLOCK", "WARN", "Feed"),
    *("SCHEDULE", "OUTCOMES", "WEATHER", "FEEDS", "TABLES", "REFERENCE", "SOURCE_COLUMNS"),
}
"""What of the contract does not tell flights from anything else: keys, moments, and feeds as wholes."""


def changes(part: str) -> list[tuple[str, str, str]]:
    """The changes of a part of the page: file, what stands there, and what takes its place."""
    found = []
    for file, lines in re.findall(r"```diff\n\+\+\+ (\S+)\n((?:[-+ ].*\n|\+\n)+)```", part):
        old, new = ("".join(line[1:] for line in lines.splitlines(True) if line[0] in kept) for kept in (" -", " +"))
        found.append((file, old, new))
    return found


def blocks(part: str) -> list[tuple[str, str]]:
    """The blocks to run of a part of the page, each with what it prints."""
    return re.findall(r"```python\n(.*?)```\n```text\n(.*?)```", part, re.DOTALL)


def copy_changed(folder: Path, part: str) -> Path:
    """A copy of the packages, changed as a part of the page says."""
    for package in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    for file, old, new in changes(part):
        text = (folder / file).read_text()
        assert text.count(old) == 1, f"{file} does not have once what the page replaces: {old!r}"
        (folder / file).write_text(text.replace(old, new))
    return folder


def run(folder: Path, *arguments: str) -> str:
    """What Python prints in a folder, its packages first."""
    ended = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=900)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def require_same(printed: str, page: str) -> None:
    """The same words, and numbers that another processor may give."""
    assert NUMBER.sub("#", printed) == NUMBER.sub("#", page)
    found, told = ([float(number) for number in NUMBER.findall(text)] for text in (printed, page))
    assert found == pytest.approx(told, rel=0.05, abs=0.03)


@cache
def life() -> str:
    """What the second data set prints."""
    return run(ROOT, "-m", EXAMPLE)


@cache
def imports_of(module: Path) -> frozenset[str]:
    """The dotted names that a module imports, with those of what is taken from each."""
    nodes = list(ast.walk(ast.parse(module.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    taken = {
        f"{node.module}.{alias.name}" for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    return frozenset(plain | taken)


def named(heading: str) -> set[str]:
    """The modules that the part of the page under a heading names."""
    part = re.split(rf"^### {heading}$", TEXT, flags=re.MULTILINE)[1].split("\n#")[0]
    return set(re.findall(r"`([\w/]+\.py)`", part))


def dotted(path: str) -> str:
    """The module of a file."""
    return path.removesuffix(".py").replace("/", ".")


@pytest.mark.parametrize("swap", SWAPS)
def test_a_swap_made_as_the_page_says_comes_to_what_it_prints(swap, tmp_path):
    folder = copy_changed(tmp_path, PAGE[swap])

    for code, printed in blocks(PAGE[swap]):
        require_same(run(folder, "-c", code), printed)


@pytest.mark.parametrize("swap", SWAPS)
def test_every_swap_has_changes_and_a_block_that_proves_them(swap):
    assert changes(PAGE[swap])
    assert len(blocks(PAGE[swap])) == 1


def test_the_second_data_set_lives_as_the_page_tells():
    ((command, printed),) = re.findall(r"^    \.venv/bin/python -m (\S+)\n\n```text\n(.*?)```", TEXT, re.M | re.S)

    assert command == EXAMPLE
    require_same(life(), printed)


def test_spoilt_rows_and_a_spoilt_batch_of_it_are_refused_by_the_contract():
    assert "quarantined scan-0287: ink_11 between 0 and 16 ink" in life()
    assert re.search(r"blocked: scans stays out, it broke: .*mean_ink between 3 and 7 ink, got 76", life())


def test_a_better_challenger_of_it_is_promoted_and_a_worse_one_refused():
    outcome = life().splitlines()[-1]

    assert outcome.startswith("outcome: 1679 scans accepted, 3 rows quarantined, 1 batch blocked")
    assert "versions [2, 3] promoted" in outcome
    assert re.search(r"^version 4 may not become champion: lowers log loss enough to matter", life(), re.MULTILINE)


def test_drift_alone_does_not_train_it_and_a_loss_of_skill_does():
    assert re.search(r"watch: \d+% of the features drifted, quality holds", life())
    assert re.search(r"retrain: skill fell to ", life())


def test_every_file_that_the_page_names_exists():
    files = re.findall(r"`((?:\w+/)+[\w.-]*)`", TEXT)

    assert len(files) > 50
    assert [name for name in files if not (ROOT / name).exists()] == []


def test_what_stays_imports_nothing_that_is_replaced():
    replaced = {dotted(path) for path in named("What is replaced")} - {"pipelines.evidence"}
    wrong = {
        path: sorted(
            name for name in imports_of(ROOT / path) if name.rpartition(".")[0] in replaced or name in replaced
        )
        for path in named("What stays as it is")
    }

    assert {path: names for path, names in wrong.items() if names} == {}


def test_the_example_takes_nothing_that_is_replaced_but_the_word_for_a_feature():
    replaced = {dotted(path) for path in named("What is replaced")} - {"pipelines.evidence"}
    files = sorted((ROOT / "examples" / "second_data_set").glob("*.py"))
    taken = {name for path in files for name in imports_of(path)}

    assert {name for name in taken if name in replaced or name.rpartition(".")[0] in replaced} == {
        "pipelines.feature_catalog.Feature"
    }


@pytest.mark.parametrize("room", ["data_checks", "pipelines", "monitoring", "services", "infra"])
def test_every_module_that_knows_a_column_of_flights_is_among_what_is_replaced(room):
    told = named("What is replaced")
    knowing = {
        str(path.relative_to(ROOT))
        for path in (ROOT / room).glob("*.py")
        if "data_checks.schema" in imports_of(path)
        for name in re.findall(r"\bs\.([A-Z_]+|Feed)\b", path.read_text())
        if name not in OF_ANY_DATA
    }

    assert knowing - told == set()


def test_no_file_of_the_example_is_longer_than_a_reader_can_hold():
    files = list((ROOT / "examples" / "second_data_set").glob("*.py"))

    assert {
        path.name: len(path.read_text().splitlines()) for path in files if path.read_text().count("\n") >= 200
    } == {}
