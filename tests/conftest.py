"""What all tests share: tools that stay silent, properties that try the same examples, the real feeds read once."""

import os

import polars as pl
import pytest
from hypothesis import settings

from data_checks import schema as s
from data_checks.feeds import split_feeds
from infra.environment import NO_TELEMETRY, QUIET, SPEED
from infra.source import open_source

for name, value in (NO_TELEMETRY | QUIET | SPEED).items():
    os.environ.setdefault(name, value)

settings.register_profile("preflight", derandomize=True, deadline=None, database=None)
settings.load_profile("preflight")


@pytest.fixture(scope="session")
def source_tables() -> dict[str, pl.DataFrame]:
    """The five tables of the installed data package."""
    return open_source(None, s.SOURCE_COLUMNS).tables(s.SOURCE_COLUMNS)


@pytest.fixture(scope="session")
def feeds(source_tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """All feeds and reference tables of 2013."""
    return split_feeds(source_tables)
