"""Federal holidays of the United States, as the days from the nearest one."""

from datetime import date
from functools import lru_cache

import holidays
import numpy as np

NEAR_DAYS = 7
_YEARS = range(2000, 2041)


def days_from_holiday(day: np.ndarray) -> np.ndarray:
    """Days from the nearest federal holiday, -7 to 7, negative before it, (n,) float64; NaN when none is that near.

    `day` counts local days from 1970-01-01. Of two equally near the one before counts. Holidays that
    fall on a weekend count on the day they are observed too.
    """
    known = _holidays()
    after = np.searchsorted(known, day, side="right").clip(1, len(known) - 1)
    since, until = day - known[after - 1], known[after] - day
    nearest = np.where(since <= until, since, -until).astype(float)
    return np.where(np.abs(nearest) <= NEAR_DAYS, nearest, np.nan)


@lru_cache(maxsize=1)
def _holidays() -> np.ndarray:
    days = holidays.country_holidays("US", years=_YEARS)
    return np.array(sorted((day - date(1970, 1, 1)).days for day in days), dtype=np.int64)
