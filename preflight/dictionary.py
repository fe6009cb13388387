"""The data dictionary as a Markdown page, from contract and feature catalog: nothing in it is written twice."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from data_checks import schema as s
from data_checks.rules import allowed
from infra.storage import write_atomically
from pipelines.feature_catalog import FEATURES, Feature
from preflight import show

HEAD = """# Data dictionary

Written by `preflight dictionary -o docs/data-dictionary.md` from `data_checks/schema.py` and
`pipelines/feature_catalog.py`; a test holds it to them. A value may be used from the moment given as *known*.
What a broken rule costs: **block** keeps the batch out, **quarantine** the row, **warn** is a line in the report.
How the bounds were measured: [0010](decisions/0010-one-contract.md).
"""
COLUMNS = ("column", "meaning", "type", "unit", "allowed", "may be missing", "costs", "known")
RULES = ("name", "meaning", "unit", "allowed", "costs")


def dictionary(output: Path | None, as_json: bool) -> None:
    """Print the page, or write it to a file."""
    page = write_page()
    if output is None and not as_json:
        show.tell(page.rstrip())
        return
    if output is not None:
        write_atomically(output, page.encode())
    written = {"page": page} if output is None else {"path": str(output)}
    show.finish(f"the dictionary has {page.count(chr(10))} lines", written, as_json)


def write_page() -> str:
    """The whole page; equal contracts give equal bytes."""
    parts = [HEAD, "## Feeds\n"]
    for feed in s.FEEDS.values():
        parts += _table(feed)
        parts += _section("Derived of each row, and checked like the others:", RULES, map(_rule, feed.derived))
        parts += _section("Measured of each batch:", RULES, map(_rule, feed.measures))
    parts.append("## Reference tables\n")
    for table in s.TABLES.values():
        parts += _table(table)
    names = tuple(field.name for field in fields(Feature))
    rows = ([str(getattr(feature, name)) for name in names] for feature in FEATURES)
    parts += ["## Features\n", *_section("In the order in which the model sees them.", names, rows)]
    return "\n".join(parts).rstrip() + "\n"


def _table(table: s.Table) -> Iterator[str]:
    yield f"### {table.name}\n"
    key = ", ".join(f"`{name}`" for name in table.key)
    yield f"{table.meaning[0].upper()}{table.meaning[1:]}. Known: {table.known}. Key: {key}.\n"
    yield from _section("", COLUMNS, (_column(column) for column in table.columns))


def _section(words: str, heads: tuple[str, ...], rows: Iterator[list[str]]) -> Iterator[str]:
    if words:
        yield f"{words}\n"
    yield "| " + " | ".join(head.replace("_", " ") for head in heads) + " |"
    yield "| " + " | ".join("---" for _ in heads) + " |"
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
    yield ""


def _column(column: s.Column) -> list[str]:
    missing = "no" if not column.nullable else "yes"
    if column.most_missing is not None:
        missing = f"at most {column.most_missing:.0%}, else block"
    kind = "moment" if column.dtype == s.MOMENT else str(column.dtype)
    known = column.known or "as the row"
    return [f"`{column.name}`", column.meaning, kind, column.unit, allowed(column), missing, column.severity, known]


def _rule(column: s.Column) -> list[str]:
    return [f"`{column.name}`", column.meaning, column.unit, allowed(column), column.severity]
