"""Reference and current windows: which rows stand for normal, how many of them, and how far apart counts as drift."""

import polars as pl

REFERENCE_ROWS = 5000  # a fixed size: below 1,000 rows Evidently would turn from distances to significance tests
DRIFT_THRESHOLD = 0.1  # Evidently's own default for its distances; context, not an alarm: see docs/decisions/0006

FALSE_ALARMS_PER_YEAR = 1  # that each detector may raise on weeks like those it learned from: what bands are made for


def sample_reference(learned: pl.DataFrame, seed: int, rows: int = REFERENCE_ROWS) -> pl.DataFrame:
    """A random sample of the rows a model learned from, of fixed size or all of them when there are fewer."""
    return learned.sample(min(rows, learned.height), seed=seed, shuffle=True)
