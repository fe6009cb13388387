"""What MkDocs is told beyond `mkdocs.yml`: pages for what lies outside of `docs/`; the site needs no repository.

A link to a source file becomes a page with that file; README and CHANGELOG become pages. Loaded by `mkdocs` as a hook.
"""

import ast
import posixpath
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import File, Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"(\]\()(?!https?:|mailto:|#)([^)#\s]+)((?:#[^)]*)?\))")
MODULES = re.compile(r"<!-- modules: (\w+) -->")
LANGUAGES = {".py": "python", ".yml": "yaml", ".yaml": "yaml", ".toml": "toml", ".sh": "bash", ".json": "json"}
LISTING = "---\nsearch: {exclude: true}\nhide: [navigation, toc]\n---\n"
"""The head of a page that is a file: as wide as the window, and found by its room's table and not by every word."""
PAGES = {"README.md": "index.md", "CHANGELOG.md": "changelog.md"}
"""Files of the top folder that are pages of their own; everything else that is linked to stands under `source/`."""


def slug_of(text: str, separator: str) -> str:
    """The anchor of a heading as GitHub makes it, so that one link serves both.

    >>> slug_of("What it must *show*: 2", "-")
    'what-it-must-show-2'
    """
    kept = re.sub(r"[^\w\- ]", "", re.sub(r"<[^>]+>", "", text).strip().lower())
    return kept.replace(" ", separator)


def on_config(config: "MkDocsConfig") -> None:
    """Write out the folders of the navigation."""
    config.nav = with_folders(config.nav or [], Path(config.docs_dir))


def with_folders(nav: list, docs: Path) -> list:
    """The navigation with each name that ends in `/` replaced by the pages of that folder, its README first."""
    return [_with_folders(entry, docs) for entry in nav]


def _with_folders(entry: dict | str, docs: Path) -> dict | str:
    if isinstance(entry, str):
        return entry
    ((title, inside),) = entry.items()
    if isinstance(inside, list):
        return {title: with_folders(inside, docs)}
    if not inside.endswith("/"):
        return entry
    pages = sorted((docs / inside).glob("*.md"), key=lambda page: (page.name != "README.md", page.name))
    return {title: [f"{inside}{page.name}" for page in pages]}


def on_files(files: "Files", config: "MkDocsConfig") -> "Files":
    """Add a page for every file outside of `docs/` that a page links to, and for those they link to."""
    docs = Path(config.docs_dir)
    asked = [(_inside(docs, file), _with_modules(file.content_string)) for file in files.documentation_pages()]
    asked += [(PurePosixPath(name), (ROOT / name).read_text()) for name in PAGES]
    seen: set[str] = set()
    while asked:
        place, text = asked.pop()
        for target in _targets(place, text):
            if target in seen or target.startswith("docs/"):
                continue
            seen.add(target)
            if target.endswith(".md") and target not in PAGES:
                asked.append((PurePosixPath(target), (ROOT / target).read_text()))
    for target in sorted(seen | set(PAGES)):
        files.append(_page_of(target, config))
    return files


def on_page_markdown(markdown: str, page: "Page", config: "MkDocsConfig", files: "Files") -> str:
    """The page with its links turned to where their targets are on the site; a listing of a file as it is."""
    if page.meta.get("search", {}).get("exclude"):
        return markdown
    place = _origin(page.file.src_uri)
    markdown = _with_modules(markdown)

    def turned(link: re.Match[str]) -> str:
        target = _resolve(place, link[2])
        if target is None:
            return link[0]
        return f"{link[1]}{posixpath.relpath(_uri(target), posixpath.dirname(page.file.src_uri) or '.')}{link[3]}"

    return LINK.sub(turned, markdown)


def _with_modules(markdown: str) -> str:
    return MODULES.sub(lambda marker: modules_of(marker[1]), markdown)


@cache
def modules_of(room: str) -> str:
    """A table of a room's modules with the first sentence of each."""
    paths = sorted(path for path in (ROOT / room).rglob("*.py") if path.name != "__init__.py")
    names = [path.relative_to(ROOT) for path in paths]
    rows = [f"| [{name}](../../{name}) | {_first_sentence(ROOT / name)} |" for name in names]
    return "\n".join(["## Its modules", "", "| module | what lives there |", "| --- | --- |", *rows])


def _first_sentence(path: Path) -> str:
    words = ast.get_docstring(ast.parse(path.read_text())) or ""
    return words.split("\n\n")[0].replace("\n", " ").replace("|", "/")


def _inside(docs: Path, file: "File") -> PurePosixPath:
    return PurePosixPath(docs.name, file.src_uri)


def _origin(uri: str) -> PurePosixPath:
    """The path in the repository of a page of the site."""
    for name, page in PAGES.items():
        if uri == page:
            return PurePosixPath(name)
    if uri.startswith("source/"):
        return PurePosixPath(uri.removeprefix("source/"))
    return PurePosixPath("docs", uri)


def _uri(target: str) -> str:
    """Where a file of the repository stands on the site."""
    if target.startswith("docs/"):
        return target.removeprefix("docs/")
    if target in PAGES:
        return PAGES[target]
    shown = target.removeprefix(".")  # mkdocs leaves out what begins with a dot
    return f"source/{shown}" if shown.endswith(".md") else f"source/{shown}.md"


def _targets(place: PurePosixPath, text: str) -> Iterator[str]:
    for link in LINK.finditer(text):
        if target := _resolve(place, link[2]):
            yield target


def _resolve(place: PurePosixPath, link: str) -> str | None:
    """The path in the repository that a link of a page leads to; None when nothing is there."""
    target = posixpath.normpath(str(place.parent / link))
    path = ROOT / target
    if path.is_dir():
        index = next((name for name in ("README.md",) if (path / name).exists()), None)
        return f"{target}/{index}" if index else target
    return target if path.is_file() and not target.startswith("..") else None


def _page_of(target: str, config: "MkDocsConfig") -> "File":
    from mkdocs.structure.files import File

    return File.generated(config, _uri(target), content=_content(target))


def _content(target: str) -> str:
    path = ROOT / target
    if path.is_dir():
        names = sorted(one.name for one in path.iterdir() if not one.name.startswith((".", "__pycache__")))
        return "\n".join([f"# {target}/", "", *(f"- `{name}`" for name in names), ""])
    text = path.read_text()
    if target.endswith(".md"):
        return text
    fence = "`" * (1 + max((len(run) for run in re.findall(r"`{3,}", text)), default=3))
    language = LANGUAGES.get(path.suffix, "text")
    return f'{LISTING}# {path.name}\n\n`{target}`\n\n{fence} {{.{language} linenums="1"}}\n{text}\n{fence}\n'
