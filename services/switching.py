"""Another champion without a promotion: a rollback, or the end of a canary. Traffic first, then the records."""

from dataclasses import dataclass

from infra.errors import PreflightError
from infra.storage import BusyError, Store
from pipelines.context import SWITCH, Context
from services.current import PLAN
from services.model import CHALLENGER, POINTER, PREVIOUS, Served, point_to, pointed

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


def roll_back(context: Context, reason: str) -> Switched:
    """Let the version before answer again. Raises NothingToGoBackTo."""
    before = pointed(context.store, PREVIOUS)
    if before is None:
        raise NothingToGoBackTo(f"no version before this one is exported under {context.store.home}")
    return switch(context, before, reason)


def switch(context: Context, to: Served, reason: str, wait_seconds: float = WAIT_SECONDS) -> Switched:
    """Let an exported version answer, within a poll of the workers; then move the alias and write it down."""
    with context.store.exclusively(FOLDER, wait_seconds):
        now = pointed(context.store, POINTER)
        hold(context.store, now.version, to.version, reason)
        swap_pointers(context.store, now, to)
        is_recorded = settle(context)
    return Switched(now.version, to.version, is_recorded)


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
