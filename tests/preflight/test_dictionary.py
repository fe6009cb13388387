"""The data dictionary says what the contract and the catalog say."""

from pathlib import Path

from data_checks import schema as s
from pipelines.feature_catalog import FEATURES
from preflight.dictionary import write_page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "data-dictionary.md"


def test_the_page_in_the_documents_is_what_the_command_writes():
    assert PAGE.read_text() == write_page(), "run: preflight dictionary -o docs/data-dictionary.md"


def test_every_column_rule_table_and_feature_is_in_it():
    tables = (*s.FEEDS.values(), *s.TABLES.values())
    columns = {column.name for table in tables for column in table.columns}
    rules = {column.name for feed in s.FEEDS.values() for column in (*feed.derived, *feed.measures)}
    page = write_page()

    assert [name for name in sorted(columns | rules) if f"| `{name}` |" not in page] == []
    assert [feature.name for feature in FEATURES if f"| {feature.name} |" not in page] == []
