"""`workspace` and `evidently`: monitored weeks in Evidently's own dashboards, and the server that shows them."""

import signal
import threading

from infra.evidently_process import running_evidently
from infra.settings import Settings
from pipelines.context import open_context
from preflight import show


def fill(settings: Settings, period: str | None, as_json: bool) -> None:
    """Add the monitored weeks that are not there yet; a bar tells which."""
    from pipelines import workspace_weeks

    context = open_context(settings)
    with context.store.exclusively(workspace_weeks.FOLDER):
        weeks = workspace_weeks.weeks_to_add(context, period)
        with show.progress(len(weeks), "weeks") as done:
            for week in workspace_weeks.fill_workspace(context, weeks):
                done(f"week of {week.id}")
    folder = workspace_weeks.workspace_folder(context)
    outcome = f"added {len(weeks)} weeks to {folder}; open it with: preflight evidently"
    show.finish(outcome, {"added": [week.id for week in weeks], "workspace": str(folder)}, as_json)


def open_pages(settings: Settings, port: int) -> None:
    """Serve the workspace until interrupted."""
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    with running_evidently(settings.home, port) as server:
        show.tell(f"Evidently answers at {server.address}; Ctrl-C ends it")
        while not over.wait(1):
            server.require_alive()
    show.finish("Evidently has stopped", {}, as_json=False)
