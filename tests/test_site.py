"""The documentation as a site: no warning, no dead link, nothing fetched from another host, every file a page.

What a browser has to show, that the search finds and that no page is wider than a telephone, is in `tests/pages/`.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

ROOT = Path(__file__).resolve().parents[1]
FETCHED = {"src", "srcset", "poster", "data", "xlink:href"}
"""Attributes whose address a browser asks for when it shows a page; the `href` of a `link` is one too."""
IN_STYLE = re.compile(r"""url\(["']?([^"')]+)|@import ["']([^"']+)""")
MARKUP = re.compile(r"\]\([^)\s]+\)|(?<!\w)\*\*\w|^ *#{1,4} \w|^\|[ :-]+\||```|<!--|\{[%#:]", re.MULTILINE)
CODE = ("pre", "code", "script", "style", "svg", "title")


@dataclass
class Page(HTMLParser):
    """What a page asks for, what it links to, what can be linked to in it, and its words outside of code."""

    asked: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    words: list[str] = field(default_factory=list)
    depth: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the addresses of a tag."""
        self.depth += tag in CODE
        for name, value in attrs:
            if name in FETCHED or (tag, name) == ("link", "href"):
                self.asked.append(value or "")
            elif (tag, name) == ("a", "href"):
                self.links.append(value or "")
            elif name in ("id", "name"):
                self.anchors.add(value or "")
            elif name == "style":
                self.asked += addresses_in_style(value or "")

    def handle_endtag(self, tag: str) -> None:
        """Come out of code."""
        self.depth -= tag in CODE

    def handle_data(self, data: str) -> None:
        """Keep words."""
        if not self.depth:
            self.words.append(data)


@pytest.fixture(scope="module")
def pages(site) -> dict[Path, Page]:
    """Every page of the site, read; without that of a missing page, which only a server shows."""
    return {path: read(path.read_text()) for path in site.rglob("*.html") if path.name != "404.html"}


def test_every_document_is_a_page(site):
    documents = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    pages = {Path(str(path).replace("README", "index")) for path in documents}

    assert [str(page) for page in pages if not (site / page).exists()] == []


def test_nothing_is_fetched_from_another_host(site, pages):
    asked = {(path.name, address) for path, page in pages.items() for address in page.asked}
    asked |= {(path.name, address) for path in site.rglob("*.css") for address in addresses_in_style(path.read_text())}

    assert len(asked) > len(pages)
    assert {(name, address) for name, address in asked if re.match(r"(?:https?:)?//", address)} == set()


def test_what_is_fetched_is_there(pages):
    asked = {(path.parent / unquote(local)) for path, page in pages.items() for local in local_of(page.asked)}

    assert sorted(str(path) for path in asked if not path.exists()) == []


def test_every_link_leads_to_a_page_and_to_an_anchor_of_it(pages):
    known = {path.resolve(): page.anchors for path, page in pages.items()}
    dead = set()
    for path, page in pages.items():
        for link in page.links:
            address, anchor = urldefrag(link)
            target = (path.parent / unquote(address)).resolve() if address else path.resolve()
            if re.match(r"[a-z]+:", link) or target.suffix != ".html":
                continue
            if target not in known or (anchor and unquote(anchor) not in known[target]):
                dead.add((path.name, link))

    assert dead == set()


def test_no_markup_is_shown_as_text(pages):
    shown = {(path.name, found[0]) for path, page in pages.items() for found in MARKUP.finditer("".join(page.words))}

    assert shown == set()


def test_the_search_needs_no_worker_and_no_other_host(site):
    listed = json.loads((site / "search" / "search_index.js").read_text().removeprefix("var __index = "))["docs"]
    shim = "assets/javascripts/iframe-worker.js"

    assert "IFrameWorker" in (site / shim).read_text()
    assert f'<script src="../{shim}"></script>' in (site / "interview" / "drift.html").read_text()
    assert {"index.html", "runbooks/RowsQuarantined.html"} <= {urldefrag(page["location"])[0] for page in listed}
    assert [page["location"] for page in listed if page["location"].endswith(".py.html")] == []


def test_a_source_file_that_a_page_links_to_is_a_page_of_the_site(site):
    page = site / "source" / "pipelines" / "calibrating.py.html"

    assert "calibrating" in page.read_text()
    assert 'href="../source/pipelines/calibrating.py.html"' in (site / "interview" / "calibration.html").read_text()


@pytest.mark.parametrize(
    "tag",
    [
        '<img src="https://example.org/a.png">',
        '<link rel="stylesheet" href="//example.org/a.css">',
        '<p style="background: url(https://example.org/a.png)">',
        '<source srcset="https://example.org/a.webp 2x">',
    ],
)
def test_an_address_of_another_host_is_seen(tag):
    assert any("//example.org" in address for address in read(tag).asked)


def read(html: str) -> Page:
    """A page, parsed."""
    page = Page()
    page.feed(html)
    return page


def addresses_in_style(style: str) -> list[str]:
    """What a style sheet would ask for."""
    return [one or other for one, other in IN_STYLE.findall(style)]


def local_of(addresses: list[str]) -> Iterator[str]:
    """Addresses of files beside the page."""
    yield from (urldefrag(address)[0].split("?")[0] for address in addresses if not re.match(r"[a-z]+:|//", address))
