"""The documents say what there is: every command, every setting, every decision, and links that lead somewhere."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from infra.settings import Settings
from preflight.cli import app
from preflight.settings_table import settings_page

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("command", sorted(get_command(app).commands))
def test_every_command_is_in_the_readme(command):
    assert f"preflight {command}" in README


def test_the_page_of_settings_is_what_the_class_says():
    assert (ROOT / "docs" / "settings.md").read_text() == settings_page()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_no_document_names_a_setting_that_does_not_exist(document):
    named = set(re.findall(r"PREFLIGHT_([A-Z_]+[A-Z])", document.read_text()))

    assert {name.removesuffix("_FILE") for name in named} <= {name.upper() for name in Settings.model_fields}


def test_every_decision_is_in_the_index():
    records = {path.name for path in (ROOT / "docs" / "decisions").glob("0*.md")}

    assert (
        set(re.findall(r"\]\((0\d{3}-[a-z-]+\.md)\)", (ROOT / "docs" / "decisions" / "README.md").read_text()))
        == records
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text())

    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_a_document_names_exist(document):
    named = re.findall(
        r"`((?:data_checks|pipelines|services|monitoring|infra|practice|preflight|benchmarks|tests|docs)/[\w/.]*)`",
        document.read_text(),
    )

    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_target_of_the_makefile_explains_itself():
    targets = re.findall(r"^([a-z-]+):(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert targets
    assert [name for name, rest in targets if "##" not in rest] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_point_of_the_open_list_that_a_document_cites_is_on_it(document):
    points = set(re.findall(r"^(\d+)\. ", (ROOT / "docs" / "open.md").read_text(), re.MULTILINE))

    assert points_cited(document.read_text()) - points == set()


@pytest.mark.parametrize(
    "words",
    ["([open](../open.md), point 31)", "[open](open.md), 31).", "[open](../open.md), number\n31)", "`docs/open.md` 31"],
)
def test_a_cited_point_is_found_however_it_is_written(words):
    assert points_cited(f"Written down {words}") == {"31"}


def points_cited(text: str) -> set[str]:
    """The numbers of the points of `docs/open.md` that a text names."""
    return set(re.findall(r"\bopen\.md[`)]*,?\s+\(?(?:(?:point|number)\s+)?(\d+)\b", text))
