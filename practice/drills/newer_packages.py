"""Newer versions of packages, as a folder before the installed ones: what they call themselves, what they lack."""

import contextlib
import importlib.metadata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

OURSELVES = "preflight"


@dataclass(frozen=True)
class Upgrade:
    """A package in a newer version: the installed one, without the name `lacks` of the module `of`, if it lacks any."""

    package: str
    version: str
    of: str = ""
    lacks: str = ""


def site_of(folder: Path, upgrades: Iterable[Upgrade]) -> Path:
    """A folder that makes Python find these versions first."""
    folder.mkdir(parents=True, exist_ok=True)
    for one in upgrades:
        about = folder / f"{one.package.replace('-', '_')}-{one.version}.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {one.package}\nVersion: {one.version}\n")
        if one.lacks:
            module = folder / one.package
            module.mkdir()
            (module / "__init__.py").write_text(_without(folder, one))
    return folder


def objections(upgrade: Upgrade) -> tuple[int, list[str]]:
    """How many installed packages of others need this one, and which of them forbid the newer version."""
    needing, against = 0, []
    for installed in importlib.metadata.distributions():
        if installed.name == OURSELVES:
            continue  # our bound was written after the break was met
        for requirement in _applying(installed.requires or ()):
            if canonicalize_name(requirement.name) == upgrade.package:
                needing += 1
                if not requirement.specifier.contains(upgrade.version, prereleases=True):
                    against.append(installed.name)
    return needing, sorted(set(against))


def _applying(texts: Iterable[str]) -> Iterator[Requirement]:
    """The requirements that hold here without any extra; one that no installer reads today holds nowhere."""
    for text in texts:
        with contextlib.suppress(InvalidRequirement):
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                yield requirement


def _without(folder: Path, upgrade: Upgrade) -> str:
    """The source of a package that hands over to the installed one, a name of which is then gone."""
    return (
        f'"""Stands for {upgrade.package} {upgrade.version}: the installed one, without what the newer one lacks."""\n'
        "import importlib\nimport sys\n\n"
        f"sys.path.remove({str(folder)!r})\n"
        f"del sys.modules[{upgrade.package!r}]\n"
        f"importlib.import_module({upgrade.package!r})\n"
        f"sys.path.insert(0, {str(folder)!r})\n"
        f"delattr(importlib.import_module({upgrade.of!r}), {upgrade.lacks!r})\n"
    )
