"""Arrays come back from disk as they went, and nothing else comes back at all."""

from dataclasses import dataclass

import numpy as np
import pytest

from infra.arrays import ArraysError, pack_arrays, unpack_arrays


@dataclass(frozen=True)
class Inner:
    texts: np.ndarray


@dataclass(frozen=True)
class Outer:
    inner: Inner
    values: np.ndarray
    named: dict[str, np.ndarray]


def outer() -> Outer:
    return Outer(
        Inner(np.array(["EWR", "JFK"])), np.array([1.5, np.nan]), {"a": np.arange(3), "b.c": np.array([], np.int64)}
    )


def test_arrays_within_dataclasses_and_dictionaries_come_back_with_their_types():
    back = unpack_arrays(Outer, pack_arrays(outer()))

    assert back.inner.texts.tolist() == ["EWR", "JFK"]
    assert back.values.tolist()[0] == 1.5
    assert np.isnan(back.values[1])
    assert {name: (array.tolist(), array.dtype) for name, array in back.named.items()} == {
        "a": ([0, 1, 2], np.dtype(np.int64)),
        "b.c": ([], np.dtype(np.int64)),
    }


def test_packing_twice_gives_the_same_bytes():
    assert pack_arrays(outer()) == pack_arrays(outer())


@pytest.mark.parametrize("content", [b"", b"not arrays", pack_arrays(outer())[:-30], pack_arrays(Inner(np.arange(2)))])
def test_other_bytes_are_refused(content):
    with pytest.raises(ArraysError, match="expected the arrays of Outer"):
        unpack_arrays(Outer, content)


def test_a_changed_byte_is_noticed():
    content = bytearray(pack_arrays(outer()))
    content[content.index(b"E\x00\x00\x00W")] += 1

    with pytest.raises(ArraysError):
        unpack_arrays(Outer, bytes(content))


def test_an_array_that_holds_objects_is_not_unpickled():
    with pytest.raises(ArraysError, match="allow_pickle"):
        unpack_arrays(Inner, pack_arrays(Inner(np.array([print], dtype=object))))
