"""Every page that we write or serve, opened in a real Chromium: nothing leaves the machine, nothing goes wrong.

Of a home that was lived, named by the variable PAGES_HOME, or else of the short year of the tests; and the
documentation site, as `make site` builds it, opened from the disk.
Pictures are left in the folder that PAGES_PICTURES names.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import MISSING, Chromium, find_chromium, running_chromium
from conftest import preflight

from infra.evidently_process import running_evidently
from infra.network import free_port
from pipelines.report import DATA_DOCS

pytestmark = [pytest.mark.pages, pytest.mark.skipif(find_chromium() is None, reason=MISSING)]

DOCS = "/".join(DATA_DOCS)
WIDTHS_PX = (400, 1400)
FITTING = ("report/index.html", "report/validation.html", "report/explain.html")
"""Our own pages: none is wider than the window."""

TELEPHONE_PX = 420
LISTINGS = 5
"""Pages of source files that are opened; all are of one form, and `tests/test_site.py` reads every one."""


@pytest.fixture(scope="module")
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lived home with every page written."""
    if "PAGES_HOME" in os.environ:
        return Path(os.environ["PAGES_HOME"])
    home = tmp_path_factory.mktemp("pages") / "home"
    shutil.copytree(request.getfixturevalue("lived").settings.home, home)
    for command in (["workspace"], ["explain", "model"], ["report"]):
        ended = preflight(home, *command, timeout=900)
        assert ended.returncode == 0, ended.stderr
    return home


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """One browser for all pages."""
    with running_chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.mark.parametrize("width_px", WIDTHS_PX)
@pytest.mark.parametrize("page", [*FITTING, DOCS])
def test_a_page_on_disk_fetches_nothing_and_has_no_error(home, browser, page, width_px):
    seen = browser.visit((home / page).as_uri(), width_px, picture(page, width_px))

    assert (seen.outside, seen.errors) == ([], [])
    assert seen.width_px <= width_px or page not in FITTING


def test_every_kind_of_data_docs_page_fetches_nothing_and_has_no_error(home, browser):
    site = (home / DOCS).parent
    kinds = [next(site.glob("expectations/*.html")), *sorted(site.glob("validations/*/*/*/*.html"))[:1]]

    for number, page in enumerate(kinds):
        seen = browser.visit(page.as_uri(), 1400, picture(f"docs-{number}", 1400))
        assert (seen.outside, seen.errors) == ([], [])


def test_an_evidently_report_fetches_nothing_and_has_no_error(home, browser):
    report = sorted((home / "report" / "evidently").glob("*.html"))[-1]

    seen = browser.visit(report.as_uri(), 1400, picture("evidently-report", 1400), until="Drift")

    assert (seen.outside, seen.errors) == ([], [])


def test_evidently_shows_the_workspace_and_fetches_nothing_from_elsewhere(home, browser):
    with running_evidently(home, free_port()) as server:
        project = "20130101-0000-4000-8000-000000000000"
        projects = browser.visit(server.address, 1400, picture("evidently-ui", 1400), until="Preflight 2013")
        board = browser.visit(
            f"{server.address}/projects/{project}", 1400, picture("evidently-board", 1400), until="Distance of the"
        )

    assert (projects.outside, projects.errors) == ([], [])
    assert (board.outside, board.errors) == ([], [])


def test_the_search_finds_in_pages_from_the_disk(site, browser):
    asked = f"{(site / 'interview' / 'drift.html').as_uri()}?q=quarantine"

    seen = browser.visit(asked, 1400, picture("site-search", 1400), until="matching documents", tallest_px=1000)

    assert (seen.outside, seen.errors) == ([], [])
    assert "Data validation and contracts" in seen.text
    assert "RowsQuarantined" in seen.text


def test_the_search_says_that_it_finds_nothing(site, browser):
    seen = browser.visit(f"{(site / 'index.html').as_uri()}?q=xylophone", 1400, until="No matching documents")

    assert (seen.outside, seen.errors) == ([], [])


def test_no_page_of_the_site_asks_another_host_has_an_error_or_is_wider_than_a_telephone(site, browser):
    wrong = {}
    for page in opened(site):
        seen = browser.visit(page.as_uri(), TELEPHONE_PX, quiet_seconds=0.2)
        if seen.outside or seen.errors or seen.width_px > TELEPHONE_PX:
            wrong[str(page.relative_to(site))] = (seen.outside, seen.errors, seen.width_px)

    assert wrong == {}


def test_the_browser_tells_of_a_request_and_of_an_error(browser, tmp_path):
    page = tmp_path / "bad.html"
    page.write_text("<img src='https://example.org/a.png'><script>nothing_of_this_name()</script>")

    seen = browser.visit(page.as_uri(), 400)

    assert seen.outside == ["https://example.org/a.png"]
    assert any("nothing_of_this_name" in error for error in seen.errors)


def picture(name: str, width_px: int) -> Path | None:
    """Where the picture of a page is left, None where nobody wants it."""
    folder = os.environ.get("PAGES_PICTURES")
    return Path(folder) / f"{name.replace('/', '-')}-{width_px}.png" if folder else None


def opened(site: Path) -> list[Path]:
    """Every page that was written for people, and some listings of files."""
    pages = sorted(page for page in site.rglob("*.html") if page.name != "404.html")
    listings = [page for page in pages if Path(page.stem).suffix]
    return [page for page in pages if page not in listings] + listings[:: len(listings) // LISTINGS]
