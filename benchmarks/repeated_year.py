"""A source that goes on: the year again and again, 364 days later each time, so that weekdays and clocks stay.

Written as folders of the five source files, one per repetition, as a user would bring them.
"""

from datetime import date, timedelta
from pathlib import Path

import polars as pl

from data_checks import schema as s
from infra.source import package_folder

DAYS = 364
OVERLAP_DAYS = 3
"""What happens to the last flights of a repetition is known in the first days of the next."""

FIRST_DAY = date(2013, 1, 1)


def last_day(times: int, flights: pl.DataFrame) -> date:
    """The day on which `times` the flights of the year have left, the year being 364 days and a few of the next."""
    per_day = flights.group_by(_day()).len().sort("day")
    whole = per_day["len"].sum() * times
    first_364 = per_day.head(DAYS)["len"]
    repetitions, rest = divmod(whole, first_364.sum())
    return FIRST_DAY + timedelta(days=DAYS * repetitions + int((first_364.cum_sum() < rest).sum()))


def write_sources(tables: dict[str, pl.DataFrame], folder: Path, last: date) -> None:
    """A source folder for each repetition until `last`, named by its first Monday.

    Each holds a few days more on both sides, so that its weeks are whole.
    """
    margin = timedelta(days=OVERLAP_DAYS)
    start = FIRST_DAY - timedelta(days=FIRST_DAY.weekday())
    while start <= last:
        place = folder / start.isoformat()
        place.mkdir(parents=True)
        _, end = weeks_of_source(place)
        _flights(tables["flights"], start - margin, min(end + margin, last)).write_csv(place / "flights.csv")
        _weather(tables["weather"], start - margin, min(end + margin, last + margin)).write_csv(place / "weather.csv")
        for name in s.REFERENCE:
            (place / f"{name}.csv").write_bytes((package_folder() / f"{name}.csv").read_bytes())
        start = end


def weeks_of_source(folder: Path) -> tuple[date, date]:
    """The Monday of a source folder's first week, and that of the next folder's."""
    start = date.fromisoformat(folder.name)
    return start, start + timedelta(days=DAYS)


def _day() -> pl.Expr:
    return pl.date("year", "month", "day").alias("day")


def _flights(flights: pl.DataFrame, start: date, end: date) -> pl.DataFrame:
    """The flights of the local days from `start` to `end`, each day that of the year it repeats."""
    dated = flights.with_columns(_day()).filter(pl.col("day") < FIRST_DAY + timedelta(days=DAYS))
    shifted = _repeated(dated, "day", start, end)
    day = pl.col("day")
    return shifted.with_columns(day.dt.year().alias("year"), day.dt.month().alias("month"), day.dt.day().alias("day"))


def _weather(weather: pl.DataFrame, start: date, end: date) -> pl.DataFrame:
    """The observations of the days from `start` to `end`, of New York: UTC less five hours, summer or not."""
    observed = pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ") - pl.duration(hours=5)
    dated = weather.with_columns(observed.alias("observed")).filter(
        pl.col("observed") < FIRST_DAY + timedelta(days=DAYS)
    )
    moment = (pl.col("observed") + pl.duration(hours=5)).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return _repeated(dated, "observed", start, end).with_columns(moment.alias("time_hour")).drop("observed")


def _repeated(rows: pl.DataFrame, moment: str, start: date, end: date) -> pl.DataFrame:
    """The rows moved by every repetition that reaches into the days from `start` to `end`, both included."""
    day = pl.col(moment).cast(pl.Date)
    numbers = range(max(0, (start - FIRST_DAY).days // DAYS), (end - FIRST_DAY).days // DAYS + 1)
    moved = (rows.with_columns(pl.col(moment) + pl.duration(days=DAYS * number)) for number in numbers)
    return pl.concat([again.filter(day.is_between(start, end)) for again in moved])
