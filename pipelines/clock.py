"""The system's own clock: weeks from Monday to Monday, New York time. Nothing here reads the machine's clock."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from infra.errors import PreflightError

NEW_YORK = ZoneInfo("America/New_York")


class PeriodError(PreflightError, ValueError):
    """A week or month that cannot be read or that holds no day of the data."""


@dataclass(frozen=True, order=True)
class Week:
    """Seven days from a Monday, 00:00 New York time, to the next.

    >>> Week.holding(date(2013, 7, 4)).id
    '2013-07-01'
    """

    monday: date

    def __post_init__(self) -> None:
        if self.monday.weekday() != 0:
            raise PeriodError(f"{self.monday} is not a Monday; use Week.holding({self.monday})")

    @classmethod
    def holding(cls, day: date) -> "Week":
        """The week that holds a day."""
        return cls(day - timedelta(days=day.weekday()))

    @classmethod
    def from_id(cls, identifier: str) -> "Week":
        """The week with this `id`."""
        return cls(date.fromisoformat(identifier))

    @classmethod
    def starting(cls, moment: datetime) -> "Week":
        """The week that starts at a moment, a Monday 00:00 New York time.

        >>> Week.starting(Week.from_id("2013-07-01").start).id
        '2013-07-01'
        """
        return cls(moment.astimezone(NEW_YORK).date())

    @classmethod
    def ending(cls, moment: datetime) -> "Week":
        """The week that ends at a moment, the Monday after it, 00:00 New York time.

        >>> Week.ending(Week.from_id("2013-07-01").end).id
        '2013-07-01'
        """
        return cls(moment.astimezone(NEW_YORK).date()).plus(-1)

    @property
    def id(self) -> str:
        """The ISO date of its Monday: its name in files, tables and commands."""
        return self.monday.isoformat()

    @property
    def start(self) -> datetime:
        """Its first moment, in UTC."""
        return midnight(self.monday)

    @property
    def end(self) -> datetime:
        """The first moment after it, in UTC: when the clock ticks and the week is worked on."""
        return midnight(self.monday + timedelta(days=7))

    def days(self) -> list[date]:
        """Its seven days."""
        return [self.monday + timedelta(days=number) for number in range(7)]

    def plus(self, weeks: int) -> "Week":
        """The week so many weeks later, or earlier when negative."""
        return Week(self.monday + timedelta(weeks=weeks))


def ends_month(week: Week) -> bool:
    """Whether the next week begins in another month."""
    return week.plus(1).monday.month != week.monday.month


def midnight(day: date) -> datetime:
    """The first moment of a New York day, in UTC."""
    return datetime.combine(day, time(), NEW_YORK).astimezone(UTC)


def local_day(moment: str) -> pl.Expr:
    """The New York day of a column of moments."""
    return pl.col(moment).dt.convert_time_zone(NEW_YORK.key).dt.date()


def local_calendar(seconds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """New York's minute of the day, weekday (1 Monday to 7 Sunday) and day since 1970 of seconds since 1970 in UTC."""
    changes, offsets = _utc_offsets()
    local = seconds + offsets[np.searchsorted(changes, seconds, side="right") - 1]
    day = local // 86_400
    return local % 86_400 // 60, (day + 3) % 7 + 1, day


@lru_cache(maxsize=1)
def _utc_offsets() -> tuple[np.ndarray, np.ndarray]:
    """The seconds at which clocks change in New York, and how many they are ahead of UTC from then on."""
    hours = np.arange(datetime(2000, 1, 1, tzinfo=UTC).timestamp(), datetime(2041, 1, 1, tzinfo=UTC).timestamp(), 3600)
    ahead = (
        pl.from_epoch(pl.Series(hours.astype(np.int64))).dt.replace_time_zone("UTC").dt.convert_time_zone(NEW_YORK.key)
    )
    offset = (ahead.dt.base_utc_offset() + ahead.dt.dst_offset()).dt.total_seconds().to_numpy()
    changed = np.append(True, offset[1:] != offset[:-1])
    return hours[changed].astype(np.int64), offset[changed]


def days_within(week: Week, first_day: date, last_day: date) -> int:
    """How many days of a week lie between two days, both included."""
    return sum(first_day <= day <= last_day for day in week.days())


def weeks_between(first_day: date, last_day: date) -> list[Week]:
    """The weeks that hold at least one of these days, in order."""
    first, last = Week.holding(first_day), Week.holding(last_day)
    return [first.plus(number) for number in range((last.monday - first.monday).days // 7 + 1)]


def parse_period(text: str, first_day: date, last_day: date) -> list[Week]:
    """The weeks that a user means by `2013-07` (those with a day in July) or `2013-07-04` (the one with that day).

    Raises PeriodError when the text is neither, or when none of its days lies in the data.
    """
    start, end = _days_of(text)
    if end < first_day or start > last_day:
        raise PeriodError(f"there is no data for {text}: the year runs from {first_day} to {last_day}")
    return weeks_between(max(start, first_day), min(end, last_day))


def parse_day(text: str) -> date:
    """The day that a user means. Raises PeriodError.

    >>> parse_day("2013-07-04")
    datetime.date(2013, 7, 4)
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise PeriodError(f"expected a day such as 2013-07-04, got {text!r}") from error


def _days_of(text: str) -> tuple[date, date]:
    """First and last day: of the month, or of the week that holds the day."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}", text):
            start = date.fromisoformat(f"{text}-01")
            return start, (start + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            monday = Week.holding(date.fromisoformat(text)).monday
            return monday, monday + timedelta(days=6)
    except (ValueError, OverflowError):  # the calendar of dates ends with 9999
        pass
    raise PeriodError(f"expected a month such as 2013-07 or a day such as 2013-07-04, got {text!r}")
