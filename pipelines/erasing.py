"""What erasing a tail number does to a table, and to the hashes that were noted of it. Pure rules; nothing is written.

A flight of an erased aircraft becomes a flight of an unknown one: its tail number is missing, as is whatever
features learn from that number. Everything else of it stays.
"""

import re
from collections.abc import Callable

import polars as pl

from data_checks import schema as s
from data_checks.deliveries import ERASE, OBJECTION, row_hashes
from data_checks.quarantine import ROW_HASH
from infra.sweep import ERASED
from pipelines.feature_catalog import FEATURES

ERASED_GROUPS = ("plane", "inbound")
ERASED_FEATURES = tuple(feature.name for feature in FEATURES if feature.group in ERASED_GROUPS)
"""The features that are found by the tail number: all that is asked of a flight when its aircraft is not known."""

LEARNED_FROM_FORGOTTEN = "learned_from_forgotten"
"""The tag of a version that says how many of the flights it has seen are of aircraft that were erased since."""
PLANES = "planes"
Holds = Callable[[str], bool]
"""Whether a tail number was erased."""


def without_tails(rows: pl.DataFrame, holds: Holds) -> pl.DataFrame:
    """Rows of a feed without the tail numbers that were erased, also where an objection quotes one."""
    if s.TAIL_NUMBER in rows.columns:
        erased = _erased_of(rows[s.TAIL_NUMBER], holds)
        rows = rows.with_columns(pl.when(~pl.col(s.TAIL_NUMBER).is_in(erased.implode())).then(s.TAIL_NUMBER))
    if OBJECTION in rows.columns:
        said = rows[OBJECTION].drop_nulls().unique().to_list()
        mended = {text: without_words(text, holds) for text in said}
        rows = rows.with_columns(pl.col(OBJECTION).replace(mended))
    return rows


def without_quarantined_tails(rows: pl.DataFrame, feed: s.Feed, holds: Holds) -> pl.DataFrame:
    """Quarantined rows without the tail numbers that were erased; a row's hash is that of what is left."""
    kept = without_tails(rows, holds)
    return kept.with_columns(row_hashes(kept, feed).alias(ROW_HASH))


def without_planes(planes: pl.DataFrame, holds: Holds) -> pl.DataFrame:
    """The register of aircraft without those that were erased."""
    return planes.filter(~pl.col(s.TAIL_NUMBER).is_in(_erased_of(planes[s.TAIL_NUMBER], holds).implode()))


def without_erased(tables: dict[str, pl.DataFrame], holds: Holds) -> dict[str, pl.DataFrame]:
    """Feeds and reference tables by name, as a source has them, without the tail numbers that were erased."""
    return {
        name: without_planes(table, holds) if name == PLANES else without_tails(table, holds)
        for name, table in tables.items()
    }


def flights_of(schedule: pl.DataFrame, holds: Holds) -> pl.DataFrame:
    """The flights of a schedule whose tail number is to be erased."""
    return schedule.filter(pl.col(s.TAIL_NUMBER).is_in(_erased_of(schedule[s.TAIL_NUMBER], holds).implode()))


def as_of_unknown_aircraft(features: pl.DataFrame, flights: pl.Series) -> pl.DataFrame:
    """A table of features in which the aircraft of some flights are not known: as building it anew would give."""
    known = ~pl.col(s.FLIGHT_ID).is_in(flights.implode())
    return features.with_columns(pl.when(known).then(name).alias(name) for name in ERASED_FEATURES)


def without_words(text: str, holds: Holds) -> str:
    """A text in which no word is an erased tail number."""
    return re.sub(r"[A-Za-z0-9]+", lambda word: ERASED if holds(word[0]) else word[0], text)


def stands_in(rows: pl.DataFrame, holds: Holds) -> bool:
    """Whether an erased tail number stands in any text of a table, whatever its columns are called."""
    texts = (text for column in rows.select(pl.col(pl.String)) for text in column.drop_nulls().unique())
    return any(holds(word) for text in texts for word in re.findall(r"[A-Za-z0-9]+", text))


def hash_due(entries: list[dict], table: str, noted: str) -> str:
    """The hash that a table has to have now, of which `noted` was noted: that, or what erasures made of it since."""
    for entry in entries:
        if entry["action"] == ERASE:
            before, after = entry["hashes"].get(table, (None, None))
            noted = after if noted == before else noted
    return noted


def is_erased_in(entries: list[dict], week: str) -> bool:
    """Whether features of a week's flights were erased after they were made."""
    return any(f"features/{week}" in entry["hashes"] for entry in entries if entry["action"] == ERASE)


def _erased_of(tails: pl.Series, holds: Holds) -> pl.Series:
    return pl.Series([tail for tail in tails.drop_nulls().unique() if holds(tail)], dtype=pl.String)
