"""`doctor`: what this machine has, what is known to break, and what to do about it."""

import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from data_checks import schema as s
from infra.bootstrap import LOCK, NEWEST, OLDEST
from infra.environment import NO_TELEMETRY, SPEED
from infra.errors import PreflightError
from infra.imports import failing_imports
from infra.network import claim_port
from infra.settings import Settings
from infra.source import open_source
from infra.storage import Store
from pipelines.context import YEAR_BYTES
from preflight import show

GOOD, POOR, BAD = "good", "poor", "bad"
LEAST_MEMORY = 3 * 2**30
TOOLS = ("prefect", "great-expectations", "mlflow", "bentoml", "evidently", "scikit-learn", "polars")
HOMES = {
    "prefect": "pipelines.replay_flow",
    "great-expectations": "data_checks.suites",
    "mlflow": "infra.registry",
    "bentoml": "services.service",
    "evidently": "monitoring.drift",
    "onnxruntime": "infra.scorer",
    "optuna": "pipelines.tuning",
    "fairlearn": "monitoring.fairness",
    "dask": "infra.engine",
}
"""The module of ours that each tool is imported in."""
KNOWN_BREAKS = {
    "fastapi": (">=0.151", "0.151 to 0.154: `prefect deploy` fails; from 0.155 on no Prefect 3.8 server starts"),
    "sqlalchemy": (">=2.1", "the Prefect scheduler silently never inserts scheduled runs"),
    "pandas": (">=3.1", "`import evidently` 0.7.23 fails on a private pandas symbol"),
}


@dataclass(frozen=True)
class Finding:
    """One look at the machine: `good`, `poor` (it will run, worse) or `bad` (it will not)."""

    what: str
    state: str
    found: str


class Unwell(PreflightError):  # noqa: N818
    """The doctor found something that will not run."""


def doctor(settings: Settings, as_json: bool) -> None:
    """All findings; raises Unwell when one is bad."""
    findings = list(_examine(settings))
    bad = [finding for finding in findings if finding.state == BAD]
    if not as_json:
        rows = [(finding.what, finding.state, finding.found) for finding in findings]
        show.table("Doctor", {"what": "left", "state": "left", "found": "left"}, rows)
    poor = sum(finding.state == POOR for finding in findings)
    outcome = f"{len(findings)} things looked at: {len(bad)} bad, {poor} poor"
    show.finish(outcome, {"findings": [asdict(finding) for finding in findings]}, as_json)
    if bad:
        raise Unwell(f"{bad[0].what}: {bad[0].found}")


def _examine(settings: Settings) -> Iterator[Finding]:
    yield _python()
    yield Finding("system", GOOD, f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores")
    yield Finding("tools", GOOD, ", ".join(f"{name} {installed(name)}" for name in TOOLS))
    yield from known_breaks()
    yield lock_against_installed(LOCK)
    yield tools_that_import()
    yield from _environment()
    yield _memory(psutil.virtual_memory().available)
    yield _attempt("data", lambda: f"five files of {open_source(settings.source, s.SOURCE_COLUMNS).digest[:12]}")
    yield _attempt("home", lambda: _room(settings))
    yield _attempt("port", lambda: f"{claim_port(settings.port)} is free")


def installed(package: str) -> str:
    """The installed version of a package, `none` when it is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def known_breaks() -> Iterator[Finding]:
    """Versions that are known to break another tool."""
    for package, (broken, symptom) in KNOWN_BREAKS.items():
        found = installed(package)
        if found == "none":
            yield Finding(package, BAD, "not installed; run: make setup")
        elif SpecifierSet(broken).contains(found, prereleases=True):
            yield Finding(package, BAD, f"{found} is {broken}: {symptom}; run: rm -r .venv && make setup")
        else:
            yield Finding(package, GOOD, f"{found}, below the break at {broken.removeprefix('>=')}")


def lock_against_installed(lock: Path) -> Finding:
    """Whether every locked package that this machine needs is installed in its locked version."""
    pins = [Requirement(line.rstrip(" \\")) for line in lock.read_text().splitlines() if line[:1].isalnum()]
    needed = [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]
    other = [
        f"{pin.name} {installed(pin.name)}, locked {pin.specifier}"
        for pin in needed
        if not pin.specifier.contains(installed(pin.name).replace("none", "0"), prereleases=True)
    ]
    if other:
        return Finding("lock", BAD, f"{'; '.join(other[:5])} ({len(other)} in all); run: rm -r .venv && make setup")
    return Finding("lock", GOOD, f"{len(needed)} packages as locked")


def tools_that_import() -> Finding:
    """Whether each tool can be imported: what the resolver is content with may still break there."""
    with show.progress(len(HOMES), "imports") as advance:
        failing = failing_imports(list(HOMES.values()), os.environ, on_tried=advance)
    whys = [f"{tool}: {failing[module]}" for tool, module in HOMES.items() if module in failing]
    if whys:
        return Finding("imports", BAD, f"{'; '.join(whys)}; run: rm -r .venv && make setup")
    return Finding("imports", GOOD, f"each of {len(HOMES)} tools, in a new process")


def _python() -> Finding:
    found = platform.python_version()
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return Finding("Python", GOOD, found)
    return Finding("Python", BAD, f"{found}, needs 3.11 to 3.13; run: make setup PYTHON=python3.12")


def _environment() -> Iterator[Finding]:
    on = [name for name, off in NO_TELEMETRY.items() if os.environ.get(name, "").lower() != off.lower()]
    found = f"switched on by your own {', '.join(on)}" if on else "off in every tool"
    yield Finding("telemetry", POOR if on else GOOD, found)
    policy, wanted = os.environ.get("OMP_WAIT_POLICY", ""), SPEED["OMP_WAIT_POLICY"]
    if policy == wanted:
        yield Finding("OpenMP", GOOD, f"waits {wanted}")
    else:
        yield Finding(
            "OpenMP", POOR, f"waits {policy}: fits beside other work may take 40 times as long; want {wanted}"
        )


def _memory(available: int) -> Finding:
    state = GOOD if available >= LEAST_MEMORY else POOR
    return Finding(
        "memory", state, f"{available / 2**30:.1f} GiB free, the year needs up to {LEAST_MEMORY / 2**30:.0f}"
    )


def _room(settings: Settings) -> str:
    Store(settings.home).require_room(YEAR_BYTES)
    return f"{settings.home} can be written"


def _attempt(what: str, look: object) -> Finding:
    try:
        return Finding(what, GOOD, look())
    except PreflightError as error:
        return Finding(what, BAD, str(error))
