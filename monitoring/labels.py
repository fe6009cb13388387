"""The truth, which arrives late: was a flight 15 minutes or more behind schedule when it landed?"""

from datetime import datetime

import polars as pl

from data_checks import schema as s
from data_checks.words import last_word

IS_LATE = "is_late"
LABEL_KNOWN_AT = "label_known_at_utc"


def known_labels(outcomes: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """`flight_id`, `is_late` and `label_known_at_utc` of the flights that had landed by `at`, by the last word known.

    Cancelled and diverted flights never get a label: nobody knows how late they would have been.
    """
    landed = last_word(outcomes, at).filter(pl.col(s.EVENT) == s.ARRIVED)
    return landed.select(
        s.FLIGHT_ID,
        (pl.col(s.DELAY) >= s.LATE_MIN).alias(IS_LATE),
        pl.col(s.KNOWN_AT).alias(LABEL_KNOWN_AT),
    )


def without_label(outcomes: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """`flight_id` and `event` of the flights known by `at` to be cancelled or diverted."""
    closed = last_word(outcomes, at).filter(pl.col(s.EVENT).is_in([s.CANCELLED, s.DIVERTED]))
    return closed.select(s.FLIGHT_ID, s.EVENT)


def label_coverage(flights: pl.DataFrame, outcomes: pl.DataFrame, at: datetime) -> float:
    """Share of the flights that can have a label whose label is known at `at`, 0 to 1; 1 for no flights."""
    able = flights.join(without_label(outcomes, at), on=s.FLIGHT_ID, how="anti")
    known = able.join(known_labels(outcomes, at), on=s.FLIGHT_ID, how="semi")
    return known.height / able.height if able.height else 1.0
