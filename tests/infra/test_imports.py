"""Modules tried in a new process: each by itself, whatever they print, raise or do to their process."""

import os

import pytest

from infra.imports import failing_imports

MODULES = {
    "fine": "x = 1",
    "talks": "print('hello')",
    "broken": "from json import no_such_name",
    "leaves": "import sys; sys.exit(3)",
    "dies": "import os; os._exit(7)",
}


@pytest.fixture
def variables(tmp_path) -> dict[str, str]:
    for name, source in MODULES.items():
        (tmp_path / f"{name}.py").write_text(source)
    return {**os.environ, "PYTHONPATH": str(tmp_path)}


def test_what_can_be_imported_is_no_failure_even_when_it_talks(variables):
    assert failing_imports(["fine", "talks"], variables) == {}


def test_a_break_is_told_in_its_words_and_the_next_module_is_tried(variables):
    failing = failing_imports(["broken", "leaves", "fine"], variables)

    assert failing.keys() == {"broken", "leaves"}
    assert failing["broken"].startswith("ImportError: cannot import name 'no_such_name'")
    assert failing["leaves"] == "SystemExit: 3"


def test_a_process_that_dies_accuses_what_it_had_not_reached(variables):
    failing = failing_imports(["fine", "dies", "talks"], variables)

    assert failing == dict.fromkeys(["dies", "talks"], "the process that imports it ended with code 7")


def test_each_module_is_told_as_it_was_tried(variables):
    tried: list[str] = []

    failing_imports(["fine", "broken"], variables, on_tried=tried.append)

    assert tried == ["fine", "broken"]
