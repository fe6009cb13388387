"""The rooms a flow works in: settings, store, journal, and, opened only when asked for, registry and validator."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import polars as pl

from data_checks import schema as s
from data_checks.feeds import split_feeds
from data_checks.history import History, Span, build_history
from infra.errors import PreflightError
from infra.forgotten import Forgotten
from infra.journal import Journal
from infra.ledger import Ledger
from infra.settings import Settings, load_settings
from infra.source import Source, open_source
from infra.stopwatch import part
from infra.storage import MissingTable, Store
from pipelines.clock import PeriodError, Week, days_within, midnight, parse_period, weeks_between
from pipelines.erasing import without_erased
from pipelines.state import World

if TYPE_CHECKING:
    from data_checks.suites import Validator
    from infra.registry import Registry


HISTORY = "history.json"
SWITCH = "switch"
"""What the ledger calls it when another version was made champion without a promotion: a rollback, a canary's end."""
ERASURE = "privacy/erasure.json"
"""What an erasure that is going on changes; gone when it is done."""
WEEKS_TO_JUDGE_BY = 6
"""Accepted weeks that a batch is judged against: enough to know what a weekday usually brings."""
WEEKS_OF_PLAN = 3
"""Weeks whose flights an outcome may be about: one that lands late may be two weeks old."""
FREE_SETTINGS = (
    *("home", "source", "port", "pseudonym_key", "engine"),
    *("workers", "max_in_flight", "drain_seconds", "canary", "predictions_url"),
    *("log_segment_mb", "log_backlog_mb", "remembered_requests", "evidently_reports"),
)
"""Settings that may change during a life; what a source contains is checked row by row when it lands."""


class OtherHistory(PreflightError, ValueError):  # noqa: N818
    """A home folder holds a life that was lived with other settings."""


class ErasureUnfinished(PreflightError, RuntimeError):  # noqa: N818
    """A command would write beside tables of which some are erased and some are not yet."""


class LostRegistry(PreflightError, RuntimeError):  # noqa: N818
    """Registry and event log tell different histories."""


class Context:
    """Everything of one home folder. Heavy tools are imported when they are first needed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store(settings.home)
        self.journal = Journal(self.store)
        self.ledger = Ledger(self.store)
        self.forgotten = Forgotten(settings.home, settings.pseudonym_key)

    @cached_property
    def registry(self) -> Registry:
        """The MLflow registry."""
        with part("imports"):
            from infra.registry import Registry
        return Registry(self.settings.home / "mlflow")

    @cached_property
    def source(self) -> Source:
        """The five source files, hashed and not yet parsed."""
        return open_source(self.settings.source, s.SOURCE_COLUMNS)

    def feeds_of_source(self) -> dict[str, pl.DataFrame]:
        """Feeds and reference tables by name, as the source has them but for what was erased here."""
        return without_erased(split_feeds(self.source.tables(s.SOURCE_COLUMNS)), self.forgotten.holds)

    def claim_history(self) -> None:
        """Bind the home folder to the settings that shape its history.

        Raises OtherHistory when it has others, ErasureUnfinished while a tail number is half erased.
        """
        if self.store.read_json(ERASURE):
            raise ErasureUnfinished(
                f"a tail number was begun to be erased under {self.settings.home}, and the command was interrupted; "
                "run it again first: preflight forget TAIL"
            )
        ours = self.settings.model_dump(mode="json", exclude=set(FREE_SETTINGS))
        theirs = self.store.read_json(HISTORY)
        if theirs is None:
            self.store.write_json(HISTORY, ours)
        elif theirs != ours:
            changed = ", ".join(
                f"PREFLIGHT_{name.upper()} {theirs.get(name)} (now {value})"
                for name, value in ours.items()
                if theirs.get(name) != value
            )
            raise OtherHistory(
                f"{self.settings.home} holds a life with {changed}; "
                "set it back, or set PREFLIGHT_HOME to a fresh folder for another life"
            )

    def as_lived(self) -> Context:
        """The context with the settings that this home was lived with, whatever the environment says now."""
        lived = self.store.read_json(HISTORY) or {}
        known = {name: value for name, value in lived.items() if name in Settings.model_fields}
        return Context(self.settings.model_copy(update=Settings(**known).model_dump(include=set(known))))

    def check_source(self) -> None:
        """Raise SourceError now rather than in a flow when the source files are not what the contract expects."""
        if not self.is_staged():
            self.source.tables(s.SOURCE_COLUMNS)

    def is_staged(self) -> bool:
        """Whether the feeds of this very source were split already."""
        return all(self.store.has_table(self.staged_source(), name) for name in (*s.FEEDS, *s.REFERENCE))

    def staged_source(self) -> str:
        """The dataset that the feeds of this source are staged in, named by its content."""
        return f"staged/{self.source.digest[:12]}"

    @cached_property
    def validator(self) -> Validator:
        """The Great Expectations context with a suite per feed."""
        with part("imports"):
            from data_checks.suites import Validator
        return Validator(self.settings.home)

    def weeks(self, period: str) -> list[Week]:
        """The weeks a user means by a month or day. Raises PeriodError."""
        return parse_period(period, self.settings.first_day, self.settings.last_day)

    def first_weeks(self) -> list[Week]:
        """The weeks before the first scored one: the first champion learns from them."""
        first = Week.holding(self.settings.first_scored_week)
        return [week for week in self.all_weeks() if week < first]

    def scored_weeks(self, period: str | None = None) -> list[Week]:
        """The weeks whose flights are scored, in order: of the year, or of a month or day. Raises PeriodError."""
        first = Week.holding(self.settings.first_scored_week)
        weeks = [week for week in (self.weeks(period) if period else self.all_weeks()) if week >= first]
        if not weeks:
            raise PeriodError(f"no week of {period} is scored: the weeks before {first.id} are learned from")
        return weeks

    def all_weeks(self) -> list[Week]:
        """Every week with a day of data, in order."""
        return weeks_between(self.settings.first_day, self.settings.last_day)

    def is_closed(self, week: Week) -> bool:
        """Whether the week was validated: what it accepted has been learned from, and stays."""
        return self.journal.read(week.id, "validate") is not None

    def clock_shows(self) -> datetime:
        """The moment on the system's own clock: the end of the newest validated week, or the start of the data."""
        validated = self.journal.weeks("validate")
        return Week.from_id(validated[-1]).end if validated else midnight(self.settings.first_day)

    def data_days(self, week: Week) -> int:
        """How many days of the week lie in the data, 1 to 7."""
        return days_within(week, self.settings.first_day, self.settings.last_day)

    def promoted_versions(self) -> list[int]:
        """Every version that became champion, oldest first, as the event log has it."""
        return [event["champion"] for event in self.journal.events("promote") if event["promoted"]]

    def answering_version(self) -> int | None:
        """The version that answers now as it was recorded: the last promoted, or what was switched to since."""
        promoted = self.promoted_versions()
        switched = [entry for entry in self.ledger.entries() if entry.get("action") == SWITCH]
        if switched and switched[-1]["promotions"] == len(promoted):
            return switched[-1]["to"]
        return promoted[-1] if promoted else None

    def champion(self) -> int | None:
        """The version that answers now, None before the first. Raises LostRegistry when it is not the one recorded."""
        with part("MLflow"):
            pointed = self.registry.aliases().get("champion")
        answers = self.answering_version()
        if pointed != answers:
            raise LostRegistry(
                f"the registry says that version {pointed} is champion, the event log says version {answers}; "
                f"restore {self.settings.home / 'mlflow'}, or set PREFLIGHT_HOME to a fresh folder"
            )
        return pointed

    def accepted(self, feed: s.Feed, until: Week, weeks: int | None = None) -> pl.DataFrame:
        """Accepted rows of a feed of the `weeks` up to and with `until`, all of them when None.

        Raises MissingTable when one of those weeks was never validated: a gap would change features and labels.
        """
        chosen = [week for week in self.all_weeks() if week <= until][-weeks if weeks else 0 :]
        missing = [week.id for week in chosen if not self.is_closed(week)]
        if missing:
            raise MissingTable(
                f"{feed.name} of {len(missing)} of the {len(chosen)} weeks up to {until.id} is not there yet, "
                f"the first is {missing[0]}; run: preflight ingest {missing[0]}, then preflight validate {missing[0]}"
            )
        return self.store.read_weeks(f"accepted/{feed.name}", [week.id for week in chosen])

    def world(self, week: Week) -> World:
        """What features of a week's flights may look at: the planes, and the feeds of as many weeks as are set."""
        feeds = {feed.name: self.accepted(feed, week, self.history_weeks) for feed in s.FEEDS.values()}
        return World(**feeds, planes=self.store.read_table("reference", "planes"))

    @property
    def history_weeks(self) -> int:
        """How many weeks of feeds a week's features may look at, its own among them."""
        return math.ceil(self.settings.history_days / 7) + 1

    def has_accepted_year(self) -> bool:
        """Whether every week was validated, so that `year` is of accepted rows."""
        return all(map(self.is_closed, self.all_weeks()))

    def year(self) -> World:
        """The feeds of all weeks: the accepted rows, or as the source has them where a week was never validated."""
        if not self.has_accepted_year():
            feeds = self.feeds_of_source()
            return World(**{name: feeds[name] for name in s.FEEDS}, planes=feeds["planes"])
        last = self.all_weeks()[-1]
        feeds = {feed.name: self.accepted(feed, last) for feed in s.FEEDS.values()}
        return World(**feeds, planes=self.store.read_table("reference", "planes"))

    def history(self, feed: s.Feed, week: Week, plan: pl.DataFrame) -> History:
        """What a week's batch of a feed is judged against: the accepted weeks just before it, up to a gap.

        `plan` is the schedule of the week itself.
        """
        past = self._just_before(feed, week, WEEKS_TO_JUDGE_BY)
        planned = [*self._just_before(s.SCHEDULE, week, WEEKS_OF_PLAN), plan]
        return build_history(
            feed,
            span_of(week, self.settings.last_day),
            pl.concat(past) if past else None,
            planned,
            {name: self.store.read_table("reference", name) for name in s.REFERENCE},
        )

    def _just_before(self, feed: s.Feed, week: Week, most: int) -> list[pl.DataFrame]:
        found = []
        for number in range(1, most + 1):
            earlier = week.plus(-number)
            if not self.is_closed(earlier):
                break
            found.insert(0, self.store.read_table(f"accepted/{feed.name}", earlier.id))
        return found

    def require(self, dataset: str, week: Week, command: str) -> pl.DataFrame:
        """A table that an earlier command makes. Raises MissingTable naming that command."""
        try:
            return self.store.read_table(dataset, week.id)
        except MissingTable as error:
            raise MissingTable(f"{dataset} of week {week.id} is not there yet; run: {command}") from error


def span_of(week: Week, last_day: date) -> Span:
    """The span in which rows of a week are due: its own, or what the data has of it."""
    return Span(week.start, week.end, min(week.end, midnight(last_day + timedelta(days=1))))


@lru_cache(maxsize=8)
def open_context(settings: Settings | None = None) -> Context:
    """The context of these settings, or of the environment's; the same settings give the same object."""
    return Context(settings or load_settings())
