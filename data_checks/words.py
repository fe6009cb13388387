"""Which word about a flight came first and which is the last: outcomes are corrected, up to 14 days later.

A flight leaves or is cancelled, and arrives, is cancelled or is diverted: two things that can be said of it, each
more than once. The first word about a thing has revision 0. Features listen to the first, labels to the last.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

import polars as pl

from data_checks import schema as s

LEAVING = (s.DEPARTED, s.CANCELLED)
ENDING = (s.ARRIVED, s.CANCELLED, s.DIVERTED)
TOO_LATE = "too_late"
REVISABLE_DAYS = 14  # airlines may correct what they reported for about two weeks; after that a label is final
TOO_LATE_RULE = f"revised more than {REVISABLE_DAYS} days after the first word"


def first_word(outcomes: pl.DataFrame) -> pl.DataFrame:
    """What was said first of each flight's leaving and of its end: what stands when nobody has corrected it yet."""
    return outcomes.filter(pl.col(s.REVISION) == 0)


def last_word(outcomes: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """How each flight ended, as the last word known at a moment has it: one row per flight."""
    known = outcomes.filter(pl.col(s.EVENT).is_in(ENDING), pl.col(s.KNOWN_AT) <= at)
    return known.filter(pl.col(s.REVISION) == pl.col(s.REVISION).max().over(s.FLIGHT_ID))


def number_words(words: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """The revision of each of `words` among those `known` before, and whether it is `too_late`; row by row.

    A word keeps the number it claims where that is free, and follows all others where it is not. Words that claim
    the same number are told apart by when they become known, so the order of the rows does not matter.
    """
    claims = words.select(pl.col(s.REVISION).fill_null(0), pl.lit(False).alias(TOO_LATE))
    contested = _contested(words, known)
    if contested.is_empty():
        return claims
    told = defaultdict(list)
    for flight, event, revision, known_at in _of(known, contested).select(_SAID).iter_rows():
        told[flight].append((event, revision, known_at))
    numbered = {}
    asked = words.with_row_index("row").filter(pl.col(s.FLIGHT_ID).is_in(contested.implode()))
    in_order = asked.sort(s.FLIGHT_ID, pl.col(s.REVISION).fill_null(0), s.KNOWN_AT, s.EVENT, s.DELAY, "row")
    for row, flight, event, revision, known_at in in_order.select("row", *_SAID).iter_rows():
        before = list(_about_the_same(event, told[flight]))
        taken = {number for number, _ in before}
        number = max(taken) + 1 if (revision or 0) in taken else revision or 0
        earlier = [moment for other, moment in before if other < number]
        too_late = bool(earlier) and known_at > min(earlier) + timedelta(days=REVISABLE_DAYS)
        numbered[row] = (number, too_late)
        if not too_late:
            told[flight].append((event, number, known_at))
    settled = pl.DataFrame(
        [(row, *found) for row, found in sorted(numbered.items())],
        schema={"row": pl.UInt32, "number": pl.Int64, "late": pl.Boolean},
        orient="row",
    )
    return (
        claims.with_row_index("row")
        .join(settled, on="row", how="left", maintain_order="left")
        .select(
            pl.coalesce("number", s.REVISION).alias(s.REVISION),
            pl.col("late").fill_null(value=False).alias(TOO_LATE),
        )
    )


_SAID = (s.FLIGHT_ID, s.EVENT, s.REVISION, s.KNOWN_AT)


def _contested(words: pl.DataFrame, known: pl.DataFrame) -> pl.Series:
    """The flights of `words` of which something is said more than once."""
    said = pl.concat([words.select(s.FLIGHT_ID, s.EVENT), _of(known, words[s.FLIGHT_ID]).select(s.FLIGHT_ID, s.EVENT)])
    counts = (
        said.drop_nulls()
        .group_by(s.FLIGHT_ID)
        .agg(
            *(pl.col(s.EVENT).is_in(thing).sum().alias(name) for name, thing in (("left", LEAVING), ("ended", ENDING)))
        )
    )
    return counts.filter(pl.max_horizontal("left", "ended") > 1)[s.FLIGHT_ID]


def _of(rows: pl.DataFrame, flights: pl.Series) -> pl.DataFrame:
    return rows.filter(pl.col(s.FLIGHT_ID).is_in(flights.drop_nulls().unique().implode()))


def _about_the_same(event: str, told: list[tuple]) -> Iterator[tuple[int, datetime]]:
    """Number and moment of the words about the same thing as `event`."""
    for other, number, known_at in told:
        if any(event in thing and other in thing for thing in (LEAVING, ENDING)):
            yield number, known_at
