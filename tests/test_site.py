"""The documentation as a site: no warning, no dead link, nothing fetched from another host, every file a page."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, built as `make site` builds it."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr
    return folder


def test_every_document_is_a_page(site):
    documents = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    pages = {Path(str(path).replace("README", "index")) for path in documents}

    assert [str(page) for page in pages if not (site / page).exists()] == []


def test_nothing_is_fetched_from_another_host(site):
    asks = re.compile(r"""<(?:script|link|img|iframe)[^>]+(?:src|href)=["']?(https?://[^"'\s>]+)""")
    fetched = {
        (page.name, address)
        for page in site.rglob("*.html")
        for address in asks.findall(page.read_text())
        if "canonical" not in address
    }

    assert fetched == set()


def test_a_source_file_that_a_page_links_to_is_a_page_of_the_site(site):
    page = site / "source" / "pipelines" / "calibrating.py.html"

    assert "calibrating" in page.read_text()
    assert 'href="../source/pipelines/calibrating.py.html"' in (site / "interview" / "calibration.html").read_text()
