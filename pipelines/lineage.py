"""What a version came from, and, when a second fit differs, which of those things it was."""

from dataclasses import asdict

from infra.revision import environment_facts
from pipelines.definitions import features_sha256
from pipelines.estimators import ModelParameters
from pipelines.protocol import Protocol, Slices


def describe_lineage(
    *, window: str, slices: Slices, parameters: ModelParameters, protocol: Protocol, data: dict[str, str], rows: int
) -> dict:
    """The manifest of a version as plain values: data, feature definitions, code, parameters, lock and protocol."""
    return {
        "window": window,
        "slices": slices.as_text(),
        "parameters": parameters.as_dict(),
        "protocol": asdict(protocol),
        "protocol_sha256": protocol.sha256,
        "features_sha256": features_sha256(),
        "data": data,
        "rows": rows,
        **environment_facts(),
    }


def differences(then: dict, now: dict, way: str = "") -> list[str]:
    """What differs between two manifests, one sentence each, the way to it with dots.

    >>> differences({"a": {"b": 1}, "c": 2}, {"a": {"b": 3}, "c": 2})
    ['a.b was 1, is 3']
    """
    found = []
    for name in sorted(then.keys() | now.keys()):
        before, after = then.get(name), now.get(name)
        if isinstance(before, dict) and isinstance(after, dict):
            found += differences(before, after, f"{way}{name}.")
        elif before != after:
            found.append(f"{way}{name} was {_short(before)}, is {_short(after)}")
    return found


def _short(value: object) -> str:
    text = str(value)
    return f"{text[:12]}..." if len(text) == 64 else text
