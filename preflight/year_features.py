"""The features of the whole year for commands that look at all of it: read where it was lived, else built."""

from collections.abc import Callable
from pathlib import Path

import polars as pl

from infra.storage import Store
from pipelines.backfill import FEATURES, accepted_home, backfill
from pipelines.context import Context


def year_features(context: Context, folder: Path, advance: Callable[[str], None]) -> pl.DataFrame:
    """The features of all weeks: those of the home folder when it has them all, else built in `folder`."""
    weeks = [week.id for week in context.all_weeks()]
    if all(context.store.has_table(FEATURES, week) for week in weeks):
        return context.store.read_weeks(FEATURES, weeks)
    return build_year(context, folder, advance)


def build_year(context: Context, folder: Path, advance: Callable[[str], None]) -> pl.DataFrame:
    """The features of all weeks, built by two processes in `folder`; weeks that are there are left alone."""
    weeks, store = context.all_weeks(), Store(folder)
    missing = [week for week in weeks if not store.has_table(FEATURES, week.id)]
    if missing:
        inputs = accepted_home(context, folder / "home")
        for week in backfill(inputs, folder, missing, workers=2):
            advance(f"features of week {week.id}")
    return store.read_weeks(FEATURES, [week.id for week in weeks])
