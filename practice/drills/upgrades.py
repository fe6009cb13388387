"""A drill of an upgrade: the resolver is content, the machine is not."""

import json
import shutil
from dataclasses import replace
from importlib.metadata import version as installed_version
from pathlib import Path

from infra.culprit import find_culprit
from infra.imports import failing_imports
from practice.drills.ground import Played
from practice.drills.newer_packages import Upgrade, objections, site_of
from practice.drills.scene import Drill, Scene

PANDAS = Upgrade("pandas", "3.1.0", "pandas.core.dtypes.common", "infer_dtype_from_object")
"""The release that no longer has the private name which `import evidently` 0.7.23 asks for."""
HARMLESS = ("httpx", "rich")
HOME_OF_EVIDENTLY = "monitoring.drift"


def dependency_upgrade(scene: Scene) -> None:
    """Three packages are upgraded; the resolver is content, and one of them breaks another at import."""
    played = Played(scene.folder / "home")
    upgrades = {one.package: one for one in (PANDAS, *(_a_little_newer(name) for name in HARMLESS))}
    site = scene.folder / "site"
    scene.inject(
        f"upgraded: {', '.join(f'{one.package} to {one.version}' for one in upgrades.values())}",
        lambda: site_of(site, upgrades.values()),
    )
    upgraded = replace(played, variables={"PYTHONPATH": str(site)})
    found: dict[str, str] = scene.detect(
        lambda: bad if "imports" in (bad := _bad_findings(upgraded)) else None,
        lambda bad: bad["imports"].split(" (/")[0],
    )
    needing, against = objections(PANDAS)
    scene.require(
        not against,
        f"the resolver has nothing against it: none of the {needing} packages of others that need pandas forbids it",
    )
    known = found.get(PANDAS.package)
    scene.require(known, f"`doctor` has met this break before, and says so by the version alone: pandas {known}")
    trials: list[Path] = []

    def breaks(taken: frozenset[str]) -> bool:
        trials.append(site_of(scene.folder / f"site-{len(trials)}", [upgrades[name] for name in taken]))
        alone = replace(played, variables={"PYTHONPATH": str(trials[-1])})
        return bool(failing_imports([HOME_OF_EVIDENTLY], alone.environment()))

    culprit = find_culprit(sorted(upgrades), breaks)
    scene.respond(
        culprit.changes == (PANDAS.package,),
        f"of {len(upgrades)} upgrades {', '.join(culprit.changes)} is named in {len(trials)} tries: {culprit.reason}",
    )
    shutil.rmtree(site)
    scene.recover(
        not _bad_findings(upgraded).keys() & {PANDAS.package, "imports"},
        f"without the upgrade pandas is {installed_version('pandas')} again, and every tool can be imported",
    )


def _bad_findings(played: Played) -> dict[str, str]:
    """What the doctor finds wrong, by what it looked at."""
    said = played.run("doctor", "--json").stdout
    findings = json.loads(said)["findings"] if said.strip() else []
    return {one["what"]: one["found"] for one in findings if one["state"] == "bad"}


def _a_little_newer(package: str) -> Upgrade:
    return Upgrade(package, f"{installed_version(package)}.post1")


DRILLS = (
    Drill(
        name="dependency-upgrade",
        title="An upgrade that only breaks when it runs",
        fault="pandas 3.1 comes with two harmless upgrades; a private name is gone that another package imports",
        detector="`doctor`: it imports each tool in a new process, here with packages that nobody has installed yet",
        response="the smallest set of upgrades that breaks the import is found by halving, and named",
        runbook=(
            "`preflight doctor` names the package and the break; `make setup` goes back to the lock, "
            "`python -m infra.newest` tries newer ones"
        ),
        story=(
            "A resolver reads what packages say about each other, and nobody said anything: every package that needs "
            "pandas allows the new one. It breaks at import, since one of them had used a private name. Upper bounds "
            "everywhere are no answer, they only make the next upgrade harder. The answer is a lock with hashes, a "
            "doctor that compares it with what is installed, imports every tool and knows the breaks that were met "
            "before, and a job that tries the newest versions on purpose. When that one fails, it has changed sixty "
            "packages at once, so it halves: with these, without those, and again to be sure that it is no "
            "flake. One name comes out, and everything else may be upgraded today."
        ),
        play=dependency_upgrade,
        disarm=(
            (
                "infra/imports.py",
                'return f"{type(error).__name__}: {error}"',
                'return ""',
            ),
        ),
    ),
)
