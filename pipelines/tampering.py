"""Bundles that were spoilt on purpose: every one has to be refused, by an error that names the spoilt file."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from infra.bundle import Bundle, ModelFileError, write_bundle
from infra.scorer import load_bundle
from infra.storage import write_atomically
from pipelines.artefact import build_bundle
from pipelines.calibration_map import IDENTITY

Loader = Callable[[Path, str], object]


@dataclass(frozen=True)
class Attempt:
    """One spoilt file, what was said of it (None when the bundle loaded), and whether that begins with the file."""

    way: str
    file: str
    refusal: str | None
    caught: bool


@dataclass(frozen=True)
class Tally:
    """How many attempts of one way on one file there were, and how many were caught."""

    way: str
    file: str
    tried: int
    caught: int


def try_tampering(
    folder: Path, bundle: Bundle, other: Bundle, count: int, seed: int, load: Loader = load_bundle
) -> Iterator[Attempt]:
    """Spoil a written bundle `count` times, each way and file in turn, with the bytes put back in between.

    `other` is another valid bundle, whose files are swapped in. Only the folder is written to.
    """
    write_bundle(folder, bundle)
    random = np.random.default_rng(seed)
    turns = [(way, name) for way in WAYS for name in bundle.files]
    for number in range(count):
        way, name = turns[number % len(turns)]
        spoilt = WAYS[way](bundle.files[name], other.files[name], random)
        write_atomically(folder / name, spoilt)
        refusal = _refusal(load, folder, bundle.sha256)
        yield Attempt(way, name, refusal, refusal is not None and refusal.startswith(f"{folder / name} "))
        write_atomically(folder / name, bundle.files[name])


def tally(attempts: list[Attempt]) -> list[Tally]:
    """The attempts counted by way and file, in the order in which they were first tried."""
    tried = Counter((attempt.way, attempt.file) for attempt in attempts)
    caught = Counter((attempt.way, attempt.file) for attempt in attempts if attempt.caught)
    return [Tally(way, file, number, caught[way, file]) for (way, file), number in tried.items()]


def small_bundle(seed: int) -> Bundle:
    """A valid bundle of a few trees on made-up numbers, in a fraction of a second; another seed gives another."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(300, 4))
    late = features[:, 0] + random.normal(size=300) > 0
    trees = HistGradientBoostingClassifier(max_iter=5, max_leaf_nodes=7, early_stopping=False, random_state=seed)
    return build_bundle(trees.fit(features, late), IDENTITY, 0.5, {"seed": seed}, features=tuple("abcd"))


def _refusal(load: Loader, folder: Path, sha256: str) -> str | None:
    try:
        load(folder, sha256)
    except ModelFileError as error:
        return str(error)
    return None


def _flip(content: bytes, _: bytes, random: np.random.Generator) -> bytes:
    spoilt = bytearray(content)
    spoilt[random.integers(len(content))] ^= 1 << random.integers(8)
    return bytes(spoilt)


def _truncate(content: bytes, _: bytes, random: np.random.Generator) -> bytes:
    return content[: random.integers(len(content))]


def _append(content: bytes, _: bytes, random: np.random.Generator) -> bytes:
    return content + random.bytes(random.integers(1, 64))


def _swap(_: bytes, other: bytes, __: np.random.Generator) -> bytes:
    return other


WAYS: dict[str, Callable[[bytes, bytes, np.random.Generator], bytes]] = {
    "one bit flipped": _flip,
    "cut off": _truncate,
    "bytes appended": _append,
    "swapped with another bundle's": _swap,
}
"""From a file's bytes, and those of the same file of another bundle, to spoilt ones."""
