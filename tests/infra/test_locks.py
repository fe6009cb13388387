"""What a lock says, what two of them differ in, and a mixture of both."""

from pathlib import Path

import pytest

from infra.locks import Change, LockError, changes_between, mix, parse_lock, read_lock

LOCK = Path(__file__).parents[2] / "requirements.lock"
OLD = """\
# a comment
Alpha_One==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via preflight
both==1 ; python_full_version < '3' \\
    --hash=sha256:cc
both==2 ; python_full_version >= '3' \\
    --hash=sha256:dd
gone==1 \\
    --hash=sha256:ee
"""
NEW = """\
alpha-one==2.0 \\
    --hash=sha256:ff
both==1 ; python_full_version < '3' \\
    --hash=sha256:cc
both==3 ; python_full_version >= '3' \\
    --hash=sha256:00
come[extra]==1 \\
    --hash=sha256:11
"""


def test_a_pin_is_its_name_its_version_its_marker_and_its_hashes():
    alpha, first, *_ = parse_lock(OLD)

    assert (alpha.name, alpha.version, alpha.marker) == ("alpha-one", "1.0", "")
    assert alpha.text.count("--hash") == 2
    assert (first.marker, first.applies_here) == ("python_full_version < '3'", False)


def test_two_versions_of_a_package_are_two_pins():
    assert [pin.version for pin in parse_lock(OLD) if pin.name == "both"] == ["1", "2"]


def test_the_projects_lock_has_a_pin_for_every_line_that_starts_with_a_name():
    lines = [line for line in LOCK.read_text().splitlines() if line[:1].isalnum()]

    assert len(read_lock(LOCK)) == len(lines) > 250


@pytest.mark.parametrize("line", ["numpy>=2\n", "numpy\n", "-e .\n", "https://example.org/a.whl\n", "  --hash=a\n"])
def test_a_line_that_pins_nothing_is_refused(line):
    with pytest.raises(LockError, match="expected a pin such as"):
        parse_lock(line)


def test_a_lock_without_pins_is_refused(tmp_path):
    (tmp_path / "empty.lock").write_text("# nothing\n")

    with pytest.raises(LockError, match="pins no package"):
        read_lock(tmp_path / "empty.lock")


def test_a_lock_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(LockError, match="No such file"):
        read_lock(tmp_path / "none.lock")


def test_changes_are_what_this_python_would_install_otherwise():
    changes = changes_between(parse_lock(OLD), parse_lock(NEW))

    assert changes == [
        Change("alpha-one", ("1.0",), ("2.0",)),
        Change("both", ("2",), ("3",)),
        Change("come", (), ("1",)),
        Change("gone", ("1",), ()),
    ]
    assert str(changes[3]) == "gone 1 -> absent"


def test_a_lock_and_itself_have_no_changes():
    assert changes_between(parse_lock(OLD), parse_lock(OLD)) == []


def test_a_mixture_has_what_was_taken_from_the_new_and_the_rest_from_the_old():
    mixed = {(pin.name, pin.version) for pin in parse_lock(mix(parse_lock(OLD), parse_lock(NEW), {"both", "gone"}))}

    assert mixed == {("alpha-one", "1.0"), ("both", "1"), ("both", "3")}


@pytest.mark.parametrize(("taken", "whole"), [((), OLD), (("alpha-one", "both", "come", "gone"), NEW)])
def test_a_mixture_of_nothing_or_everything_is_one_of_the_locks(taken, whole):
    mixed = parse_lock(mix(parse_lock(OLD), parse_lock(NEW), taken))

    assert [(pin.name, pin.version, pin.marker) for pin in mixed] == [
        (pin.name, pin.version, pin.marker) for pin in parse_lock(whole)
    ]
