"""Refusals: what is wrong with a request, field by field, with a remedy, and the status that goes with it."""

from collections.abc import Iterable
from dataclasses import dataclass

import orjson
from pydantic import ValidationError

MOST_PROBLEMS = 20
LONGEST_WORDS = 400
"""Characters of a field or a problem that are repeated: names are the caller's, and may fill the whole body."""
IN_ISO = "send ISO 8601 with an offset, as in 2013-12-31T09:10:00-05:00"

REMEDIES = {
    "missing": "add it",
    "extra_forbidden": "leave it out, or see / for the names of the fields",
    "json_invalid": "send one JSON document",
    "literal_error": "send one of these",
    "timezone_aware": IN_ISO,
    "too_long": "send at most so many, in several requests",
    "duplicate": "send each field once",
    "datetime_parsing": IN_ISO,
}
"""What to do about a kind of problem; about any other: send what the problem names."""


@dataclass(frozen=True)
class Refused(Exception):  # noqa: N818
    """A request that is not answered: the status of HTTP, a code, and problems of (field, problem, remedy)."""

    status: int
    code: str
    problems: tuple[tuple[str | None, str, str], ...]
    retry_after_seconds: int | None = None
    allow: str | None = None

    def body(self, request_id: str | None) -> bytes:
        """The error as JSON."""
        problems = [
            {"field": field and field[:LONGEST_WORDS], "problem": problem[:LONGEST_WORDS], "remedy": remedy}
            for field, problem, remedy in self.problems
        ]
        return orjson.dumps({"error": {"code": self.code, "problems": problems}, "request_id": request_id})

    @property
    def headers(self) -> dict[str, str]:
        """What goes with it: when to come again, by which method, and that the rest of a body is not read."""
        is_unread = self.status in (408, 413)
        found = {"retry-after": self.retry_after_seconds, "allow": self.allow, "connection": is_unread and "close"}
        return {name: str(value) for name, value in found.items() if value}


def refuse(
    status: int, code: str, problem: str, remedy: str, field: str | None = None, retry: int | None = None
) -> Refused:
    """A refusal with one problem."""
    return Refused(status, code, ((field, problem, remedy),), retry)


def invalid(error: ValidationError) -> Refused:
    """What pydantic found, in our words: 400 when the body is no JSON, 422 when fields are wrong."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    is_json = found[0]["type"] != "json_invalid"
    problems = tuple(_told(one["type"], one["loc"], one["msg"]) for one in found[:MOST_PROBLEMS])
    return Refused(422 if is_json else 400, "invalid_request" if is_json else "not_json", problems)


def _told(kind: str, place: Iterable[str | int], message: str) -> tuple[str | None, str, str]:
    words = message.removeprefix("Value error, ")
    field = ".".join(map(str, place)) or None
    return (
        field,
        words[0].lower() + words[1:],
        REMEDIES.get(kind, "send a value as it is described here; / has the ranges"),
    )
