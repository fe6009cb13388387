"""The dependency audit: pip-audit over every pin of the lock, which fails when it audited less than all of them.

`python -m infra.audit` ends with 0 when every pin was looked up and nothing is known against it, else with
one of the codes below. Nobody is asked what to let pass: `infra/advisories.toml` says it, until a date.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from packaging.utils import canonicalize_name

from infra.errors import PreflightError
from infra.locks import Pin, read_lock

ROOT = Path(__file__).resolve().parents[1]
VULNERABLE, USAGE, INCOMPLETE, UNREACHABLE = 1, 2, 3, 4
"""A known vulnerability or an acceptance that expired; a wrong file; pins that were not audited; no service."""
NAMED = 10
"""Pins that were not audited are named up to here, and counted beyond."""


class ServiceUnreachable(PreflightError, RuntimeError):  # noqa: N818
    """The vulnerability service did not answer, so nothing is known of any package."""


class AcceptanceError(PreflightError, ValueError):
    """The file of accepted advisories leaves out a reason, a date or a name."""


@dataclass(frozen=True)
class Acceptance:
    """An advisory that we let pass for a package, why, and the last day on which we do."""

    id: str
    package: str
    reason: str
    expires: date


@dataclass(frozen=True)
class Audit:
    """How an audit ended: 0 or one of the codes, and a sentence for each finding."""

    code: int
    sentences: tuple[str, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Audit the lock, say what was found, and return the exit code."""
    asked = _parser().parse_args(arguments)
    try:
        pins, accepted = read_lock(asked.lock), read_acceptances(asked.accepted)
        audit = judge(pins, ask_pip_audit(pins, asked.service), accepted, datetime.now(UTC).date())
    except ServiceUnreachable as error:
        audit = Audit(UNREACHABLE, (str(error),))
    except PreflightError as error:
        audit = Audit(USAGE, (str(error),))
    stream = sys.stderr if audit.code else sys.stdout
    stream.write("".join(f"audit: {sentence}\n" for sentence in audit.sentences))
    return audit.code


def judge(pins: Sequence[Pin], answers: Sequence[dict], accepted: Sequence[Acceptance], today: date) -> Audit:
    """What the answers of pip-audit mean for these pins on this day.

    `answers` are entries of `dependencies` in its JSON. Not having been audited weighs more than a finding:
    the findings are said too, but the code is that of an audit that must be repeated.
    """
    audited = {(each["name"], each["version"]) for each in answers if "skip_reason" not in each}
    missed = [pin for pin in pins if (pin.name, pin.version) not in audited]
    if len(missed) == len(pins):
        return Audit(UNREACHABLE, (_nothing_known(pins, answers),))
    found, used = _findings(answers, accepted, today)
    unused = [
        f"the acceptance of {each.id} for {each.package} meets no finding; take it out of the file"
        for each in accepted
        if each not in used and not missed
    ]
    code = INCOMPLETE if missed else VULNERABLE if found else 0
    passed = f"{len(pins)} of {len(pins)} pins audited, {len(used)} advisories accepted, no other is known"
    return Audit(code, (*_incomplete(pins, missed, answers), *found, *unused, *([passed] if code == 0 else [])))


def _nothing_known(pins: Sequence[Pin], answers: Sequence[dict]) -> str:
    why = next((each["skip_reason"] for each in answers if "skip_reason" in each), "pip-audit mentions none")
    return (
        f"0 of {len(pins)} pins were audited, so what answered is no vulnerability service ({why}); "
        "this is no pass: run `make audit` where the service can be reached"
    )


def _incomplete(pins: Sequence[Pin], missed: Sequence[Pin], answers: Sequence[dict]) -> list[str]:
    if not missed:
        return []
    why = {each["name"]: each["skip_reason"] for each in answers if "skip_reason" in each}
    unsaid = "pip-audit does not mention it"
    named = [f"{pin.name} {pin.version} was not audited: {why.get(pin.name, unsaid)}" for pin in missed[:NAMED]]
    audited = len(pins) - len(missed)
    return [*named, f"{audited} of {len(pins)} pins were audited, expected all; run `make audit` again"]


def _findings(
    answers: Sequence[dict], accepted: Sequence[Acceptance], today: date
) -> tuple[list[str], list[Acceptance]]:
    """A sentence per advisory that does not pass, and the acceptances that let one pass."""
    found, used = [], []
    for answer in answers:
        for advisory in answer.get("vulns", ()):
            names = {advisory["id"], *advisory.get("aliases", ())}
            own = [each for each in accepted if each.id in names and each.package == answer["name"]]
            valid = [each for each in own if today <= each.expires]
            used += valid
            if valid:
                continue
            fixed = ", ".join(advisory["fix_versions"]) or "no version yet"
            sentence = f"{answer['name']} {answer['version']} has {', '.join(sorted(names))}, fixed in {fixed}"
            found.append(sentence + "".join(f"; accepted until {each.expires}, which has passed" for each in own))
    return found, used


def read_acceptances(path: Path) -> list[Acceptance]:
    """The advisories that are let pass. Raises AcceptanceError naming what an entry lacks."""
    try:
        entries = tomllib.loads(path.read_text()).get("accepted", [])
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise AcceptanceError(f"{path} cannot be read: {error}; its first lines show an entry") from error
    return [_acceptance(entry, path) for entry in entries]


def _acceptance(entry: dict, path: Path) -> Acceptance:
    wrong = [name for name in ("id", "package", "reason") if not str(entry.get(name, "")).strip()]
    if not isinstance(entry.get("expires"), date) or isinstance(entry["expires"], datetime):
        wrong.append("expires (a date such as 2027-01-31)")
    unknown = sorted(entry.keys() - {"id", "package", "reason", "expires"})
    if wrong or unknown:
        raise AcceptanceError(
            f"{path}: the entry {entry.get('id', 'without id')} lacks {', '.join(wrong) or 'nothing'}, "
            f"has unknown {', '.join(unknown) or 'nothing'}; expected id, package, reason, expires"
        )
    return Acceptance(entry["id"], canonicalize_name(entry["package"]), entry["reason"], entry["expires"])


def ask_pip_audit(pins: Sequence[Pin], service: str | None = None) -> list[dict]:
    """What pip-audit says of every pin, as entries of its JSON; `service` is an address that answers as OSV does.

    Markers are left out, for pip-audit passes over the pins of other systems and says nothing of it.
    Raises ServiceUnreachable when it has no answer.
    """
    return [answer for each in rounds(pins) for answer in _ask(each, service)]


def rounds(pins: Sequence[Pin]) -> list[list[Pin]]:
    """The pins in lists that hold no package twice: two versions of one are an error to pip-audit."""
    lists: list[list[Pin]] = []
    for pin in pins:
        free = next((each for each in lists if all(other.name != pin.name for other in each)), None)
        if free is None:
            lists.append([pin])
        else:
            free.append(pin)
    return lists


def _ask(pins: Sequence[Pin], service: str | None) -> list[dict]:
    chosen = ["--vulnerability-service", "osv", "--osv-url", service] if service else []
    with tempfile.TemporaryDirectory() as folder:
        plain, answer = Path(folder, "pins.txt"), Path(folder, "answer.json")
        plain.write_text("".join(f"{pin.name}=={pin.version}\n" for pin in pins))
        files = ("--requirement", str(plain), "--output", str(answer), "--cache-dir", folder)
        how = ("--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off")
        command = [sys.executable, "-m", "pip_audit", *files, *how, *chosen]
        ended = subprocess.run(command, capture_output=True, text=True)
        if not answer.exists():
            said = ended.stderr.strip().splitlines() or ["it said nothing"]
            raise ServiceUnreachable(
                f"pip-audit ended with {ended.returncode} and without an answer about {len(pins)} pins, so none was "
                f"audited: {said[-1][:300]}; this is no pass: run `make audit` where the service can be reached"
            )
        return json.loads(answer.read_text())["dependencies"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("infra.audit", description="Audit every pin of the lock for known advisories.")
    parser.add_argument("lock", nargs="?", type=Path, default=ROOT / "requirements.lock", help="the lock")
    parser.add_argument("--accepted", type=Path, default=ROOT / "infra" / "advisories.toml", help="what may pass")
    parser.add_argument("--service", help="address that answers as OSV does; default: the package index")
    return parser


if __name__ == "__main__":
    sys.exit(main())
