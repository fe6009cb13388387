"""Which code and which environment this is: hashes of sources and lock, the git revision, versions of libraries."""

import ast
import hashlib
import platform
import subprocess
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import version as installed_version
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = "requirements.lock"
LIBRARIES = ("scikit-learn", "numpy", "scipy", "lightgbm", "onnx", "onnxruntime", "polars")
"""What a fit goes through; another version may round otherwise."""


def environment_facts() -> dict:
    """Everything about code and machine that a fit may depend on, as plain values."""
    return {
        "code": code_facts(),
        "lock_sha256": _lock_sha256(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "libraries": {name: installed_version(name) for name in LIBRARIES},
    }


@lru_cache(maxsize=1)
def code_facts() -> dict:
    """The git revision, whether the tree has changes that are not in it, and a hash of our sources; git may be absent.

    A dirty tree is recorded as such: its revision does not say what ran, `sources_sha256` does.
    """
    revision = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--untracked-files=all") if revision else None
    packages = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))
    return {
        "git_revision": revision,
        "is_dirty": None if changes is None else any(map(_may_run, changes.splitlines())),
        "sources_sha256": meaning_sha256(path for name in packages for path in sorted((ROOT / name).rglob("*.py"))),
    }


@lru_cache(maxsize=1)
def alike() -> dict[str, str]:
    """What is the same in two processes that do the same to the last bit: our sources, Python, libraries.

    In a process that lives on, the sources are those of its first call. Bytes, as syntax trees take two seconds.
    """
    digest = hashlib.sha256()
    for path in sorted(ROOT.glob("*/*.py")):
        digest.update(f"{path.parent.name}/{path.name}\n".encode() + path.read_bytes())
    libraries = {name: installed_version(name) for name in LIBRARIES}
    return {"sources": digest.hexdigest(), "Python": platform.python_version(), **libraries}


def meaning_sha256(paths: Iterable[Path]) -> str:
    """SHA-256 of what Python files do: their syntax trees without docstrings, so that words may change."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.parent.name}/{path.name}\n".encode())
        digest.update(_meaning(path.read_text()).encode())
    return digest.hexdigest()


def trailer_of(revision: str, key: str, path: str) -> str | None:
    """What the last commit up to a revision that changed a path says under a key (`Reviewed-by`), None when nothing."""
    return _git("log", "-1", f"--format=%(trailers:key={key},valueonly)", revision, "--", path) or None


def _may_run(change: str) -> bool:
    """Whether a line of git's status is of a changed file, or of a new one that Python could import."""
    return not change.startswith("?? ") or change.rstrip('"').endswith(".py")


def _meaning(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        may_have_one = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        if isinstance(node, may_have_one) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)


def _lock_sha256() -> str | None:
    path = ROOT / LOCK
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


def _git(*arguments: str) -> str | None:
    try:
        ended = subprocess.run(("git", "-C", str(ROOT), *arguments), capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ended.stdout.strip() if ended.returncode == 0 else None
