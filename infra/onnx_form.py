"""What a served graph may be made of, checked on its bytes before any runtime sees them. Knows no ONNX library.

A file in the ONNX format is a tree of protobuf messages: a key (field number and wire type), a value, the next key.
Every field that is not listed here is refused, and with it subgraphs, functions of the file's own, training steps and
tensors in other files. Source of the numbers: onnx.proto, ONNX 1.23; of the encoding: protobuf.dev/programming-guides.
"""

from collections.abc import Iterator

TENSOR = {1: None, 2: None, 8: None, 9: None}
ATTRIBUTE = {1: None, 3: None, 5: TENSOR, 8: None, 20: None}
NODE = {1: None, 2: None, 3: None, 4: "operator", 5: ATTRIBUTE, 7: "domain"}
GRAPH = {1: NODE, 2: None, 5: TENSOR, 11: None, 12: None}
OPSET = {1: "domain", 2: "version"}
MODEL = {1: "format", 2: None, 7: GRAPH, 8: OPSET}
"""The fields of each message by number: a message below it, a fact by name, or None for content that cannot act."""

FORMAT = 9
OPSETS = {("", 17), ("ai.onnx.ml", 5)}
OPERATORS = {("ai.onnx.ml", "TreeEnsemble")} | {
    ("", name)
    for name in (
        *("Add", "Sub", "Mul", "Div", "MatMul", "Min", "Max", "ReduceSum", "Sigmoid"),
        *("Cast", "Concat", "Equal", "Gather", "GreaterOrEqual", "IsNaN", "Slice", "Unsqueeze", "Where"),
    )
}
"""By domain and name. Adding one means: it reads no file, calls nobody's code, and its work is bounded by its input."""


class _Forbidden(ValueError):  # noqa: N818
    """The bytes hold something that is not listed."""


def forbidden_in(content: bytes) -> str | None:
    """What in a serialised graph is not allowed here, in words; None when nothing is."""
    try:
        facts = list(_facts(memoryview(content), MODEL, ()))
    except _Forbidden as forbidden:
        return str(forbidden)
    except (IndexError, UnicodeDecodeError):
        return "its bytes are no ONNX graph"
    formats = {facts["format"] for facts in facts if "format" in facts}
    opsets = {(facts.get("domain", ""), facts["version"]) for facts in facts if "version" in facts}
    operators = {(facts.get("domain", ""), facts["operator"]) for facts in facts if "operator" in facts}
    if formats != {FORMAT} or opsets != OPSETS:
        return f"format {sorted(formats)} with operator sets {sorted(opsets)}, allowed {FORMAT} with {sorted(OPSETS)}"
    unknown = sorted(operators - OPERATORS)
    return f"operators that are not allowed: {', '.join('.'.join(name) for name in unknown)}" if unknown else None


def _facts(content: memoryview, message: dict, path: tuple[int, ...]) -> Iterator[dict]:
    """The named facts of a message, and of each message below it."""
    mine = {}
    for number, value in _fields(content):
        if number not in message:
            raise _Forbidden(f"field {'.'.join(map(str, (*path, number)))}, which is not allowed")
        meaning = message[number]
        if isinstance(meaning, dict):
            if isinstance(value, int):
                raise _Forbidden("its bytes are no ONNX graph")
            yield from _facts(value, meaning, (*path, number))
        elif meaning is not None:
            mine[meaning] = value if isinstance(value, int) else str(value, "utf-8")
    yield mine


def _fields(content: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field. Raises IndexError where the bytes end too early."""
    place = 0
    while place < len(content):
        key, place = _varint(content, place)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, place = _varint(content, place)
        elif wire == 2:
            size, start = _varint(content, place)
            place = start + size
            if place > len(content):
                raise IndexError
            value = content[start:place]
        else:
            raise _Forbidden(f"a field of wire type {wire}, which is not allowed")
        yield number, value


def _varint(content: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
        if shift > 63:
            raise IndexError
