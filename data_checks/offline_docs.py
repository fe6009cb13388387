"""Data Docs that open without a network: what Great Expectations' pages fetch from other hosts is taken out.

Its scripts and styles are on no package index, so they cannot be had from there. Without them the pages
lack sorting, searching and filtering; what is in them stays: the index becomes a plain table of links.
"""

import ast
import re
from html import escape
from importlib.resources import files
from pathlib import Path

MARK = '<meta name="preflight" content="offline">'
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' file:"
HEAD = f'{MARK}\n<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
SCRIPT = re.compile(r"<script\b[^>]*>.*?</script>", re.DOTALL)
ROWS = re.compile(r"^\s*data: (\[.*\]),\s*$", re.MULTILINE)
COLUMNS = {"run_name": "week", "asset_name": "checked", "_validation_success_text": "outcome"}


def make_offline(site: Path) -> int:
    """Rewrite every page of a built site so that it fetches nothing; returns how many were rewritten now."""
    pages = [page for page in sorted(site.rglob("*.html")) if MARK not in page.read_text()]
    for page in pages:
        page.write_text(offline_page(page.read_text(), "../" * (len(page.relative_to(site).parts) - 1)))
    return len(pages)


def offline_page(html: str, root: str) -> str:
    """One page without scripts, foreign styles and foreign pictures, with the tables that scripts would have filled.

    `root` leads from the page to the site's own folder, where Great Expectations itself miscounts by one.
    """
    html = SCRIPT.sub(lambda script: _table_of(script.group()), html)
    html = re.sub(r'<link\b[^>]*href="https?://[^>]*>', "", html)
    html = re.sub(r'(<img\b[^>]*src=")https?://[^"]*"', rf'\g<1>{root}static/images/logo-long.png"', html)
    html = re.sub(r'href="[^"]*(static/images/favicon\.ico)"', rf'href="{root}\g<1>"', html)
    html = re.sub(r"url\(['\"]?https?://[^)]*\)", "none", html)
    html = re.sub(r'\son\w+="[^"]*"', "", html)
    style = files("data_checks").joinpath("offline_docs.css").read_text()
    return html.replace("<head>", f"<head>\n{HEAD}", 1).replace("</head>", f"<style>\n{style}</style>\n</head>", 1)


def _table_of(script: str) -> str:
    """The rows that a script would have put into a table, as a table; nothing for a script that has none."""
    found = ROWS.search(script) if "bootstrapTable(" in script else None
    if found is None:
        return ""
    rows = ast.literal_eval(found.group(1))
    shown = {name: title for name, title in COLUMNS.items() if any(name in row for row in rows)}
    names = shown or {"expectation_suite_name": "suite"}
    heads = "".join(f"<th>{title}</th>" for title in names.values())
    body = "".join(f"<tr>{_cells(row, list(names))}</tr>\n" for row in rows)
    return f'<table class="offline"><thead><tr>{heads}</tr></thead><tbody>\n{body}</tbody></table>'


def _cells(row: dict, names: list[str]) -> str:
    texts = [escape(re.sub(r"<[^>]*>", "", str(row.get(name, ""))).strip()) for name in names]
    link = row.get("_table_row_link_path")
    first = f'<a href="{escape(link)}">{texts[0]}</a>' if link else texts[0]
    return "".join(f"<td>{text}</td>" for text in (first, *texts[1:]))
