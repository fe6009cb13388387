"""Another champion without a promotion: a rollback, or the end of a canary. Traffic first, then the records."""

from dataclasses import dataclass

from infra.errors import PreflightError
from infra.records import require_let_in
from infra.storage import BusyError, Store
from pipelines.clock import Week
from pipelines.context import SWITCH, Context
from services.current import PLAN
from services.model import CHALLENGER, POINTER, PREVIOUS, Served, exported_record, point_to, pointed

FOLDER = "serving"
HELD = "serving/held.json"
"""A version that workers were taken off while the registry still calls it champion, so that nobody puts it back."""
WAIT_SECONDS = 30


class NothingToGoBackTo(PreflightError, LookupError):  # noqa: N818
    """There is no exported version beside the one that answers."""


@dataclass(frozen=True)
class Switched:
    """From which version to which, and whether registry and ledger say so already."""

    version_before: int
    version: int
    is_recorded: bool

    def sentence(self) -> str:
        """The outcome in words."""
        said = f"version {self.version} answers in the place of version {self.version_before}"
        if self.is_recorded:
            return said
        return f"{said}; another process holds the home folder, so the registry follows when it is free"


def roll_back(context: Context, reason: str, to: int | None = None) -> Switched:
    """Let the version before answer again, or the version `to`.

    Raises NothingToGoBackTo, also where going back would be going forth again: repeated, the command changes nothing.
    """
    before = pointed(context.store, PREVIOUS)
    if to is not None and (before is None or before.version != to):
        from services.exporting import export_version  # needs the registry, for which a rollback does not wait

        week = context.journal.weeks("score")[-1]
        before = export_version(context, to, Week.from_id(week), PREVIOUS)
    if before is None:
        raise NothingToGoBackTo(f"no version before this one is exported under {context.store.home}")
    left = [entry["from"] for entry in context.ledger.entries() if entry["action"] == SWITCH][-1:]
    if to is None and before.version in left:
        raise NothingToGoBackTo(
            f"version {before.version} is the one that was switched away from last; to let it answer again, "
            f"run: preflight rollback --to {before.version}"
        )
    return switch(context, before, reason)


def switch(context: Context, to: Served, reason: str, wait_seconds: float = WAIT_SECONDS) -> Switched:
    """Let an exported version answer, within a poll of the workers; then move the alias and write it down.

    Raises PromotionRefused for a version that the gate did not let in.
    """
    with context.store.exclusively(FOLDER, wait_seconds):
        return switch_held(context, to, reason)


def switch_held(context: Context, to: Served, reason: str) -> Switched:
    """As `switch`; the caller holds the serving folder."""
    record = exported_record(context.store, to.version) or context.registry.gate_record(to.version)
    require_let_in(record, to.version)
    served = readable(context.store, POINTER)
    left = served.version if served else context.answering_version() or to.version  # nothing was served here yet
    hold(context.store, left, to.version, reason)
    swap_pointers(context.store, served or to, to)
    return Switched(left, to.version, settle(context))


def readable(store: Store, pointer: str) -> Served | None:
    """What a pointer says, None also where it cannot be read."""
    try:
        return pointed(store, pointer)
    except PreflightError:
        return None


def swap_pointers(store: Store, now: Served, to: Served) -> None:
    """Point workers to `to` and keep `now` to go back to; nobody is on trial any more."""
    store.remove(PLAN)
    if now.version != to.version:
        point_to(store, now, PREVIOUS)
    point_to(store, Served(to.version, to.sha256, now.week, now.known_until, to.probe), POINTER)
    store.remove(CHALLENGER)


def hold(store: Store, version: int, to: int, reason: str) -> None:
    """Say that workers are off a version, before the registry does."""
    store.write_json(HELD, {"from": version, "to": to, "reason": reason})


def settle(context: Context) -> bool:
    """Carry a switch that the workers know of into ledger and registry; safe to repeat. Whether it is carried out.

    The caller holds the serving folder. When another process holds the home folder, it is done another time.
    """
    held = context.store.read_json(HELD)
    if held is None:
        return True
    try:
        with context.store.exclusively():
            if context.answering_version() != held["to"]:
                promotions = len(context.promoted_versions())
                context.ledger.append({"action": SWITCH, "promotions": promotions, **held})
            context.registry.switch(held["to"])
    except BusyError:
        return False
    context.store.remove(HELD)
    return True
