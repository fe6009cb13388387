"""Judges the real year in memory, as the flows would, clean and spoilt: what does the contract catch, and how."""

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from data_checks import schema as s
from data_checks.faults import Fault
from data_checks.feeds import rows_of_week
from data_checks.history import History, build_history
from data_checks.validation import BatchBlocked, RuleResult, judge_batch
from pipelines.clock import Week, days_within, weeks_between
from pipelines.context import WEEKS_OF_PLAN, WEEKS_TO_JUDGE_BY, span_of

if TYPE_CHECKING:
    from data_checks.suites import Validator


@dataclass(frozen=True)
class Judgement:
    """What became of one batch: whether it was blocked, the rows each broken rule named, and the rows that went on."""

    blocked_by: tuple[str, ...]
    quarantined_by: dict[str, int]
    warned_by: tuple[str, ...]
    accepted: pl.DataFrame
    landed: int

    @property
    def rules(self) -> set[str]:
        """Every rule that kept something out."""
        return {*self.blocked_by, *self.quarantined_by}


@dataclass(frozen=True)
class Trial:
    """One fault in one week: whether it was caught, by what, and how many wrong rows went on."""

    fault: Fault
    week: str
    caught: bool
    blocked_by: tuple[str, ...]
    quarantined_by: dict[str, int]
    wrong_rows_accepted: int


@dataclass
class Rehearsal:
    """The year of the source, week by week, judged in memory; what was accepted is what later weeks are judged by."""

    feeds: dict[str, pl.DataFrame]
    validator: "Validator"
    first_day: date
    last_day: date
    clean: dict[tuple[str, str], Judgement] = field(default_factory=dict)

    def weeks(self) -> list[Week]:
        """Every week with a day of data."""
        return weeks_between(self.first_day, self.last_day)

    def judge_clean_week(self, week: Week) -> None:
        """Judge the three feeds of a week as they are, the weeks before it having been judged."""
        for feed in s.FEEDS.values():
            self.clean[feed.name, week.id] = self._judge(feed, week, self.batch(feed, week))

    def try_fault(self, fault: Fault, week: Week, seed: int) -> Trial | None:
        """Spoil one batch of a week that was judged clean before; None when the fault changes none of its rows."""
        batch = self.batch(fault.feed, week)
        spoilt = fault.spoil(batch, seed)
        if spoilt.equals(batch):
            return None
        judged, clean = self._judge(fault.feed, week, spoilt), self.clean[fault.feed.name, week.id]
        wrong = judged.accepted.join(batch, on=batch.columns, how="anti", nulls_equal=True).height
        found = judged.rules - clean.rules
        caught = bool(judged.blocked_by) or (bool(found) and not wrong)
        quarantined = {rule: rows for rule, rows in judged.quarantined_by.items() if rule in found}
        return Trial(fault, week.id, caught, judged.blocked_by, quarantined, 0 if judged.blocked_by else wrong)

    def caught_by(self, fault: Fault, week: Week, seed: int) -> str:
        """The rule that caught a fault, the first of those that did; empty where none did."""
        trial = self.try_fault(fault, week, seed)
        return next(iter((*trial.blocked_by, *trial.quarantined_by)), "") if trial and trial.caught else ""

    def batch(self, feed: s.Feed, week: Week) -> pl.DataFrame:
        """What a feed delivers in a week."""
        return rows_of_week(self.feeds[feed.name].lazy(), feed, week.start, week.end).collect()

    def _judge(self, feed: s.Feed, week: Week, batch: pl.DataFrame) -> Judgement:
        days = days_within(week, self.first_day, self.last_day)
        results = self.validator.check(feed, batch, days, week.id, week.end, self._history(feed, week))
        quarantined = {
            result.rule: len(result.failed_rows)
            for result in results
            if result.severity == s.QUARANTINE and not result.passed
        }
        try:
            accepted = judge_batch(batch, feed, results).accepted
        except BatchBlocked:
            accepted = batch.clear()
        blocked_by, warned_by = _broken(results, s.BLOCK), _broken(results, s.WARN)
        return Judgement(blocked_by, quarantined, warned_by, accepted, batch.height)

    def _history(self, feed: s.Feed, week: Week) -> History:
        past = self._just_before(feed, week, WEEKS_TO_JUDGE_BY)
        planned = [*self._just_before(s.SCHEDULE, week, WEEKS_OF_PLAN), self.batch(s.SCHEDULE, week)]
        reference = {name: self.feeds[name] for name in s.REFERENCE}
        return build_history(feed, span_of(week, self.last_day), pl.concat(past) if past else None, planned, reference)

    def _just_before(self, feed: s.Feed, week: Week, most: int) -> list[pl.DataFrame]:
        earlier = [(feed.name, week.plus(-number).id) for number in range(most, 0, -1)]
        return [self.clean[key].accepted for key in earlier if key in self.clean]


def _broken(results: list[RuleResult], severity: str) -> tuple[str, ...]:
    return tuple(result.rule for result in results if not result.passed and result.severity == severity)
