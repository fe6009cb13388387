"""Records that carry the SHA-256 of their content, and what one must say to promote.

A change of one is seen. Who made it is not: "signed" means hashed here, and no key is behind it.
"""

import hashlib
import json

from infra.errors import PreflightError

SIGNATURE = "sha256"


class RecordError(PreflightError, ValueError):
    """A record is not what was signed."""


class PromotionRefused(PreflightError, RuntimeError):  # noqa: N818
    """A version may not become champion: its record says no, or is about something else."""


class PromotionRaced(PreflightError, RuntimeError):  # noqa: N818
    """Another version became champion after this one was judged against the one before."""


def content_sha256(document: dict) -> str:
    """SHA-256 of a document as canonical JSON, its signature left out; equal for equal content."""
    content = {name: value for name, value in document.items() if name != SIGNATURE}
    return hashlib.sha256(json.dumps(content, sort_keys=True, allow_nan=False).encode()).hexdigest()


def sign(document: dict) -> dict:
    """The document with its signature."""
    plain = json.loads(json.dumps(document, allow_nan=False))
    return {**plain, SIGNATURE: content_sha256(plain)}


def require_signed(record: dict, what: str) -> dict:
    """The record, if it is what was signed. Raises RecordError when it is not; `what` names it."""
    found, expected = content_sha256(record), record.get(SIGNATURE)
    if found != expected:
        raise RecordError(
            f"{what} was changed after it was signed: its content has SHA-256 {found[:12]}..., it says "
            f"{str(expected)[:12]}...; restore it, or train again"
        )
    return record


def require_yes(record: dict, version: int, bundle_sha256: str, champion: int | None) -> dict:
    """The record, if it lets this very version with this very bundle replace this champion.

    Raises RecordError when it was changed, PromotionRefused when it says no or is about something else,
    PromotionRaced when the champion is no longer the one that it was judged against.
    """
    require_signed(record, f"the gate record of version {version}")
    about = {"version": version, "bundle_sha256": bundle_sha256}
    wrong = [f"{name} {record.get(name)}, not {value}" for name, value in about.items() if record.get(name) != value]
    if wrong:
        raise PromotionRefused(f"the gate record of version {version} is about {' and '.join(wrong)}; judge it again")
    _require_agreement(record, version)
    if not record["promote"]:
        raise PromotionRefused(f"version {version} may not become champion: {record['reason']}")
    if record["champion"] != champion:
        raise PromotionRaced(
            f"version {version} was judged against champion {record['champion']}, and {champion} is champion now; "
            "judge it again against that one"
        )
    return record


def require_let_in(record: dict, version: int) -> dict:
    """The record, if it is signed and let this version in, whoever was champion then.

    Raises RecordError when it was changed, PromotionRefused when it says no.
    """
    require_signed(record, f"the gate record of version {version}")
    _require_agreement(record, version)
    if not record["promote"]:
        raise PromotionRefused(f"version {version} may not answer: {record['reason']}")
    return record


def require_judged(record: dict, judged: dict) -> None:
    """That the refit of `record` goes back to this very candidate, signed and let in. Raises RecordError if not."""
    require_signed(judged, f"the gate record of version {judged['version']}")
    if record["judged_record_sha256"] != judged[SIGNATURE] or not judged["promote"]:
        raise RecordError(
            f"version {record['version']} says it is the refit of version {record['judged_version']} as record "
            f"{record['judged_record_sha256'][:12]}... let it in; the record there is {judged[SIGNATURE][:12]}... and "
            f"says {'yes' if judged['promote'] else 'no'}; restore it, or train again"
        )


def _require_agreement(record: dict, version: int) -> None:
    """A yes stands on its checks."""
    failed = [check["name"] for check in record.get("checks", ()) if not check["passed"]]
    if record["promote"] and failed:
        raise RecordError(
            f"the gate record of version {version} says yes, though it failed at {', '.join(failed)}; restore it, or "
            "train again"
        )
