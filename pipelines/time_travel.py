"""The proof that no feature looks ahead: whatever happens after a moment, features as of that moment stay as they are.

A week's features are built as the flow builds them, all flights together with everything the week will
know. Then its flights are built again at single moments, alone, in a world in which every row known later
was deleted or scrambled. One bit that changes is a leak.

One thing this cannot see, because it is an assumption: that the tail number stood in the plan days
ahead. The data holds the aircraft that flew, and none where the flight was cancelled (docs/decisions/0001).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from data_checks import schema as s
from data_checks.feeds import rows_of_week
from pipelines.as_of import AS_OF
from pipelines.clock import NEW_YORK, Week
from pipelines.features import build_features
from pipelines.mismatch import Mismatch, find_mismatches
from pipelines.state import HOURS_AHEAD, World, prepare_state

DELETED, SCRAMBLED = "deleted", "scrambled"
FUTURE_WEEKS = 2
"""How far beyond its week a world is scrambled: the plan is known seven days ahead."""

Build = Callable[[pl.DataFrame, World], pl.DataFrame]


@dataclass(frozen=True)
class Moment:
    """What came of going back to one moment: how many flights were compared, and every value that changed."""

    as_of: datetime
    later: str
    flights: int
    flights_at_moment: int
    mismatches: tuple[Mismatch, ...]

    def sentence(self) -> str:
        """The first leak in words."""
        first = self.mismatches[0]
        return (
            f"{first.feature} of flight {first.flight_id} is {first.expected!r} in its week and {first.found!r} "
            f"when every row known after {self.as_of:%Y-%m-%d %H:%M} UTC is {self.later}"
        )


def build_together(flights: pl.DataFrame, world: World) -> pl.DataFrame:
    """The features of `flights` in a world, as every flow builds them."""
    return build_features(flights, prepare_state(world))


def travel(
    year: World, moments: list[datetime], history_weeks: int, seed: int, build: Build = build_together
) -> Iterator[Moment]:
    """Go back to each moment, which must be the `as_of` of a flight, and yield what changed.

    `year` holds the feeds of all weeks; a week sees `history_weeks` of them, as in the flow.
    At every moment later rows are deleted once and scrambled once.
    """
    dice = np.random.default_rng(seed)
    week = None
    for moment in sorted(moments):
        leaves = (moment + timedelta(hours=HOURS_AHEAD)).astimezone(NEW_YORK)
        if week != Week.holding(leaves.date()):
            week = Week.holding(leaves.date())
            world = world_of_week(year, week, history_weeks)
            flights = _of_week(year.schedule, s.SCHEDULE, week, week)
            together = build(flights, world)
        past = known_by(world, moment)
        yield _compare(moment, DELETED, flights, together, past, build)
        noise = scrambled(_later(year, moment, week.plus(FUTURE_WEEKS)), dice)
        yield _compare(moment, SCRAMBLED, flights, together, _with_later(past, noise), build)


def choose_moments(schedule: pl.DataFrame, count: int, seed: int) -> list[datetime]:
    """So many different `as_of` moments, those of flights drawn at random, in order; all when there are fewer."""
    moments = schedule.select(_as_of()).to_series()
    drawn = np.random.default_rng(seed).permutation(len(moments))
    return moments.gather(drawn).unique(maintain_order=True).head(count).sort().to_list()


def world_of_week(year: World, week: Week, history_weeks: int) -> World:
    """What features of a week's flights may look at, cut out of the feeds of the year."""
    first = week.plus(1 - history_weeks)
    feeds = {feed.name: _of_week(getattr(year, feed.name), feed, first, week) for feed in s.FEEDS.values()}
    return World(**feeds, planes=year.planes)


def known_by(world: World, moment: datetime) -> World:
    """The world without the rows that became known after `moment`."""
    return replace(world, **{name: rows.filter(pl.col(s.KNOWN_AT) <= moment) for name, rows in _feeds(world).items()})


def scrambled(world: World, dice: np.random.Generator) -> World:
    """Other rows of the same shape: keys, moments and values drawn from each other's rows, from noise, or missing.

    No row becomes known before the earliest of its feed did. What the contract requires to be there stays there.
    """
    return replace(world, **{feed.name: _scrambled(getattr(world, feed.name), feed, dice) for feed in s.FEEDS.values()})


def _compare(
    moment: datetime, later: str, flights: pl.DataFrame, together: pl.DataFrame, past: World, build: Build
) -> Moment:
    """The flights of the hour up to the moment: those of its end have their every later row changed."""
    chosen = flights.select(_as_of().is_between(moment - timedelta(hours=1), moment, closed="right")).to_series()
    alone = build(flights.filter(chosen), past)
    at_moment = flights.filter(chosen).select((_as_of() == moment).sum()).item()
    mismatches = find_mismatches(together.filter(chosen), alone)
    return Moment(moment, later, alone.height, at_moment, tuple(mismatches))


def _as_of() -> pl.Expr:
    return (pl.col(s.SCHEDULED_DEPARTURE) - pl.duration(hours=HOURS_AHEAD)).alias(AS_OF)


def _of_week(rows: pl.DataFrame, feed: s.Feed, first: Week, last: Week) -> pl.DataFrame:
    return rows_of_week(rows.lazy(), feed, first.start, last.end).collect()


def _later(year: World, moment: datetime, last: Week) -> World:
    """The rows known after the moment, of the weeks up to and with `last`."""
    until = {
        feed.name: getattr(year, feed.name).filter(pl.col(s.KNOWN_AT) > moment, pl.col(feed.week_of) < last.end)
        for feed in s.FEEDS.values()
    }
    return replace(year, **until)


def _with_later(past: World, later: World) -> World:
    return replace(past, **{name: pl.concat([rows, getattr(later, name)]) for name, rows in _feeds(past).items()})


def _feeds(world: World) -> dict[str, pl.DataFrame]:
    return {field.name: getattr(world, field.name) for field in fields(world) if field.name in s.FEEDS}


def _scrambled(rows: pl.DataFrame, feed: s.Feed, dice: np.random.Generator) -> pl.DataFrame:
    key = dice.permutation(rows.height)
    made = {column.name: _noise(rows, column, feed, key, dice) for column in feed.columns}
    noise = pl.DataFrame(made, schema=feed.polars_schema)
    return noise.with_columns(
        pl.when(pl.col(when).is_in(list(values)) & pl.col(name).is_null()).then(0).otherwise(name).alias(name)
        for name, when, values in feed.required_when
    )


def _noise(rows: pl.DataFrame, column: s.Column, feed: s.Feed, key: np.ndarray, dice: np.random.Generator) -> pl.Series:
    values = rows[column.name]
    if column.name in feed.key:
        return values.gather(key)  # a key moves as a whole, so that it stays unique
    drawn = values.gather(dice.permutation(rows.height))
    if column.minimum is not None:
        replaced = pl.Series(dice.random(rows.height) < 0.3)
        drawn = (
            pl.Series(dice.uniform(column.minimum, column.maximum, rows.height))
            .cast(values.dtype)
            .zip_with(replaced, drawn)
        )
    if column.nullable:
        drawn = pl.select(pl.when(pl.Series(dice.random(rows.height) >= 0.1)).then(drawn)).to_series()
    return drawn
