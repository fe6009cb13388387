"""From the registry to where workers look: models by role, the week's features, verified before they are pointed to.

The workers never see the registry: whoever runs this needs MLflow, they do not.
"""

from infra.stopwatch import part
from pipelines.clock import Week
from pipelines.context import Context, span_of
from pipelines.snapshot import read_snapshot, write_snapshot
from pipelines.state import prepare_state
from services.model import POINTER, PREVIOUS, Served, export_model


def export_week(context: Context, version: int, week: Week) -> Served:
    """Let workers answer with a version for the departures of a week; the champion before it stays beside it."""
    if read_snapshot(context.store, week) is None:
        write_snapshot(context.store, week, prepare_state(context.world(week)))
    before = [promoted for promoted in context.promoted_versions() if promoted < version]
    with part("MLflow"):
        if before:
            export_version(context, before[-1], week, PREVIOUS)
        return export_version(context, version, week, POINTER)


def export_version(context: Context, version: int, week: Week, pointer: str) -> Served:
    """Point to a version in one role."""
    return export_model(
        context.store,
        context.registry.bundle(version),
        version,
        week.id,
        pointer,
        known_until=span_of(week, context.settings.last_day).due,
        record=context.registry.gate_record(version),
    )
