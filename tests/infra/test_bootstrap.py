"""What runs before anything is installed: the lock it reads, and when it does nothing. Nothing is installed here."""

import re
import subprocess
import sys
import threading
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from infra import bootstrap

LOCK = """\
uvicorn==0.40.0 \\
    --hash=sha256:aa
uv==0.11.0 \\
    --hash=sha256:bb \\
    --hash=sha256:cc
    # via preflight
wheel==1.0.0 ; python_version < '3.12' \\
    --hash=sha256:dd
"""


@pytest.fixture
def installs(monkeypatch) -> list[Path]:
    """The targets that were installed into, instead of an installation."""
    installed = []
    monkeypatch.setattr(bootstrap, "_install", installed.append)
    return installed


@pytest.fixture
def lock(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "requirements.lock"
    path.write_text(LOCK)
    monkeypatch.setattr(bootstrap, "LOCK", path)
    return path


def target(tmp_path) -> Path:
    """A folder as an installation leaves it, but for the stamp."""
    folder = tmp_path / ".venv"
    folder.mkdir()
    return folder


def test_the_first_call_installs(tmp_path, installs):
    folder = target(tmp_path)

    assert (bootstrap.main(folder), installs) == (0, [folder])


def test_a_second_call_does_nothing(tmp_path, installs):
    folder = target(tmp_path)
    bootstrap.main(folder)

    assert (bootstrap.main(folder), len(installs)) == (0, 1)


def test_another_lock_is_installed_anew(tmp_path, installs, lock):
    folder = target(tmp_path)
    bootstrap.main(folder)
    lock.write_text(LOCK.replace("aa", "ee"))

    assert (bootstrap.main(folder), len(installs)) == (0, 2)


def failing(error: Exception):
    def fail(_: Path) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            subprocess.CalledProcessError(2, ["python", "-m", "pip"]),
            "`python -m pip ...` ended with code 2; see",
        ),
        (OSError(28, "No space left on device"), "No space left on device; free some space or change its permissions"),
    ],
    ids=["command", "disk"],
)
def test_an_installation_that_fails_ends_in_one_sentence(tmp_path, monkeypatch, capsys, error, sentence):
    monkeypatch.setattr(bootstrap, "_install", failing(error))

    code = bootstrap.main(target(tmp_path))

    said = capsys.readouterr().err
    assert (code, sentence in said, said.count("\n")) == (1, True, 1)


def test_an_installation_that_fails_is_started_over(tmp_path, monkeypatch, installs):
    folder = target(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(bootstrap, "_install", failing(OSError(28, "No space left on device")))
        bootstrap.main(folder)

    assert (bootstrap.main(folder), len(installs)) == (0, 1)


def test_a_link_is_refused_before_anything_behind_it_is_deleted(tmp_path, capsys, installs):
    other = target(tmp_path)
    (other / "kept").touch()
    link = tmp_path / "clone"
    link.symlink_to(other)

    code = bootstrap.main(link)

    said = capsys.readouterr().err
    assert (code, installs, (other / "kept").exists()) == (1, [], True)
    assert said == f"setup: {link} is a link to {other}, which was made from another lock; remove the link\n"


def test_a_link_to_what_this_lock_made_will_do(tmp_path, installs):
    other = target(tmp_path)
    bootstrap.main(other)
    link = tmp_path / "clone"
    link.symlink_to(other)

    assert (bootstrap.main(link), len(installs)) == (0, 1)


def test_of_two_calls_at_once_one_installs_and_the_other_waits(tmp_path, monkeypatch):
    folder, began, installed = target(tmp_path), threading.Event(), []

    def install(where: Path) -> None:
        installed.append(where)
        began.set()
        time.sleep(0.3)

    monkeypatch.setattr(bootstrap, "_install", install)
    with ThreadPoolExecutor(2) as calls:
        first = calls.submit(bootstrap.main, folder)
        began.wait(10)
        second = calls.submit(bootstrap.main, folder)

    assert (first.result(), second.result(), installed) == (0, 0, [folder])


@pytest.mark.parametrize("version", [(3, 10, 14), (3, 14, 0), (2, 7, 18)], ids=str)
def test_another_python_is_refused_in_one_sentence_with_the_way_out(tmp_path, monkeypatch, capsys, installs, version):
    with monkeypatch.context() as patch:
        patch.setattr(sys, "version_info", version)
        code = bootstrap.main(target(tmp_path))

    found = ".".join(map(str, version))
    assert (code, installs, capsys.readouterr().err) == (
        1, [], f"setup: Preflight needs Python 3.11 to 3.13, this is {found} ({sys.executable}); "
        "name another: make demo PYTHON=python3.12\n",
    )  # fmt: skip


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 13, 9)], ids=str)
def test_the_oldest_and_the_newest_python_are_accepted(tmp_path, monkeypatch, installs, version):
    with monkeypatch.context() as patch:
        patch.setattr(sys, "version_info", version)
        code = bootstrap.main(target(tmp_path))

    assert code == 0


def test_the_block_of_a_package_is_its_pin_and_its_hashes(lock):
    assert bootstrap.locked_block("uv") == "uv==0.11.0 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n"


def test_the_last_block_ends_with_the_lock(lock):
    assert bootstrap.locked_block("wheel").splitlines()[-1].strip() == "--hash=sha256:dd"


REAL_LOCK = bootstrap.ROOT / "requirements.lock"


def pins() -> dict[str, str]:
    """The blocks of the real lock by their first line."""
    blocks = re.split(r"\n(?=[A-Za-z0-9])", REAL_LOCK.read_text())
    return {block.split(" \\")[0]: block for block in blocks}


def test_every_pin_of_the_lock_has_hashes():
    assert [pin for pin, block in pins().items() if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", block)] == []


def test_every_line_of_the_lock_that_names_a_package_pins_it():
    assert [pin for pin in pins() if not re.match(r"[A-Za-z0-9._-]+(\[[a-z,-]+\])?==\S+", pin)] == []


def test_the_lock_holds_no_addresses():
    assert re.findall(r"https?://|--(?:extra-)?index-url|--find-links|file:", REAL_LOCK.read_text()) == []


def test_the_lock_keeps_to_what_the_project_allows():
    project = tomllib.loads((bootstrap.ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    locked = {pin.split("==")[0]: pin.split("==")[1].split()[0] for pin in pins()}

    outside = [each for each in map(Requirement, wanted) if not each.specifier.contains(locked.get(each.name, ""))]

    assert outside == []


def test_the_python_of_the_project_is_the_one_that_bootstrap_asks_for():
    project = tomllib.loads((bootstrap.ROOT / "pyproject.toml").read_text())["project"]
    oldest, newest = (".".join(map(str, version)) for version in (bootstrap.OLDEST, bootstrap.NEWEST))

    assert project["requires-python"] == f">={oldest},<3.{int(newest.split('.')[1]) + 1}"
