"""The words a contract is written in: columns, tables, feeds, and what a broken promise costs. No data, no names."""

from dataclasses import dataclass

import polars as pl

BLOCK, QUARANTINE, WARN = "block", "quarantine", "warn"
"""What a broken rule costs: the batch stays out, the row stays out, or a line in the report."""

MOMENT = pl.Datetime("us", "UTC")


@dataclass(frozen=True)
class Column:
    """One column, of a table, derived from a row or measured of a whole batch; every rule is one with a range.

    Bounds are inclusive and in `unit`, either may be left open; `domain` and `pattern` are for text; a column of
    truth values promises to be true. `most_missing` is the largest share of nulls in a batch of a nullable column,
    above which the batch stays out. `known` says from when a value may be used; empty: as its table says.
    """

    name: str
    dtype: pl.DataType | type[pl.DataType]
    meaning: str
    unit: str = ""
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    domain: tuple[str, ...] | None = None
    pattern: str | None = None
    severity: str = QUARANTINE
    most_missing: float | None = None
    known: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of one shape. `known` says in words from when a row may be used."""

    name: str
    meaning: str
    known: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def polars_schema(self) -> pl.Schema:
        """Column names and types in order."""
        return pl.Schema({column.name: column.dtype for column in self.columns})

    def column(self, name: str) -> Column:
        """One of its columns. Raises KeyError."""
        return {column.name: column for column in self.columns}[name]


@dataclass(frozen=True)
class Feed(Table):
    """A table that arrives week by week: a row belongs to the week in which `week_of` lies.

    `derived` columns are worked out of each row, of the others beside it and of what came before; `measures` are
    numbers about a whole batch. Both are null where they cannot be known, and null keeps every rule.
    """

    week_of: str
    ascending: tuple[tuple[str, str], ...] = ()
    required_when: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    absent_when: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    derived: tuple[Column, ...] = ()
    measures: tuple[Column, ...] = ()


def truth(name: str, meaning: str) -> Column:
    """A derived column that promises to be true; null where it cannot be said."""
    return Column(name, pl.Boolean, meaning, nullable=True)


def number(name: str, meaning: str, unit: str, minimum: float | None, maximum: float | None, **more) -> Column:
    """A column of numbers that may be missing."""
    return Column(name, pl.Float64, meaning, unit, True, minimum, maximum, **more)


def measure(name: str, meaning: str, unit: str, minimum: float | None, maximum: float | None, **more) -> Column:
    """A number about a whole batch; the batch stays out when it leaves its bounds, unless `severity` says less."""
    return number(name, meaning, unit, minimum, maximum, **({"severity": BLOCK} | more))
