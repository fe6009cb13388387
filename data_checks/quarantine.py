"""What became of each landed row, and the two halves that follow: every row has one verdict, and none gets lost.

Landed rows never change. A verdict says whether a row is accepted, and where not, why and since when; accepted
and quarantined tables are written from rows and verdicts, and hold nothing of their own.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from data_checks import schema as s
from data_checks.deliveries import BATCH, MARKS, OBJECTION, in_natural_order, row_hashes, rule_of
from data_checks.validation import BROKEN_RULES, BatchBlocked, DataRefused, RuleResult, judge_batch
from data_checks.words import TOO_LATE, TOO_LATE_RULE, number_words

STATUS, JUDGED_AT, CONTRACT, ROW_HASH = "status", "judged_at_utc", "contract", "row_hash"
TAKEN_KNOWN_AT, TAKEN_REVISION = "accepted_known_at_utc", "accepted_revision"
"""What the system takes a row for: known later than it claims (null: as it claims), and as which revision."""

ACCEPTED, OPEN, REPLAYED, DISCARDED, SUPERSEDED = "accepted", "open", "replayed", "discarded", "superseded"
STATUSES = (OPEN, REPLAYED, DISCARDED, SUPERSEDED)
IN_FORCE = (ACCEPTED, REPLAYED)

LANDED_BEFORE = "landed before"
WEEK_CLOSED = "arrived after its week was closed"
TICK = timedelta(microseconds=1)
"""What comes in when the clock shows a moment is known just after it: nothing that was seen then changes."""

VERDICTS = pl.Schema(
    {
        **MARKS,
        STATUS: pl.String,
        BROKEN_RULES: pl.String,
        JUDGED_AT: s.MOMENT,
        CONTRACT: pl.String,
        TAKEN_KNOWN_AT: s.MOMENT,
        TAKEN_REVISION: pl.Int64,
    }
)
NAMES = list(MARKS)

Check = Callable[[pl.DataFrame], list[RuleResult]]


class RowsLost(DataRefused):
    """Landed rows are neither accepted nor quarantined, or are both."""


class SelectionError(DataRefused):
    """No row, or more than one, is what a command was told to look at."""


@dataclass(frozen=True)
class Judgement:
    """A verdict per row, and what the contract's rules said of the rows together."""

    verdicts: pl.DataFrame
    results: list[RuleResult]


@dataclass(frozen=True)
class Hearing:
    """What rows are judged by: `late_at` is the moment at which rows of a closed week came, None while it is open."""

    feed: s.Feed
    moment: datetime
    check: Check
    superseded: dict[str, str]
    words: pl.DataFrame
    late_at: datetime | None = None


def contract_hash() -> str:
    """Twelve hex digits that change when any column, bound or rule of the contract does."""
    return hashlib.sha256(repr(s.FEEDS).encode()).hexdigest()[:12]


def judge_rows(rows: pl.DataFrame, judged: pl.DataFrame, hearing: Hearing) -> Judgement:
    """A verdict for each of the landed `rows`, beside those of the same week that were `judged` before.

    Raises BatchBlocked while the week is open; rows that come late are quarantined with what blocked them.
    """
    feed = hearing.feed
    marked = _mark_at_the_door(rows, judged, hearing)
    stopped = marked.filter(pl.col(BROKEN_RULES).is_not_null())
    fit = in_natural_order(marked.filter(pl.col(BROKEN_RULES).is_null()).drop(BROKEN_RULES), feed)
    numbered = _with_revisions(fit, hearing)
    late_words = numbered.filter(TOO_LATE).with_columns(pl.lit(TOO_LATE_RULE).alias(BROKEN_RULES))
    candidates = numbered.filter(~pl.col(TOO_LATE))
    outcome, results = _check_contract(candidates, judged, hearing)
    found = pl.concat([stopped, late_words, outcome], how="diagonal")
    return Judgement(_verdicts(found, hearing), results)


def supersede_open(verdicts: pl.DataFrame, old: str, new: str, moment: datetime) -> pl.DataFrame:
    """The verdicts after batch `new` took the place of `old`: rows of it that still wait in quarantine are settled."""
    waiting = (pl.col(BATCH) == old) & (pl.col(STATUS) == OPEN)
    return verdicts.with_columns(
        pl.when(waiting).then(pl.lit(superseded_rule(new))).otherwise(BROKEN_RULES).alias(BROKEN_RULES),
        pl.when(waiting).then(pl.lit(moment, dtype=s.MOMENT)).otherwise(JUDGED_AT).alias(JUDGED_AT),
        pl.when(waiting).then(pl.lit(SUPERSEDED)).otherwise(STATUS).alias(STATUS),
    )


def replace_verdicts(verdicts: pl.DataFrame, changed: pl.DataFrame) -> pl.DataFrame:
    """The verdicts with those of the `changed` rows in place of the old ones."""
    return pl.concat([verdicts.join(changed, on=NAMES, how="anti"), changed]).sort(NAMES)


def verdicts_of(documents: list[dict]) -> pl.DataFrame:
    """Verdicts from a JSON document, where moments are text."""
    moments = [name for name, dtype in VERDICTS.items() if dtype == s.MOMENT]
    read = pl.DataFrame(documents, schema={**VERDICTS, **dict.fromkeys(moments, pl.String)})
    return read.with_columns(pl.col(moments).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%z", time_unit="us"))


def superseded_rule(new: str) -> str:
    """The rule under which rows of a batch that was corrected are kept."""
    return f"superseded by {new}"


def with_verdicts(landed: pl.DataFrame, verdicts: pl.DataFrame) -> pl.DataFrame:
    """Landed rows that were judged, each with its verdict, in order of arrival."""
    return landed.join(verdicts, on=NAMES, maintain_order="left")


def accepted_rows(judged: pl.DataFrame, feed: s.Feed, as_claimed: bool = False) -> pl.DataFrame:
    """The accepted half in natural order, as the system takes the rows, or `as_claimed` by whoever sent them."""
    known_at = pl.col(s.KNOWN_AT) if as_claimed else pl.coalesce(TAKEN_KNOWN_AT, s.KNOWN_AT)
    taken = {s.KNOWN_AT: known_at, s.REVISION: pl.col(TAKEN_REVISION)}
    columns = [taken.get(name, pl.col(name)).alias(name) for name in feed.polars_schema]
    return in_natural_order(judged.filter(pl.col(STATUS).is_in(IN_FORCE)).select(columns), feed)


def quarantined_rows(judged: pl.DataFrame, feed: s.Feed) -> pl.DataFrame:
    """The other half, with what names each row, its hash, the rules it broke, its status, and since when.

    Rows that were replayed are listed too, as history: they stand in the accepted half.
    """
    rows = judged.filter(pl.col(STATUS) != ACCEPTED).sort(feed.week_of, *NAMES, nulls_last=True)
    return rows.select(
        *feed.polars_schema, OBJECTION, *NAMES, row_hashes(rows, feed), BROKEN_RULES, STATUS, JUDGED_AT, CONTRACT
    )


def require_every_row(name: str, landed: int, accepted: int, statuses: pl.Series) -> None:
    """Raise RowsLost when accepted and quarantined rows do not add up to those that landed."""
    quarantined = int((statuses != REPLAYED).sum())
    if landed != accepted + quarantined:
        raise RowsLost(
            f"{name}: {landed} rows landed, {accepted} are accepted and {quarantined} quarantined; "
            "restore the home folder from a copy, or set PREFLIGHT_HOME to a fresh one"
        )


def _mark_at_the_door(rows: pl.DataFrame, judged: pl.DataFrame, hearing: Hearing) -> pl.DataFrame:
    """The rows with the rule that keeps them from being checked at all, null where none does."""
    newer = {old: superseded_rule(new) for old, new in hearing.superseded.items()}
    by_batch = pl.col(BATCH).replace_strict(newer, default=None, return_dtype=pl.String) if newer else pl.lit(None)
    marked = rows.with_columns(pl.coalesce(by_batch.cast(pl.String), rule_of(pl.col(OBJECTION))).alias(BROKEN_RULES))
    content = list(hearing.feed.polars_schema)
    standing = judged.filter(pl.col(STATUS) != SUPERSEDED, pl.col(OBJECTION).is_null()).select(content)
    fit = marked.filter(pl.col(BROKEN_RULES).is_null()).select(*content, *NAMES)
    seen = pl.concat([standing, fit], how="diagonal").filter(~pl.struct(content).is_first_distinct())
    repeats = seen.filter(pl.col(BATCH).is_not_null()).select(*NAMES, pl.lit(LANDED_BEFORE).alias("repeat"))
    found = marked.join(repeats, on=NAMES, how="left", maintain_order="left")
    return found.with_columns(pl.coalesce(BROKEN_RULES, "repeat").alias(BROKEN_RULES)).drop("repeat")


def _with_revisions(rows: pl.DataFrame, hearing: Hearing) -> pl.DataFrame:
    if s.REVISION not in hearing.feed.polars_schema:
        return rows.with_columns(
            pl.lit(None, dtype=pl.Int64).alias(TAKEN_REVISION), pl.lit(value=False).alias(TOO_LATE)
        )
    numbered = number_words(rows, hearing.words)
    return rows.with_columns(numbered[s.REVISION].alias(TAKEN_REVISION), numbered[TOO_LATE])


def _check_contract(
    rows: pl.DataFrame, judged: pl.DataFrame, hearing: Hearing
) -> tuple[pl.DataFrame, list[RuleResult]]:
    """The rows with the rules of the contract they broke, checked together with what the week has accepted."""
    feed = hearing.feed
    late = hearing.late_at is not None
    if late and rows.is_empty():
        return rows.with_columns(pl.lit(None, dtype=pl.String).alias(BROKEN_RULES)), []
    columns = list(feed.polars_schema)
    asked = rows.with_columns(pl.col(TAKEN_REVISION).alias(s.REVISION)) if s.REVISION in columns else rows
    beside = accepted_rows(judged, feed, as_claimed=True)
    together = pl.concat([beside, asked.select(*columns, *NAMES)], how="diagonal")
    results = hearing.check(together.select(columns))
    try:
        broken = judge_batch(together, feed, results).quarantined.select(*NAMES, BROKEN_RULES)
    except BatchBlocked as error:
        if not late:
            raise
        broken = rows.select(*NAMES, pl.lit(str(error)).alias(BROKEN_RULES))
    found = rows.join(broken, on=NAMES, how="left", maintain_order="left")
    if late and feed.week_of != s.KNOWN_AT:
        found = found.with_columns(pl.col(BROKEN_RULES).fill_null(WEEK_CLOSED))
    return found, results


def _verdicts(found: pl.DataFrame, hearing: Hearing) -> pl.DataFrame:
    known_at = pl.lit(None, dtype=s.MOMENT)
    if hearing.late_at is not None:
        came = pl.lit(hearing.late_at + TICK, dtype=s.MOMENT)
        known_at = pl.when(came > pl.col(s.KNOWN_AT)).then(came)
    superseded = pl.col(BATCH).is_in(pl.Series(list(hearing.superseded), dtype=pl.String).implode())
    status = (
        pl.when(pl.col(BROKEN_RULES).is_null())
        .then(pl.lit(ACCEPTED))
        .when(superseded)
        .then(pl.lit(SUPERSEDED))
        .otherwise(pl.lit(OPEN))
    )
    return (
        found.select(
            *NAMES,
            status.alias(STATUS),
            BROKEN_RULES,
            pl.lit(hearing.moment, dtype=s.MOMENT).alias(JUDGED_AT),
            pl.lit(contract_hash()).alias(CONTRACT),
            known_at.alias(TAKEN_KNOWN_AT),
            pl.col(TAKEN_REVISION),
        )
        .cast(dict(VERDICTS))
        .sort(NAMES)
    )
