"""What a version came from: words may change, meaning may not; a dirty tree is recorded as one."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra import revision
from infra.revision import code_facts, meaning_sha256
from pipelines.definitions import features_sha256
from pipelines.estimators import ModelParameters
from pipelines.lineage import describe_lineage, differences
from pipelines.protocol import Protocol, slice_time

START = datetime(2013, 1, 1, 5, tzinfo=UTC)
SLICES = slice_time(Protocol(), START, START + timedelta(days=120))
SOURCE = '"""A module."""\n\n\ndef add(one, other):\n    """The sum."""\n    return one + other\n'


def meaning(folder: Path, source: str, name: str = "sums.py") -> str:
    path = folder / name
    path.write_text(source)
    return meaning_sha256([path])


@pytest.mark.parametrize(
    ("words", "others"),
    [("The sum.", "What both come to."), ("A module.", "Sums."), ("    return", "    # why\n    return")],
)
def test_docstrings_and_comments_leave_the_hash(tmp_path, words, others):
    assert meaning(tmp_path, SOURCE.replace(words, others)) == meaning(tmp_path, SOURCE)


def test_a_docstring_that_is_taken_away_leaves_the_hash(tmp_path):
    assert meaning(tmp_path, SOURCE.replace('    """The sum."""\n', "")) == meaning(tmp_path, SOURCE)


@pytest.mark.parametrize(
    ("code", "other"),
    [("one + other", "one - other"), ("(one, other)", "(one, other=1)"), ("return one", 'return "text", one')],
)
def test_code_changes_the_hash(tmp_path, code, other):
    assert meaning(tmp_path, SOURCE.replace(code, other)) != meaning(tmp_path, SOURCE)


def test_a_file_that_moves_changes_the_hash(tmp_path):
    assert meaning(tmp_path, SOURCE) != meaning(tmp_path, SOURCE, "others.py")


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Path:
    """A scratch git repository with one package of one module, committed, that stands for ours."""
    (tmp_path / "sums").mkdir()
    (tmp_path / "sums" / "__init__.py").write_text(SOURCE)
    for arguments in (
        ("init", "--quiet"), ("add", "."),
        ("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "First"),
    ):  # fmt: skip
        subprocess.run(("git", "-C", tmp_path, *arguments), check=True)
    monkeypatch.setattr(revision, "ROOT", tmp_path)
    return tmp_path


def test_a_clean_tree_is_its_revision(repository):
    facts = code_facts.__wrapped__()

    head = subprocess.run(("git", "-C", repository, "rev-parse", "HEAD"), capture_output=True, text=True, check=True)
    assert (facts["git_revision"], facts["is_dirty"]) == (head.stdout.strip(), False)


def test_a_dirty_tree_is_recorded_as_such_and_the_sources_say_what_ran(repository):
    before = code_facts.__wrapped__()
    (repository / "sums" / "__init__.py").write_text(SOURCE.replace("+", "-"))

    after = code_facts.__wrapped__()

    assert (after["git_revision"], after["is_dirty"]) == (before["git_revision"], True)
    assert after["sources_sha256"] != before["sources_sha256"]


def test_without_git_only_the_sources_say_what_ran(tmp_path, monkeypatch):
    (tmp_path / "sums").mkdir()
    (tmp_path / "sums" / "__init__.py").write_text(SOURCE)
    monkeypatch.setattr(revision, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    facts = code_facts.__wrapped__()

    assert (facts["git_revision"], facts["is_dirty"], len(facts["sources_sha256"])) == (None, None, 64)


def described(**changes: object) -> dict:
    given = {"window": "expanding", "slices": SLICES, "parameters": ModelParameters(), "protocol": Protocol(),
             "data": {"training": "a" * 64}, "rows": 5}  # fmt: skip
    return describe_lineage(**{**given, **changes})


def test_the_same_training_described_twice_differs_in_nothing():
    assert differences(described(), described()) == []


def test_what_differs_is_named_with_its_way_and_hashes_shortened():
    found = differences(described(), described(parameters=ModelParameters(trees=61), data={"training": "b" * 64}))

    assert found == [f"data.training was {'a' * 12}..., is {'b' * 12}...", "parameters.trees was 60, is 61"]


def test_another_length_of_the_gate_is_another_protocol():
    assert "protocol.gate_days was 14, is 21" in differences(described(), described(protocol=Protocol(gate_days=21)))


def test_the_hash_of_the_features_is_of_what_the_catalog_says_and_the_modules_do(monkeypatch):
    before = features_sha256.__wrapped__()
    monkeypatch.setattr("pipelines.feature_catalog.FEATURES", ())

    assert features_sha256.__wrapped__() != before
