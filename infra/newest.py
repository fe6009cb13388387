"""The newest versions, tried: a command is run with another lock, and what breaks it is named by package.

`python -m infra.newest LOCK NEWER -- COMMAND` ends with 0 when the command passes with the newer lock, 1 when it
does not, having named the smallest set of packages, 3 when it cannot say, for it breaks now and then or with the
old lock too. Each set is installed into an environment of its own beside `.venv`.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from infra.culprit import Answer, Culprit, find_culprit
from infra.errors import PreflightError
from infra.locks import Change, Pin, changes_between, mix, read_lock

ROOT = Path(__file__).resolve().parents[1]
UNDECIDED = 3
Needs = Mapping[str, Sequence[Requirement]]
"""What each installed package asks of others, by name."""


class InstallError(PreflightError, RuntimeError):
    """A lock could not be installed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the newer lock, say what became of it, and return the exit code."""
    asked = _parser().parse_args(arguments)
    try:
        trial = Trial(read_lock(asked.lock), read_lock(asked.newer), asked.command, asked.environment, asked.minutes)
        found = trial.run()
    except PreflightError as error:
        sys.stderr.write(f"newest: {error}\n")
        return UNDECIDED
    lines = [f"{change}" for name in found.changes for change in trial.with_what_it_needs(name)]
    sys.stdout.write("".join(f"newest: {line}\n" for line in [_sentence(found, len(trial.changes)), *lines]))
    return {Answer.NONE: 0, Answer.FOUND: 1}.get(found.answer, UNDECIDED)


def _sentence(found: Culprit, changed: int) -> str:
    if found.answer is Answer.FOUND:
        return (
            f"{len(found.changes)} of {changed} changed packages break it: {', '.join(found.changes)}; {found.reason}"
        )
    return f"{found.reason}" if found.answer is Answer.NONE else f"no package is accused: {found.reason}"


def closure(taken: Iterable[str], changed: Iterable[str], old: Needs, new: Needs, versions: Mapping) -> frozenset[str]:
    """The changes of `taken` and those they cannot do without: no package then meets a version that it forbids.

    `versions` is the old and the new version of every changed package, None where it is absent. A change comes
    along when a package asks for what only that change, or only its own, would give it.
    """
    names, found = frozenset(changed), frozenset(taken)
    while True:
        needed = {
            other for name in names for other in _forced(name, found, names, new if name in found else old, versions)
        }
        if needed <= found:
            return found
        found |= needed


def _forced(name: str, found: frozenset[str], names: frozenset[str], needs: Needs, versions: Mapping) -> set[str]:
    """What has to be taken too, because `name` as it stands forbids how another changed package stands."""
    forced = set()
    for requirement in needs.get(name, ()):
        other = canonicalize_name(requirement.name)
        if other not in names:
            continue
        version = versions[other][1 if other in found else 0]
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            forced.add(name if other in found else other)
    return forced


@dataclass
class Trial:
    """A command, two locks, and an environment in which any mixture of them is installed."""

    old: Sequence[Pin]
    new: Sequence[Pin]
    command: Sequence[str]
    environment: Path
    minutes: float = 60
    project: Path | None = ROOT
    needs: dict[str, Needs] = field(default_factory=dict)

    @property
    def changes(self) -> dict[str, Change]:
        """The packages that the locks pin otherwise, by name."""
        return {change.name: change for change in changes_between(self.old, self.new)}

    def run(self) -> Culprit:
        """Which packages break the command."""
        everything = frozenset(self.changes)
        if not everything:
            return Culprit(Answer.NONE, "the locks pin the same")
        if not self._breaks_when_installed(everything):
            return Culprit(Answer.NONE, f"the command passes with all {len(everything)} changes")
        self.needs["new"] = self._needs_of_installed()
        self._install(mix(self.old, self.new, ()))
        self.needs["old"] = self._needs_of_installed()
        answers = {everything: True}  # known, and an installation and a run are dear
        return find_culprit(sorted(everything, key=self._weight), lambda taken: self._breaks(taken, answers))

    def with_what_it_needs(self, name: str) -> list[Change]:
        """The change of a package, and those that have to come with it."""
        others = sorted(self._closed({name}) - {name})
        return [self.changes[each] for each in [name, *others]]

    def _weight(self, name: str) -> tuple[int, str]:
        return len(self._closed({name})), name  # first what needs nobody: a dependency is met before its users

    def _closed(self, taken: Iterable[str]) -> frozenset[str]:
        changes = self.changes
        versions = {name: (_only(each.old), _only(each.new)) for name, each in changes.items()}
        return closure(taken, changes, self.needs["old"], self.needs["new"], versions)

    def _breaks(self, taken: frozenset[str], answers: dict[frozenset[str], bool]) -> bool:
        closed = self._closed(taken)
        if closed in answers:
            return answers.pop(closed)  # once: the next time is asked again, to see whether it is flaky
        return self._breaks_when_installed(closed)

    def _breaks_when_installed(self, taken: frozenset[str]) -> bool:
        self._install(mix(self.old, self.new, taken))
        began = time.monotonic()
        try:
            code = subprocess.run(
                self.command, cwd=self.project, env=self._variables(), timeout=self.minutes * 60
            ).returncode
            ended = f"ended with {code}"
        except subprocess.TimeoutExpired:
            code, ended = 1, "was ended for taking too long"
        sys.stdout.write(
            f"newest: with {len(taken)} of {len(self.changes)} changes the command {ended} "
            f"after {time.monotonic() - began:.0f} s\n"
        )
        sys.stdout.flush()
        return code != 0

    def _variables(self) -> dict[str, str]:
        path = os.pathsep.join([str(self._programs), os.environ.get("PATH", "")])
        return {**os.environ, "PATH": path, "VIRTUAL_ENV": str(self.environment.absolute())}

    @property
    def _programs(self) -> Path:
        return self.environment.absolute() / ("Scripts" if os.name == "nt" else "bin")

    def _install(self, lock: str) -> None:
        if not self._programs.exists():
            _uv("venv", "--python", sys.executable, self.environment)
        mixed = self.environment / "mixed.lock"
        mixed.write_text(lock)
        python = ["--python", self._programs / "python"]
        _uv("pip", "sync", "--require-hashes", "--build-constraints", mixed, *python, mixed)
        if self.project:  # its commands; what it imports is in the lock, setuptools with it
            _uv("pip", "install", "--no-deps", "--no-build-isolation", *python, "--editable", self.project)

    def _needs_of_installed(self) -> Needs:
        asked = [str(self._programs / "python"), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
        folder = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
        return {
            canonicalize_name(each.metadata["Name"]): list(_applying(each.requires or ()))
            for each in distributions(path=[folder])
        }


def _applying(texts: Iterable[str]) -> Iterable[Requirement]:
    """The requirements that hold here without any extra."""
    for text in texts:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue  # old packages write what no installer reads today; the mixture is then installed as it is
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement


def _only(versions: Sequence[str]) -> str | None:
    return versions[0] if versions else None


def _uv(*command: object) -> None:
    ended = subprocess.run([sys.executable, "-m", "uv", "--quiet", *map(str, command)], capture_output=True, text=True)
    if ended.returncode != 0:
        said = ended.stderr.strip().splitlines() or ["it said nothing"]
        raise InstallError(
            f"`uv {command[0]} {command[1]}` ended with {ended.returncode}: {' '.join(said[-3:])[:300]}; "
            "mend the lock, or try again when the package index answers"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "infra.newest", description="Run a command with a newer lock; name what breaks it."
    )
    parser.add_argument("lock", type=Path, help="the lock that works")
    parser.add_argument("newer", type=Path, help="the lock to try")
    parser.add_argument("--environment", type=Path, default=ROOT / ".venv-newest", help="folder to install into")
    parser.add_argument("--minutes", type=float, default=60, help="minutes after which the command counts as broken")
    parser.add_argument("command", nargs="+", help="after --: what is run, with the environment first on the path")
    return parser


if __name__ == "__main__":
    sys.exit(main())
