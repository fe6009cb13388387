"""Which code ran: a tree with changes, or with a new module that could be imported, is dirty."""

import subprocess
from pathlib import Path

import pytest

from infra import revision


@pytest.fixture
def tree(tmp_path, monkeypatch) -> Path:
    """A checkout with one committed module, taken for ours."""
    monkeypatch.setattr(revision, "ROOT", tmp_path)
    revision.code_facts.cache_clear()
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "one.py").write_text("x = 1\n")
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    for arguments in (("init", "-q"), ("add", "."), (*who, "commit", "-qm", "one")):
        subprocess.run(("git", "-C", str(tmp_path), *arguments), check=True)
    yield tmp_path
    revision.code_facts.cache_clear()


def test_a_tree_as_committed_is_clean(tree):
    facts = revision.code_facts()

    assert facts["is_dirty"] is False
    assert len(facts["git_revision"]) == 40


@pytest.mark.parametrize("name", ["rules/one.py", "rules/new.py"], ids=["changed", "new"])
def test_a_module_that_is_not_in_the_revision_makes_it_dirty(tree, name):
    (tree / name).write_text("x = 2\n")

    assert revision.code_facts()["is_dirty"] is True


def test_a_new_file_that_nothing_imports_does_not(tree):
    (tree / "notes.txt").write_text("a thought")

    assert revision.code_facts()["is_dirty"] is False


@pytest.mark.parametrize(
    ("words", "path", "said"),
    [
        ("Change it\n\nReviewed-by: Ada", "rules", "Ada"),
        ("Change it, which Ada reviewed", "rules", None),
        ("Change it\n\nReviewed-by: Ada", "other", None),
    ],
)
def test_who_reviewed_the_last_change_of_a_path_stands_in_its_commit(tree, words, path, said):
    (tree / "rules" / "one.py").write_text("x = 2\n")
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(("git", "-C", str(tree), *who, "commit", "-qam", words), check=True)

    assert revision.trailer_of("HEAD", "Reviewed-by", path) == said


def test_without_git_nobody_knows(tmp_path, monkeypatch):
    monkeypatch.setattr(revision, "ROOT", tmp_path)
    revision.code_facts.cache_clear()

    assert revision.code_facts()["is_dirty"] is None
    revision.code_facts.cache_clear()
