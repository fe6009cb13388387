"""Every figure and every table of measured numbers has the command that makes it beside it.

Beside it: in the same section, or as `Made by` before the first section of a page that one command writes. Measured:
a column other than the first is mostly numbers. Interview pages quote, and a test of their own holds each number to
the page it links to.
"""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from preflight.cli import app

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [page for page in (ROOT / "README.md", *sorted(DOCS.rglob("*.md"))) if "interview" not in page.parts]
CHOSEN = {
    ("docs/decisions/0019-proxy.md", ""): "status codes",
    ("docs/monitoring-metrics.md", "Objectives"): "objectives are chosen",
}
"""Sections whose numbers nobody measured, and what they are."""

IMAGE = re.compile(r"!\[[^\]]*\]\([^)]+\)")
TABLE = re.compile(r"(?:^\|.*\|\n?){3,}", re.MULTILINE)
NUMBER = re.compile(r"[-+~]?[\d,]*\.?\d+(?: ?(?:%|[a-zA-Zµ/]{1,5}))?(?:$|[ \[(,])")
WORDS = re.compile(r"(?:`|^ {4})(?:\.venv/bin/)?(preflight|make|python -m|docker-compose) ([\w.-]+)", re.MULTILINE)
WRITERS = re.compile(r"(?:--write|-o) (docs/[\w/-]+\.md)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_was_measured_has_a_command_beside_it(page):
    sections = sections_of(page.read_text())
    by_one_command = re.search(r"(?:Made|Written) by `", sections[""]) and has_command(sections[""])

    lacking = {(str(page.relative_to(ROOT)), heading) for heading, text in sections.items() if lacks_a_command(text)}

    assert by_one_command or lacking <= CHOSEN.keys()


def test_a_page_that_a_command_writes_says_so_in_its_first_lines():
    named = {name for page in PAGES for name in WRITERS.findall(page.read_text())}
    pages = {name: ROOT / name for name in named if (ROOT / name).exists()}

    assert len(pages) >= 7
    assert [name for name, page in pages.items() if name not in "\n".join(page.read_text().split("\n")[:8])] == []


def test_a_table_without_its_command_is_found():
    table = "| server | ms |\n| --- | ---: |\n| ours | 4.06 |\n| theirs | 338.46 |\n"

    assert lacks_a_command(table)
    assert lacks_a_command(f"Made by `preflight nothing`.\n\n{table}")
    assert not lacks_a_command(f"Made by `make bench-serving`.\n\n{table}")
    assert not lacks_a_command(table.replace("4.06", "fast").replace("338.46", "slow"))


def sections_of(text: str) -> dict[str, str]:
    """What stands below each heading of the second level; before the first: ''."""
    outside = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    parts = re.split(r"^## (.*)$", outside, flags=re.MULTILINE)
    return {"": parts[0]} | dict(zip(parts[1::2], parts[2::2], strict=True))


def lacks_a_command(text: str) -> bool:
    """True when a section has an image or measured numbers, and no command that is there to be run."""
    shown = IMAGE.search(text) or any(is_measured(table) for table in TABLE.findall(text))
    return bool(shown) and not has_command(text)


def is_measured(table: str) -> bool:
    """True when a column other than the first is mostly numbers."""
    rows = [[plain(cell) for cell in line.strip().strip("|").split("|")] for line in table.strip().split("\n")[2:]]
    columns = zip(*(row for row in rows if len(row) == len(rows[0])), strict=True)
    return any(sum(bool(NUMBER.match(cell)) for cell in column) > len(rows) / 2 for column in list(columns)[1:])


def plain(cell: str) -> str:
    """A cell without links, emphasis and tags."""
    return re.sub(r"\*\*|<[^>]+>", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", cell)).strip()


def has_command(text: str) -> bool:
    """True when a text names a command that exists."""
    return any(exists(tool, verb) for tool, verb in WORDS.findall(text))


def exists(tool: str, verb: str) -> bool:
    """True for a command of ours, a target of the Makefile, a module, and whatever docker-compose is asked."""
    if tool == "preflight":
        return verb in get_command(app).commands
    if tool == "make":
        return re.search(rf"^{re.escape(verb)}:", (ROOT / "Makefile").read_text(), re.MULTILINE) is not None
    module = ROOT / verb.replace(".", "/")
    return tool == "docker-compose" or module.with_suffix(".py").exists() or (module / "__main__.py").exists()
