"""Records that cannot be changed unseen: a document with the SHA-256 of its own content."""

import hashlib
import json

from infra.errors import PreflightError

SIGNATURE = "sha256"


class RecordError(PreflightError, ValueError):
    """A record is not what was signed."""


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
