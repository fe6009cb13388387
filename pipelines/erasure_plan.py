"""What erasing a tail number will change under a home folder, before anything is changed.

The plan says of every table which hash it has and which it will have: a run that was killed finds either, and goes on.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from data_checks import schema as s
from data_checks.deliveries import landings
from data_checks.feeds import rows_of_week
from data_checks.quarantine import accepted_rows
from infra.errors import PreflightError
from infra.storage import content_hash
from monitoring.labels import known_labels
from pipelines.backfill import FEATURES
from pipelines.clock import Week
from pipelines.context import ERASURE, Context
from pipelines.erasing import (
    LEARNED_FROM_FORGOTTEN,
    PLANES,
    Holds,
    as_of_unknown_aircraft,
    flights_of,
    hash_due,
    without_planes,
    without_quarantined_tails,
    without_tails,
)
from pipelines.landing import judged_rows
from pipelines.protocol import Slices
from pipelines.training import departing

ACCEPTED, LANDED, QUARANTINED = "accepted", "landed", "quarantined"
PLAN = f"{ACCEPTED}/{s.SCHEDULE.name}"
MOMENTS = ("start", "calibration", "cutoff", "end")

Hashes = dict[str, tuple[str, str]]
"""Of tables by name, `<dataset>/<week>`: the hash before and after."""


class ErasureRefused(PreflightError, RuntimeError):  # noqa: N818
    """A home folder is in a state in which erasing would hide something, or did not come to its end."""


@dataclass(frozen=True)
class Plan:
    """What erasing a tail number changes.

    `tables` are to be written; `source` are weeks as the source has them, of which the event log noted hashes.
    `versions` has the tag that each version will carry; `after` is the length that the ledger has now.
    """

    tail_key: str
    flights: int
    tables: Hashes
    source: Hashes
    versions: dict[int, int]
    after: int

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in tables or models to erase."""
        return not (self.tables or self.source or self.versions)


def plan_erasure(context: Context, tail: str) -> Plan:
    """What is to be changed for this tail number to be gone; only reads. One that was begun is the plan.

    Raises ErasureRefused when another one was begun, when a table is not the one that was noted, or while a training
    has not come to its verdict.
    """
    key = context.forgotten.key_of(tail)
    begun = context.store.read_json(ERASURE)
    if begun:
        return _the_one_begun(begun, key)
    _require_no_open_training(context)

    def holds(other: str) -> bool:
        return other.upper() == tail or context.forgotten.holds(other)

    tables = dict(_changing_tables(context, holds))
    _require_as_made(context, tables)
    flights = _flights(context, tables, holds)
    return Plan(
        tail_key=key,
        flights=flights.height,
        tables=tables,
        source=dict(_changing_source(context, holds)),
        versions=dict(_tags(context, flights)),
        after=len(context.ledger.entries()),
    )


def erased_table(context: Context, dataset: str, name: str, rows: pl.DataFrame, holds: Holds) -> pl.DataFrame:
    """What becomes of a table; features of a week are found by its schedule, which has to change after them."""
    if dataset == FEATURES:
        return as_of_unknown_aircraft(rows, flights_of(context.store.read_table(PLAN, name), holds)[s.FLIGHT_ID])
    if name == PLANES:
        return without_planes(rows, holds)
    if dataset.startswith(QUARANTINED):
        return without_quarantined_tails(rows, s.FEEDS[dataset.removeprefix(f"{QUARANTINED}/")], holds)
    return without_tails(rows, holds)


def split_name(table: str) -> tuple[str, str]:
    """Dataset and week of a table's name."""
    dataset, _, week = table.rpartition("/")
    return dataset, week


def _the_one_begun(begun: dict, key: str) -> Plan:
    if begun["tail_key"] != key:
        raise ErasureRefused(
            f"the erasure of another tail number, {begun['tail_key']}, was interrupted; run that one again first"
        )
    return Plan(**{**begun, "versions": {int(version): seen for version, seen in begun["versions"].items()}})


def _require_no_open_training(context: Context) -> None:
    """A version in the making has learned from rows that this erases, and is in no registry to be marked."""
    opened = set(context.journal.weeks("train")) - set(context.journal.weeks("promote"))
    if opened:
        raise ErasureRefused(
            f"the training at the end of week {min(opened)} has no verdict yet; run it to its end first: preflight "
            "replay, or preflight retrain"
        )


def _changing_tables(context: Context, holds: Holds) -> Iterator[tuple[str, tuple[str, str]]]:
    for dataset, week in _datasets(context):
        before = context.store.read_table(dataset, week)
        after = erased_table(context, dataset, week, before, holds)
        if not after.equals(before):
            yield f"{dataset}/{week}", (content_hash(before), content_hash(after))


def _datasets(context: Context) -> Iterator[tuple[str, str]]:
    """Every table in which a tail number, or what was learned from it, may stand."""
    store = context.store
    staged = [f"staged/{folder.name}" for folder in store.files("staged", "*")]
    feeds = [f"{half}/{feed}" for half in (LANDED, QUARANTINED, ACCEPTED) for feed in s.FEEDS]
    for dataset in (FEATURES, *feeds, *staged, "reference"):
        yield from ((dataset, path.stem) for path in store.files(dataset, "*.parquet"))


def _require_as_made(context: Context, tables: Hashes) -> None:
    """What was changed by somebody else before must not become right by being erased from."""
    wrong = [name for name, (before, _) in tables.items() if _due(context, *split_name(name)) not in (None, before)]
    if wrong:
        raise ErasureRefused(f"{', '.join(wrong)} changed after being made; restore them from a copy, then erase")


def _due(context: Context, dataset: str, week: str) -> str | None:
    """The hash that a table must have by the event log, or by the rows and verdicts that it follows from."""
    if dataset == FEATURES and (scored := context.journal.read(week, "score")):
        return hash_due(context.ledger.entries(), f"{dataset}/{week}", scored["features_hash"])
    if dataset.startswith(ACCEPTED):
        feed = s.FEEDS[dataset.removeprefix(f"{ACCEPTED}/")]
        return content_hash(accepted_rows(judged_rows(context, feed, week), feed))
    return None


def _flights(context: Context, tables: Hashes, holds: Holds) -> pl.DataFrame:
    weeks = [week for dataset, week in map(split_name, tables) if dataset == PLAN]
    nothing = s.SCHEDULE.polars_schema.to_frame()
    return pl.concat([nothing, *(flights_of(context.store.read_table(PLAN, week), holds) for week in weeks)])


def _changing_source(context: Context, holds: Holds) -> Iterator[tuple[str, tuple[str, str]]]:
    """The weeks that landed from the source, as it is staged: landing them again compares what comes with that."""
    landed = {entry["origin"].get("week") for entry in landings(context.ledger.entries()).values()} - {None}
    for folder in context.store.files("staged", "*"):
        rows = context.store.read_table(f"staged/{folder.name}", s.SCHEDULE.name)
        for week in map(Week.from_id, sorted(landed)):
            before = rows_of_week(rows.lazy(), s.SCHEDULE, week.start, week.end).collect()
            after = without_tails(before, holds)
            if not after.equals(before):
                yield f"source/{s.SCHEDULE.name}/{week.id}", (content_hash(before), content_hash(after))


def _tags(context: Context, flights: pl.DataFrame) -> Iterator[tuple[int, int]]:
    """Of every version that has seen some of these flights: how many erased ones it has seen by now, in all."""
    if flights.is_empty() or not context.store.path("mlflow").exists():
        return
    for facts in context.registry.versions():
        slices = Slices.from_text({name: facts[name] for name in MOMENTS})
        labels = known_labels(context.accepted(s.OUTCOMES, Week.ending(slices.end)), slices.end)
        seen = departing(flights, slices.start, slices.end).join(labels, on=s.FLIGHT_ID, how="semi").height
        if seen:
            yield facts["version"], seen + int(facts.get(LEARNED_FROM_FORGOTTEN, 0))
