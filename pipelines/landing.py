"""From rows that arrive to tables of accepted and quarantined ones, on disk; safe to kill and to do again.

Rows are written first and the ledger's entry after them: what has no entry has not landed, and nobody sees it. What
follows from an entry is written from it, and `settle` does that again for the newest one before anything else happens.
"""

from datetime import datetime

import polars as pl

from data_checks import schema as s
from data_checks.deliveries import (
    BATCH,
    ERASE,
    LAND,
    OBJECTION,
    ROW_NUMBER,
    SUPERSEDE,
    DeliveryRefused,
    Period,
    batch_name,
    in_natural_order,
    landed_schema,
    landings,
    place_rows,
    require_correctable,
    superseded_by,
)
from data_checks.quarantine import (
    NAMES,
    STATUS,
    VERDICTS,
    Check,
    Hearing,
    Judgement,
    accepted_rows,
    judge_rows,
    quarantined_rows,
    replace_verdicts,
    require_every_row,
    supersede_open,
    verdicts_of,
    with_verdicts,
)
from data_checks.validation import as_record
from infra.stopwatch import part
from infra.storage import content_hash
from pipelines.clock import Week
from pipelines.context import SWITCH, Context
from pipelines.erasing import without_tails

WORD_WEEKS = 4
"""Words about a flight become known in the week of its day and the three after it: 14 days, and a weekend to arrive."""


def land_batch(
    context: Context, feed: s.Feed, rows: pl.DataFrame, origin: dict, corrects: str | None = None
) -> tuple[dict, bool]:
    """Land rows with the columns of the feed and `objection`; returns the ledger's entry, and whether it is new.

    Raises DeliveryRefused when the batch that it corrects cannot be corrected.
    """
    settle(context)
    rows = in_natural_order(rows, feed)
    batch = batch_name(feed, content_hash(rows))
    before = landings(context.ledger.entries())
    if corrects and superseded_by(context.ledger.entries()).get(corrects) != batch:
        require_correctable(context.ledger.entries(), feed, corrects)
        if corrects == batch:
            raise DeliveryRefused(f"the file holds the very rows of {batch}; mend them, then deliver it again")
        if batch in before:
            _take_the_place(context, before[batch], corrects)
    if batch in before:
        return before[batch], False
    received_at = context.clock_shows()
    kept = without_tails(rows, context.forgotten.holds)  # after its name: the same file is known as the same batch
    named = kept.with_columns(pl.lit(batch).alias(BATCH)).with_row_index(ROW_NUMBER).select(landed_schema(feed).names())
    periods = [Period(week.id, week.start, week.end) for week in context.all_weeks()]
    placed = place_rows(named.cast(dict(landed_schema(feed))), feed, periods, _desk(context))
    for week, arriving in placed.items():
        landed = landed_rows(context, feed, week)
        context.store.write_table(f"landed/{feed.name}", week, pl.concat([landed, arriving]))
    entry = context.ledger.append(
        {
            "action": LAND,
            "batch": batch,
            "feed": feed.name,
            "rows": rows.height,
            "unreadable": int(rows[OBJECTION].is_not_null().sum()),
            "weeks": {week: arriving.height for week, arriving in placed.items()},
            "received_at_utc": received_at.isoformat(),
            "corrects": corrects,
            "origin": origin,
        }
    )
    settle(context)
    return entry, True


def _take_the_place(context: Context, landed: dict, corrected: str) -> None:
    """Let a batch that landed before stand for one that came after it."""
    facts = {name: landed[name] for name in ("batch", "feed")}
    moment = context.clock_shows().isoformat()
    context.ledger.append({"action": SUPERSEDE, **facts, "weeks": {}, "corrects": corrected, "received_at_utc": moment})
    settle(context)


def landed_rows(context: Context, feed: s.Feed, week: str) -> pl.DataFrame:
    """All rows that ever landed for a week, in order of arrival; those of a landing that was killed are not there."""
    if not context.store.has_table(f"landed/{feed.name}", week):
        return landed_schema(feed).to_frame()
    entries = landings(context.ledger.entries())
    batches = pl.Series([batch for batch, entry in entries.items() if week in entry["weeks"]], dtype=pl.String)
    rows = context.store.read_table(f"landed/{feed.name}", week)
    return rows.filter(pl.col(BATCH).is_in(batches.implode()))


def judged_rows(context: Context, feed: s.Feed, week: str) -> pl.DataFrame:
    """The landed rows of a week that were judged, each with its verdict."""
    return with_verdicts(landed_rows(context, feed, week), _verdicts(context, feed, week))


def judge_open_week(context: Context, week: Week, feed: s.Feed) -> Judgement:
    """Verdicts on everything that landed for a week, none of which was judged before. Raises BatchBlocked."""
    landed = landed_rows(context, feed, week.id)
    with part("Great Expectations"):
        return judge_rows(landed, with_verdicts(landed, VERDICTS.to_frame()), hearing(context, week, feed, landed))


def hearing(context: Context, week: Week, feed: s.Feed, rows: pl.DataFrame, late_at: datetime | None = None) -> Hearing:
    """What rows of a week are judged by, now: the same for a week that ends, a late row and a row that is replayed."""
    return Hearing(
        feed=feed,
        moment=late_at or week.end,
        check=_check(context, week, feed, keep_record=late_at is None),
        superseded=superseded_by(context.ledger.entries()),
        words=_words(context, week, feed, rows, late=late_at is not None),
        late_at=late_at,
    )


def keep_verdicts(
    context: Context, feed: s.Feed, week: str, verdicts: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Write verdicts of a week, then the two halves that follow, and return those. Raises RowsLost, naming counts."""
    with part("data"):
        landed = landed_rows(context, feed, week)
        judged = with_verdicts(landed, verdicts)
        accepted, quarantined = accepted_rows(judged, feed), quarantined_rows(judged, feed)
        require_every_row(f"{feed.name} of week {week}", landed.height, accepted.height, quarantined[STATUS])
        for dataset, frame in (("verdicts", verdicts), ("accepted", accepted), ("quarantined", quarantined)):
            _write_if_other(context, f"{dataset}/{feed.name}", week, frame)
        return accepted, quarantined


def require_nothing_lost(context: Context, week: Week) -> None:
    """Raise RowsLost when the tables of a closed week do not add up: landed = accepted + quarantined, feed by feed."""
    for feed in s.FEEDS.values():
        halves = [context.store.read_table(f"{half}/{feed.name}", week.id) for half in ("accepted", "quarantined")]
        landed = landed_rows(context, feed, week.id).height
        require_every_row(f"{feed.name} of week {week.id}", landed, halves[0].height, halves[1][STATUS])


def settle(context: Context) -> None:
    """Finish what the newest entry of the ledger began; done again it changes nothing."""
    entries = [entry for entry in context.ledger.entries() if entry["action"] != SWITCH]  # which is about no rows
    if not entries:
        return
    entry = entries[-1]
    if entry["action"] in (LAND, SUPERSEDE):
        _settle_landing(context, entry)
    elif entry["action"] != ERASE:
        _settle_action(context, entry)


def _settle_landing(context: Context, entry: dict) -> None:
    """Rows for weeks that are closed are judged at once; those for open weeks wait for the week to end."""
    feed, received_at = s.FEEDS[entry["feed"]], datetime.fromisoformat(entry["received_at_utc"])
    corrected = landings(context.ledger.entries()).get(entry["corrects"], {"weeks": {}})
    for identifier in sorted({*entry["weeks"], *corrected["weeks"]}):
        week = Week.from_id(identifier)
        if not context.is_closed(week):
            continue
        verdicts = _verdicts(context, feed, week.id)
        if entry["corrects"]:
            verdicts = supersede_open(verdicts, entry["corrects"], entry["batch"], received_at)
        landed = landed_rows(context, feed, week.id)
        fresh = landed.join(verdicts, on=NAMES, how="anti", maintain_order="left")
        if not fresh.is_empty():
            late = hearing(context, week, feed, fresh, received_at)
            with part("Great Expectations"):
                found = judge_rows(fresh, with_verdicts(landed, verdicts), late)
            verdicts = replace_verdicts(verdicts, found.verdicts)
        keep_verdicts(context, feed, week.id, verdicts)


def _settle_action(context: Context, entry: dict) -> None:
    """Give the rows of a replay or a discard the verdicts that its entry holds."""
    feed = s.FEEDS[entry["feed"]]
    changed = verdicts_of([row["verdict"] for row in entry["rows"]])
    verdicts = replace_verdicts(_verdicts(context, feed, entry["week"]), changed)
    keep_verdicts(context, feed, entry["week"], verdicts)


def _verdicts(context: Context, feed: s.Feed, week: str) -> pl.DataFrame:
    if not context.store.has_table(f"verdicts/{feed.name}", week):
        return VERDICTS.to_frame()
    return context.store.read_table(f"verdicts/{feed.name}", week)


def _write_if_other(context: Context, dataset: str, week: str, frame: pl.DataFrame) -> None:
    store = context.store
    if not store.has_table(dataset, week) or not store.read_table(dataset, week).equals(frame):
        store.write_table(dataset, week, frame)


def _check(context: Context, week: Week, feed: s.Feed, keep_record: bool) -> Check:
    """The contract's rules on rows of a week; what they said of the whole week as it closed is kept for the page."""

    def check(rows: pl.DataFrame) -> list:
        history = context.history(feed, week, _plan_in_force(context, week))
        results = context.validator.check(feed, rows, context.data_days(week), week.id, week.end, history)
        if keep_record:
            record = as_record(week.id, feed, rows.height, results)
            context.store.write_json(f"validation/{feed.name}/{week.id}.json", record)
        return results

    return check


def _plan_in_force(context: Context, week: Week) -> pl.DataFrame:
    """The schedule that landed for a week, without the batches that others took the place of."""
    superseded = pl.Series(list(superseded_by(context.ledger.entries())), dtype=pl.String)
    return landed_rows(context, s.SCHEDULE, week.id).filter(~pl.col(BATCH).is_in(superseded.implode()))


def _desk(context: Context) -> str:
    """Where rows go that belong to no week: to the newest closed week, where they are judged at once."""
    validated = context.journal.weeks("validate")
    return validated[-1] if validated else context.all_weeks()[0].id


def _words(context: Context, week: Week, feed: s.Feed, rows: pl.DataFrame, late: bool) -> pl.DataFrame:
    """What is accepted already about the flights of `rows`, in this week when they are late, and in those around it."""
    nothing = s.OUTCOMES.polars_schema.to_frame()
    if feed is not s.OUTCOMES:
        return nothing
    flights = rows[s.FLIGHT_ID].drop_nulls().unique()
    days = flights.str.slice(0, len("2013-07-01")).str.to_date(strict=False).drop_nulls().unique()
    around = {Week.holding(day).plus(number) for day in days for number in range(WORD_WEEKS)}
    if not late:
        around.discard(week)
    closed = [other for other in context.all_weeks() if other in around and context.is_closed(other)]
    tables = [context.store.read_table(f"accepted/{feed.name}", other.id) for other in closed]
    return pl.concat([nothing, *tables]).filter(pl.col(s.FLIGHT_ID).is_in(flights.implode()))
