"""How often a monitor cries wolf: measured on weeks that a model learned from, among which nothing has changed."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from data_checks import schema as s
from infra.scorer import Scorer
from monitoring.clean_weeks import draw_halves
from monitoring.drift import drifted_by_default
from monitoring.windows import FALSE_ALARMS_PER_YEAR
from pipelines.clock import local_day
from pipelines.encoding import encode_features
from pipelines.feature_catalog import CATEGORICAL, NAMES
from pipelines.watching import profile_week

DAYS_A_YEAR = 365.25
DRAWS = 20


def by_tests(reference: pl.DataFrame, weeks: Sequence[pl.DataFrame]) -> float:
    """Alarms a year of a test per feature and day against `reference`, by Evidently's choice; one is an alarm."""
    days = days_of(weeks)
    rang = [bool(drifted_by_default(reference, day.select(NAMES), CATEGORICAL)) for day in days]
    return DAYS_A_YEAR * float(np.mean(rang))


def by_bands(weeks: Sequence[pl.DataFrame], scorer: Scorer, seed: int) -> float:
    """Alarms a year of all our detectors that need no labels, each week of a drawn half held against the other half."""
    said = [scorer.probability(encode_features(week)) for week in weeks]
    drawn = draw_halves(list(map(profile_week, weeks)), said, [], FALSE_ALARMS_PER_YEAR, DRAWS, seed)
    return float(np.mean([sum(rates.values()) for rates in drawn]))


def days_of(weeks: Sequence[pl.DataFrame]) -> list[pl.DataFrame]:
    """The flights of each local day, in order."""
    flights = pl.concat(weeks).with_columns(local_day(s.SCHEDULED_DEPARTURE).alias("day"))
    return flights.sort("day", maintain_order=True).partition_by("day", maintain_order=True)
