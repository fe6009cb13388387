"""What newest versions bring with them, and a real search: small packages, a real installer, a command that breaks."""

import hashlib
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given
from packaging.requirements import Requirement

from infra.culprit import Answer
from infra.locks import parse_lock
from infra.newest import UNDECIDED, InstallError, Trial, closure, main

VERSIONS = {"app": ("1", "2"), "lib": ("1", "2"), "free": ("1", "2"), "added": (None, "2"), "gone": ("1", None)}


def needs(**texts: str) -> dict[str, list[Requirement]]:
    """What packages ask for, from texts such as `lib>=2, free`."""
    return {name: [Requirement(each) for each in text.split("; ")] for name, text in texts.items()}


OLD = needs(app="lib<2; gone", lib="free")
NEW = needs(app="lib>=2; added", lib="free")


def closed(*taken: str) -> set[str]:
    return set(closure(taken, VERSIONS, OLD, NEW, VERSIONS))


@pytest.mark.parametrize(
    ("taken", "comes"),
    [
        ((), set()),
        (("free",), {"free"}),
        (("added",), {"added"}),
        (("app",), {"app", "lib", "added"}),
        (("lib",), {"lib", "app", "added"}),
        (("gone",), {"gone", "app", "lib", "added"}),
    ],
    ids=sorted,
)
def test_a_change_brings_what_it_cannot_stand_without(taken, comes):
    assert closed(*taken) == comes


@given(one=st.sets(st.sampled_from(sorted(VERSIONS))), other=st.sets(st.sampled_from(sorted(VERSIONS))))
def test_what_two_sets_need_together_is_what_each_needs(one, other):
    assert closed(*one, *other) == closed(*one) | closed(*other)


def test_everything_needs_nothing_more():
    assert closed(*VERSIONS) == set(VERSIONS)


def wheel(folder: Path, name: str, version: str, *requires: str) -> str:
    """A package with one module that knows its version, and its line of a lock."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    asks = "".join(f"Requires-Dist: {each}\n" for each in requires)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", f"VERSION = {version!r}\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{asks}")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture
def try_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Trial]:
    """A trial of a piece of Python, with eight changed packages that an installer finds in a folder."""
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    old, new = "", ""
    for name in ("papp", "pbar", "pfoo", "plib", "pone", "ptwo", "pzap"):
        needed = {"papp": ("plib<2",)}.get(name, ())
        old += wheel(tmp_path, name, "1", *needed)
        new += wheel(tmp_path, name, "2", *({"papp": ("plib>=2",)}.get(name, ())))
    new += wheel(tmp_path, "padded", "2")
    (tmp_path / "old.lock").write_text(old)
    (tmp_path / "new.lock").write_text(new)

    def trial(code: str) -> Trial:
        return Trial(parse_lock(old), parse_lock(new), ["python", "-c", code], tmp_path / "environment", project=None)

    return trial


def test_the_one_package_that_breaks_a_command_is_named(try_newest):
    found = try_newest("import ptwo; assert ptwo.VERSION == '1'").run()

    assert (found.answer, found.changes) == (Answer.FOUND, ("ptwo",))


def test_a_package_is_named_with_what_it_brings_along(try_newest):
    trial = try_newest("import papp; assert papp.VERSION == '1'")

    found = trial.run()

    named = [str(change) for name in found.changes for change in trial.with_what_it_needs(name)]
    assert named == ["papp 1 -> 2", "plib 1 -> 2"]


def test_two_packages_that_only_break_together_are_both_named(try_newest):
    found = try_newest("import pfoo, pzap; assert (pfoo.VERSION, pzap.VERSION) != ('2', '2')").run()

    assert (found.answer, found.changes) == (Answer.FOUND, ("pfoo", "pzap"))


def test_newest_versions_that_break_nothing_are_tried_once(try_newest, capfd):
    found = try_newest("import padded").run()

    assert (found.answer, found.reason) == (Answer.NONE, "the command passes with all 8 changes")
    assert capfd.readouterr().out.count("the command ended") == 1


def test_a_command_that_breaks_with_the_old_versions_accuses_nobody(try_newest):
    assert try_newest("raise SystemExit(3)").run().answer is Answer.BROKEN_BEFORE


def test_a_command_that_breaks_now_and_then_accuses_nobody(try_newest, tmp_path):
    once = f"import pathlib; p = pathlib.Path({str(tmp_path / 'once')!r}); n = p.exists(); p.touch(); assert n"

    assert try_newest(once).run().answer is Answer.FLAKY


def test_a_command_that_never_ends_counts_as_broken(try_newest):
    trial = try_newest("import ptwo, time; time.sleep(60 if ptwo.VERSION == '2' else 0)")
    trial.minutes = 3 / 60

    assert trial.run().changes == ("ptwo",)


def test_a_lock_that_cannot_be_installed_is_no_verdict(try_newest, tmp_path):
    trial = try_newest("pass")
    (tmp_path / "ptwo-2-py3-none-any.whl").unlink()

    with pytest.raises(InstallError, match=r"`uv pip sync` ended with"):
        trial.run()


def test_locks_that_pin_the_same_have_nothing_to_try(tmp_path, capsys):
    (tmp_path / "same.lock").write_text("alpha==1\n")

    code = main([str(tmp_path / "same.lock")] * 2 + ["--", sys.executable, "-c", "raise SystemExit(1)"])

    assert (code, capsys.readouterr().out) == (0, "newest: the locks pin the same\n")


def test_a_file_that_is_no_lock_is_no_verdict(tmp_path, capsys):
    code = main([str(tmp_path / "none.lock")] * 2 + ["--", "true"])

    assert (code, capsys.readouterr().err.startswith("newest: ")) == (UNDECIDED, True)
