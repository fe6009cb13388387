"""A life of a few weeks on a few real flights, judged by a checker with rules one can turn: a home of its own, fast."""

from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import polars as pl

from data_checks import schema as s
from data_checks.deliveries import readable
from data_checks.feeds import rows_of_week
from data_checks.validation import RuleResult, later_copies
from infra.settings import Settings
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.judging import close_week
from pipelines.landing import land_batch

MONDAYS = (date(2013, 1, 7), date(2013, 1, 14), date(2013, 1, 21), date(2013, 1, 28))
WEEKS = tuple(Week(monday) for monday in MONDAYS)


@dataclass
class Checker:
    """Stands for the validator: keys seen once, a longest distance and a fewest number of rows that a test sets."""

    longest_miles: float = 5000
    fewest_rows: dict[str, int] = field(default_factory=dict)

    def check(self, feed: s.Feed, batch: pl.DataFrame, *_: object) -> list[RuleResult]:
        """What Great Expectations would say."""
        copies = later_copies(batch, feed.key)
        results = [_result(f"{' and '.join(feed.key)} seen once", s.QUARANTINE, copies)]
        if s.DISTANCE in batch.columns:
            far = batch.select(pl.arg_where(pl.col(s.DISTANCE) > self.longest_miles)).to_series()
            results.append(_result("not too far", s.QUARANTINE, tuple(far)))
        few = batch.height < self.fewest_rows.get(feed.name, 0)
        return [*results, RuleResult("enough rows", s.BLOCK, not few, batch.height, few, (), f"{batch.height} rows")]


def _result(rule: str, severity: str, rows: tuple[int, ...]) -> RuleResult:
    return RuleResult(rule, severity, not rows, 0, len(rows), tuple(rows))


def life(home: Path, checker: Checker | None = None) -> Context:
    """A home whose data are the four weeks of `WEEKS`."""
    first, last = MONDAYS[0], WEEKS[-1].days()[-1]
    context = Context(
        Settings(home=home, first_day=first, first_scored_week=date(2013, 2, 4), last_day=date(2013, 2, 10))
    )
    assert first < last
    context.validator = checker or Checker()
    for name, schema in s.REFERENCE.items():
        context.store.write_table("reference", name, pl.DataFrame(schema=schema))
    return context


def few_flights(feeds: dict[str, pl.DataFrame], one_in: int = 100) -> dict[str, pl.DataFrame]:
    """The feeds of the four weeks, thinned to one flight in so many, with all that happened to those."""
    start, end = WEEKS[0].start, WEEKS[-1].end
    plan = rows_of_week(feeds["schedule"].lazy(), s.SCHEDULE, start, end).collect().gather_every(one_in)
    happened = feeds["outcomes"].join(plan, on=s.FLIGHT_ID, how="semi", maintain_order="left")
    weather = rows_of_week(feeds["weather"].lazy(), s.WEATHER, start, end).collect()
    return {"schedule": plan, "outcomes": happened.filter(pl.col(s.KNOWN_AT) < end), "weather": weather}


def of_week(feeds: dict[str, pl.DataFrame], feed: s.Feed, week: Week) -> pl.DataFrame:
    """What a feed delivers in a week when nothing goes wrong."""
    return rows_of_week(feeds[feed.name].lazy(), feed, week.start, week.end).collect()


def bring(context: Context, feed: s.Feed, rows: pl.DataFrame, corrects: str | None = None) -> dict:
    """Land rows as a batch of their own; returns the ledger's entry."""
    return land_batch(context, feed, readable(rows), {"file": "test"}, corrects)[0]


def close(context: Context, week: Week) -> dict:
    """Let a week end whose rows have all been brought."""
    context.journal.record(week.id, "land", {"rows": {}})
    return close_week(context, week)


def live(context: Context, feeds: dict[str, pl.DataFrame], *weeks: Week) -> None:
    """Weeks in which every row comes in time."""
    for week in weeks:
        for feed in s.FEEDS.values():
            bring(context, feed, of_week(feeds, feed, week))
        close(context, week)


def accepted(context: Context, feed: s.Feed, week: Week) -> pl.DataFrame:
    """The accepted table of a week."""
    return context.store.read_table(f"accepted/{feed.name}", week.id)


def quarantine_of(context: Context, feed: s.Feed, week: Week) -> pl.DataFrame:
    """The quarantined table of a week."""
    return context.store.read_table(f"quarantined/{feed.name}", week.id)


def moment(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text)
