"""What a model card is made of: plain facts of a version, and sections of words and tables made of them."""

import re
from dataclasses import dataclass

NUMBER = re.compile(r"[+-]?[\d,]+(\.\d+)?(e[+-]\d+)?%?|-")


@dataclass(frozen=True)
class CardFacts:
    """A version as the registry knows it. Of a candidate, `judged` and `judged_lineage` are its own.

    `record` is the signed record of the version, `judged` the one with the gate's evidence; `manifest` is the
    bundle's, `model_sha256` that of the file of scikit-learn beside it. `erased` is how many of the flights it has seen
    are of aircraft that were erased since.
    """

    version: int
    record: dict
    judged: dict
    lineage: dict
    judged_lineage: dict
    manifest: dict
    model_sha256: str
    erased: int = 0

    @property
    def is_refit(self) -> bool:
        """Whether it is the recipe of a judged candidate, fitted again on all rows."""
        return self.version != self.judged["version"]

    @property
    def verdict(self) -> str:
        """What the gate said."""
        return "promoted" if self.record["promote"] else "refused"

    @property
    def has_champion(self) -> bool:
        """Whether there was a champion to be compared with."""
        return self.judged["champion"] is not None

    @property
    def kind(self) -> str:
        """What it is, in words."""
        if self.is_refit:
            return f"refit: the recipe of version {self.judged['version']}, fitted again on all rows"
        return "candidate: what the gate judges"


@dataclass(frozen=True)
class Table:
    """Cells as text, a row each, under their heads."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Of each column, whether every cell is a number."""
        return tuple(all(NUMBER.fullmatch(row[place]) for row in self.rows) for place in range(len(self.heads)))


@dataclass(frozen=True)
class Section:
    """A part of the card: paragraphs, then points, then tables; `plot` is SVG, and its table says the same."""

    name: str
    title: str
    words: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    plot: str = ""
