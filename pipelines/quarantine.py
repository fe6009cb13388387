"""What stays out, and what is done about it: list it, look at one row, let rows try again, give rows up.

Every action is an entry of the ledger that holds the new verdicts; tables are written from it, by `settle`.
"""

from dataclasses import dataclass

import polars as pl

from data_checks import schema as s
from data_checks.deliveries import BATCH, landed_schema, landings
from data_checks.quarantine import (
    ACCEPTED,
    CONTRACT,
    DISCARDED,
    JUDGED_AT,
    NAMES,
    OPEN,
    REPLAYED,
    ROW_HASH,
    STATUS,
    VERDICTS,
    SelectionError,
    contract_hash,
    judge_rows,
)
from data_checks.validation import BROKEN_RULES
from infra.stopwatch import part
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.landing import hearing, judged_rows, settle

REPLAY, DISCARD = "replay", "discard"
FEED, WEEK = "feed", "week"
LISTED = (*NAMES, ROW_HASH, BROKEN_RULES, STATUS, JUDGED_AT, CONTRACT)


@dataclass(frozen=True)
class Selection:
    """Which quarantined rows are meant; None means all. `rule` is a part of a rule's name, `row` of a row's hash."""

    feed: str | None = None
    weeks: tuple[str, ...] | None = None
    rule: str | None = None
    status: str | None = None
    row: str | None = None

    def is_everything(self) -> bool:
        """Whether nothing was said at all."""
        return self == Selection()

    def of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Those of the listed rows that are meant."""
        wanted = pl.lit(value=True)
        if self.rule is not None:
            wanted &= pl.col(BROKEN_RULES).str.contains(self.rule, literal=True)
        if self.status is not None:
            wanted &= pl.col(STATUS) == self.status
        if self.row is not None:
            wanted &= pl.col(ROW_HASH).str.starts_with(self.row)
        return rows.filter(wanted)


def quarantined(context: Context, selection: Selection) -> pl.DataFrame:
    """The quarantined rows that are meant, of closed weeks: where each is, its hash, rules, status and moment."""
    found = []
    for name in s.FEEDS:
        for week in context.all_weeks():
            chosen = selection.feed in (None, name) and (selection.weeks is None or week.id in selection.weeks)
            if chosen and context.is_closed(week):
                rows = context.store.read_table(f"quarantined/{name}", week.id).select(LISTED)
                found.append(rows.select(pl.lit(name).alias(FEED), pl.lit(week.id).alias(WEEK), *LISTED))
    nothing = pl.DataFrame(
        schema={FEED: pl.String, WEEK: pl.String, **{name: VERDICTS.get(name, pl.String) for name in LISTED}}
    )
    return selection.of(pl.concat([nothing, *found]))


def count_by_rule(rows: pl.DataFrame) -> pl.DataFrame:
    """How many of the listed rows there are by week, feed, rule and status."""
    return rows.group_by(WEEK, FEED, BROKEN_RULES, STATUS).agg(pl.len().alias("rows")).sort(pl.all())


def find_row(context: Context, prefix: str) -> pl.DataFrame:
    """The quarantined copies of the one row whose hash begins so. Raises SelectionError when it is none, or several."""
    found = quarantined(context, Selection(row=prefix))
    hashes = found[ROW_HASH].unique().sort()
    if found.is_empty():
        raise SelectionError(f"no quarantined row has the hash {prefix}...; see: preflight quarantine list --rows")
    if len(hashes) > 1:
        raise SelectionError(f"{len(hashes)} rows have the hash {prefix}..., one is {hashes[0][:16]}; say more of it")
    return found


def describe_row(context: Context, prefix: str) -> dict:
    """One quarantined row: its values, and of each copy its batch, rules, status, and everything that was done."""
    found = find_row(context, prefix)
    entries = context.ledger.entries()
    copies = [
        {
            **{name: copy[name] for name in (FEED, WEEK)},
            **_as_text(_values(context, copy)),
            "delivery": landings(entries)[copy[BATCH]]["number"],
            "history": _history(entries, copy),
        }
        for copy in found.iter_rows(named=True)
    ]
    return {ROW_HASH: found[ROW_HASH][0], "copies": copies}


def replay_rows(context: Context, selection: Selection) -> list[dict]:
    """Judge the open rows that are meant once more, as late rows are; returns an entry per feed and week that changed.

    Rows that pass take their place, known from now; those that do not stay, with the rules they break today.
    """
    return _act(context, selection, _judge_again)


def discard_rows(context: Context, selection: Selection, reason: str) -> list[dict]:
    """Give up the open rows that are meant, for a reason: they stay where they are, marked. Returns the entries."""

    def give_up(context: Context, feed: s.Feed, week: Week, rows: pl.DataFrame) -> tuple[pl.DataFrame, dict]:
        verdicts = rows.select(VERDICTS.names()).with_columns(
            pl.lit(DISCARDED).alias(STATUS), pl.lit(context.clock_shows(), dtype=s.MOMENT).alias(JUDGED_AT)
        )
        return verdicts, {"action": DISCARD, "reason": reason}

    return _act(context, selection, give_up)


def _act(context: Context, selection: Selection, decide: object) -> list[dict]:
    """One entry per feed and week, each settled before the next: what is released in one week counts in the next."""
    settle(context)
    meant = quarantined(context, selection).filter(pl.col(STATUS) == OPEN)
    entries = []
    for (name, week), rows in meant.partition_by(FEED, WEEK, as_dict=True, maintain_order=True).items():
        feed = s.FEEDS[name]
        before = judged_rows(context, feed, week).join(rows, on=NAMES, how="semi", maintain_order="left")
        verdicts, facts = decide(context, feed, Week.from_id(week), before)
        if verdicts.is_empty():
            continue
        told = {FEED: name, WEEK: week, "at_utc": context.clock_shows().isoformat(), "contract": contract_hash()}
        entries.append(context.ledger.append({**facts, **told, "rows": _changes(rows, verdicts)}))
        settle(context)
    return entries


def _judge_again(context: Context, feed: s.Feed, week: Week, rows: pl.DataFrame) -> tuple[pl.DataFrame, dict]:
    others = judged_rows(context, feed, week.id).join(rows, on=NAMES, how="anti", maintain_order="left")
    landed = rows.select(landed_schema(feed).names())
    with part("Great Expectations"):
        found = judge_rows(landed, others, hearing(context, week, feed, landed, context.clock_shows())).verdicts
    compared = found.join(rows.select(*NAMES, pl.col(BROKEN_RULES).alias("before")), on=NAMES, maintain_order="left")
    changed = compared.filter(pl.col(BROKEN_RULES).ne_missing(pl.col("before")))
    passed = pl.col(STATUS) == ACCEPTED
    verdicts = changed.with_columns(
        pl.when(passed).then("before").otherwise(BROKEN_RULES).alias(BROKEN_RULES),
        pl.when(passed).then(pl.lit(REPLAYED)).otherwise(STATUS).alias(STATUS),
    )
    return verdicts.select(VERDICTS.names()), {"action": REPLAY}


def _changes(rows: pl.DataFrame, verdicts: pl.DataFrame) -> list[dict]:
    """What the ledger keeps of each row: its hash, its rules before and after, its contract before, its new verdict."""
    before = {tuple(row[name] for name in NAMES): row for row in rows.iter_rows(named=True)}
    return [
        {
            ROW_HASH: old[ROW_HASH],
            "rules_before": old[BROKEN_RULES],
            "rules_after": None if verdict[STATUS] == REPLAYED else verdict[BROKEN_RULES],
            "contract_before": old[CONTRACT],
            "verdict": _as_text(verdict),
        }
        for verdict in verdicts.iter_rows(named=True)
        for old in [before[tuple(verdict[name] for name in NAMES)]]
    ]


def _values(context: Context, copy: dict) -> dict:
    rows = context.store.read_table(f"quarantined/{copy[FEED]}", copy[WEEK])
    return rows.filter(*(pl.col(name) == copy[name] for name in NAMES)).drop(ROW_HASH).row(0, named=True)


def _history(entries: list[dict], copy: dict) -> list[dict]:
    """Every entry that changed this copy of the row, oldest first."""
    name = [copy[key] for key in NAMES]
    return [
        {
            "number": entry["number"],
            "action": entry["action"],
            "at_utc": entry["at_utc"],
            "contract": entry["contract"],
            "reason": entry.get("reason"),
            **{key: row[key] for key in ("rules_before", "rules_after", "contract_before")},
        }
        for entry in entries
        if entry["action"] in (REPLAY, DISCARD)
        for row in entry["rows"]
        if [row["verdict"][key] for key in NAMES] == name
    ]


def _as_text(values: dict) -> dict:
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in values.items()}
