"""A registry that cannot be read says so: that is another thing than one that holds nothing."""

import time
from pathlib import Path

import pytest

from infra.registry import DATABASE, Registry
from infra.registry_errors import RegistryUnreadable, require_readable

HEADER = 100


def spoil(database: Path) -> bytes:
    """Zeros where SQLite looks first; returns what stood there."""
    with database.open("r+b") as file:
        was = file.read(HEADER)
        file.seek(0)
        file.write(bytes(HEADER))
    return was


def mend(database: Path, was: bytes) -> None:
    with database.open("r+b") as file:
        file.write(was)


def test_a_database_that_is_not_there_yet_may_be_made(tmp_path):
    require_readable(tmp_path / DATABASE)

    assert not (tmp_path / DATABASE).exists()


def test_a_registry_that_is_damaged_while_it_is_open_has_no_answer_and_answers_again_when_it_is_mended(tmp_path):
    registry = Registry(tmp_path)
    assert registry.aliases() == {}
    was = spoil(tmp_path / DATABASE)

    with pytest.raises(RegistryUnreadable, match=r"mlflow\.db cannot be read: .*file is not a database; bring it back"):
        registry.aliases()
    with pytest.raises(RegistryUnreadable, match="cannot be read"):
        registry.version_tags(1)

    mend(tmp_path / DATABASE, was)
    assert registry.aliases() == {}


def test_a_damaged_registry_is_refused_at_once_and_not_after_ten_tries(tmp_path):
    Registry(tmp_path)
    spoil(tmp_path / DATABASE)
    began = time.monotonic()

    with pytest.raises(RegistryUnreadable, match="file is not a database"):
        Registry(tmp_path)

    assert time.monotonic() - began < 5
