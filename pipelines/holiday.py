"""Federal holidays of the United States, as the days from the nearest one."""

from datetime import date
from functools import lru_cache

import holidays
import numpy as np

FAR_DAYS = 8
_YEARS = range(2000, 2041)


def days_from_holiday(day: np.ndarray) -> np.ndarray:
    """Days from the nearest federal holiday, negative before it, (n,) float64; 8 and -8 stand for more than a week.

    `day` counts local days from 1970-01-01. Of two equally near the one before counts. A holiday that
    falls on a weekend counts on the day on which it is observed too.
    """
    known = _holidays()
    after = np.searchsorted(known, day, side="right").clip(1, len(known) - 1)
    since, until = day - known[after - 1], known[after] - day
    return np.where(since <= until, since, -until).clip(-FAR_DAYS, FAR_DAYS).astype(float)


@lru_cache(maxsize=1)
def _holidays() -> np.ndarray:
    days = holidays.country_holidays("US", years=_YEARS)
    return np.array(sorted((day - date(1970, 1, 1)).days for day in days), dtype=np.int64)
