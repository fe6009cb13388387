"""The door: a batch is judged by Great Expectations suites made of the contract; rows stay out, or all of it does."""

from pathlib import Path

import polars as pl

from data_checks.suites import Validator
from data_checks.validation import Verdict, judge_batch
from examples.second_data_set import contract as c
from examples.second_data_set.source import Week, span_of


def open_door(folder: Path) -> Validator:
    """The suites of both feeds, with what is derived and measured here."""
    return Validator(folder, c.FEEDS, derive=c.derive, measure=c.measure_batch)


def judge(door: Validator, feed: c.Feed, batch: pl.DataFrame, week: Week, scans: pl.DataFrame) -> Verdict:
    """The rows of a batch that may enter, and the others with the rules they broke; `scans` are those accepted so far.

    Raises BatchBlocked, naming every rule that was broken, when the batch must stay out.
    """
    start, end = span_of(feed, week)
    before = c.Before(start, end, scans)
    results = door.check(feed, batch, (end - start).days, f"{feed.name}-{week.number}", end, before)
    return judge_batch(batch, feed, results)
