"""Takes a tail number out of everything under a home folder: planned first, then done, then noted in the ledger.

The plan is on disk before the first table changes, so a run that was killed goes on where it was. The event log stays
as it was written; the ledger's entry says which of the hashes that were noted became which.
"""

from dataclasses import asdict

from data_checks.deliveries import ERASE
from infra.source import read_delivery
from infra.storage import content_hash
from infra.sweep import erase_word, files_with
from pipelines.backfill import FEATURES
from pipelines.clock import Week
from pipelines.context import ERASURE, Context
from pipelines.delivery import KEPT_FILES
from pipelines.erasing import LEARNED_FROM_FORGOTTEN, stands_in
from pipelines.erasure_plan import ACCEPTED, ErasureRefused, Plan, erased_table, plan_erasure, split_name
from pipelines.landing import settle
from pipelines.model_cards import write_card
from pipelines.snapshot import FOLDER as SNAPSHOTS
from pipelines.snapshot import read_snapshot, write_snapshot
from pipelines.state import prepare_state

TEXTS = ("blocked", "gx", "logs", "report", "validation")
"""Folders of pages and notes that may quote rows. What is signed or written once, records and logs, is left alone."""


def begin(context: Context, tail: str) -> Plan | None:
    """Put the tail number on the list and the plan on disk; None when it was erased and nothing of it came back.

    Raises what `plan_erasure` raises.
    """
    settle(context)
    context.forgotten.add(tail)  # before the plan is made: from here on nothing comes in with it
    plan = plan_erasure(context, tail)
    if context.store.path(ERASURE).exists():
        return plan
    is_known = any(entry["tail_key"] == plan.tail_key for entry in _erasures(context))
    if is_known and plan.is_empty and not _standing(context, tail):
        return None
    context.store.write_json(ERASURE, asdict(plan))
    return plan


def carry_out(context: Context, plan: Plan, tail: str) -> None:
    """Change what the plan says, and every file beside it; done again it changes nothing."""
    for name in sorted(plan.tables, key=lambda table: not table.startswith(FEATURES)):  # the schedule finds them
        _erase_table(context, name, plan.tables[name])
    _rebuild_snapshots(context)
    _drop_delivered_files(context)
    for folder in TEXTS:
        erase_word(context.store.path(folder), tail)
    for version, seen in plan.versions.items():
        context.registry.tag(version, LEARNED_FROM_FORGOTTEN, str(seen))
        if "gate" in context.registry.version_tags(version):
            write_card(context, version)


def finish(context: Context, plan: Plan, tail: str) -> dict:
    """Look through every file for the tail number, then note the erasure in the ledger; returns its entry.

    Raises ErasureRefused naming the files in which it still stands.
    """
    left = _standing(context, tail)
    if left:
        raise ErasureRefused(
            f"expected {tail} in no file under {context.store.home}, found it in {', '.join(left[:5])}"
            f"{f' and {len(left) - 5} more' if left[5:] else ''}; remove it there, then run the same command again"
        )
    noted = [entry for entry in _erasures(context) if entry["number"] > plan.after]
    entry = noted[0] if noted else context.ledger.append(_as_entry(context, plan))
    context.store.path(ERASURE).unlink()
    return entry


def _erasures(context: Context) -> list[dict]:
    return [entry for entry in context.ledger.entries() if entry["action"] == ERASE]


def _standing(context: Context, tail: str) -> list[str]:
    home = context.store.home
    return [str(path.relative_to(home)) for path in files_with(home, tail)]


def _erase_table(context: Context, name: str, hashes: tuple[str, str]) -> None:
    dataset, week = split_name(name)
    rows = context.store.read_table(dataset, week)
    found = content_hash(rows)
    if found == hashes[1]:
        return
    after = erased_table(context, dataset, week, rows, context.forgotten.holds)
    if [found, content_hash(after)] != list(hashes):
        raise ErasureRefused(f"{name} changed while it was erased from; restore it from a copy, then erase again")
    context.store.write_table(dataset, week, after)


def _rebuild_snapshots(context: Context) -> None:
    for path in context.store.files(SNAPSHOTS, "*.npz"):
        week = Week.from_id(path.stem)
        state = read_snapshot(context.store, week)
        if state is None:
            path.unlink()  # nobody could read it either
        elif any(map(context.forgotten.holds, state.keys.tails.texts.tolist())):
            write_snapshot(context.store, week, prepare_state(context.world(week)))


def _drop_delivered_files(context: Context) -> None:
    """Files are kept as they came or not at all; their rows have landed."""
    for path in context.store.files(KEPT_FILES, "*"):
        if stands_in(read_delivery(path)[1], context.forgotten.holds):
            path.unlink()


def _as_entry(context: Context, plan: Plan) -> dict:
    noted = {name: hashes for name, hashes in plan.tables.items() if name.startswith((FEATURES, ACCEPTED))}
    return {
        "action": ERASE,
        "tail_key": plan.tail_key,
        "flights": plan.flights,
        "tables": len(plan.tables),
        "versions": {str(version): seen for version, seen in plan.versions.items()},
        "hashes": {**noted, **plan.source},
        "at_utc": context.clock_shows().isoformat(),
    }
