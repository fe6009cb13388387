"""The bill of materials: every pin of the lock as a component of a CycloneDX document, validated before it is kept."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from packaging.utils import canonicalize_name

from infra.errors import PreflightError
from infra.locks import Pin, read_lock
from infra.storage import write_atomically

ROOT = Path(__file__).resolve().parents[1]


class SbomError(PreflightError, RuntimeError):
    """The document could not be made, is not valid, or does not hold what the lock holds."""


def main(arguments: Sequence[str]) -> int:
    """Write the bill of a lock, `LOCK FILE` or nothing for the project's own, and return the exit code."""
    if len(arguments) not in (0, 2):
        sys.stderr.write("usage: python -m infra.sbom [LOCK FILE]\n")
        return 2
    lock, target = map(Path, arguments or (ROOT / "requirements.lock", Path("var", "sbom.json")))
    try:
        count = write_sbom(lock, target)
    except PreflightError as error:
        sys.stderr.write(f"sbom: {error}\n")
        return 1
    sys.stdout.write(f"sbom: {target} names {count} components, as many as {lock.name} pins; valid CycloneDX\n")
    return 0


def write_sbom(lock: Path, target: Path) -> int:
    """The number of components written to `target`; equal bytes for an equal lock. Raises SbomError, LockError."""
    pins = read_lock(lock)
    ended = subprocess.run(
        [
            *(sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", lock, "--output-reproducible"),
            *("--pyproject", ROOT / "pyproject.toml", "--output-format", "JSON", "--validate"),
        ],
        capture_output=True,
        text=True,
    )
    if ended.returncode != 0:
        said = ended.stderr.strip().splitlines() or ["it said nothing"]
        raise SbomError(f"cyclonedx-py ended with {ended.returncode}: {said[-1][:300]}; write the lock by `make lock`")
    require_same(pins, json.loads(ended.stdout))
    write_atomically(target, ended.stdout.encode())
    return len(pins)


def require_same(pins: Sequence[Pin], document: dict) -> None:
    """Return when the components are the pins, none missing and none more. Raises SbomError naming what differs."""
    expected = Counter((pin.name, pin.version) for pin in pins)
    got: Counter[tuple[str, str]] = Counter(
        (canonicalize_name(each["name"]), each["version"]) for each in document.get("components", ())
    )
    if expected != got:
        raise SbomError(
            f"expected {expected.total()} components, one for each pin, got {got.total()}; "
            f"missing: {_listed(expected - got)}; too many: {_listed(got - expected)}; report it with the lock"
        )


def _listed(pins: Counter[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {version}" for name, version in pins) or "none"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
