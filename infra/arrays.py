"""Dataclasses of NumPy arrays as one file in NumPy's own format, which is read without running any code."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np

Kind = TypeVar("Kind")


class ArraysError(ValueError):
    """Bytes are not the arrays that were asked for."""


def pack_arrays(value: object) -> bytes:
    """The arrays in a dataclass, in dataclasses within it and in dictionaries of arrays, each named by its way."""
    buffer = io.BytesIO()
    flat: dict[str, Any] = dict(_flat("", value))
    np.savez(buffer, **flat)
    return buffer.getvalue()


def unpack_arrays(kind: type[Kind], content: bytes) -> Kind:
    """The value of a dataclass that `pack_arrays` wrote. Raises ArraysError when the bytes are not one."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return _assembled(kind, "", {name: file[name] for name in file.files})
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ArraysError(
            f"expected the arrays of {kind.__name__}, got {len(content)} other bytes ({error})"
        ) from error


def _flat(way: str, value: Any) -> Iterator[tuple[str, np.ndarray]]:
    if isinstance(value, np.ndarray):
        yield way.removeprefix("."), value
        return
    parts = value if isinstance(value, dict) else {field.name: getattr(value, field.name) for field in fields(value)}
    for name, part in parts.items():
        yield from _flat(f"{way}.{name}", part)


def _assembled(kind: Any, way: str, arrays: dict[str, np.ndarray]) -> Any:
    if is_dataclass(kind):
        make: Any = kind
        return make(**{field.name: _assembled(field.type, f"{way}{field.name}.", arrays) for field in fields(kind)})
    if kind is np.ndarray:
        return arrays[way.removesuffix(".")]
    return {name.removeprefix(way): array for name, array in arrays.items() if name.startswith(way)}
