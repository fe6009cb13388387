"""`prove worker`: a worker is killed with -9 in mid-run: no run stays stuck, no result half, the next makes it whole.

Everything is real and in a folder of its own: a Prefect server, `preflight deploy`, `preflight worker`, a flow run.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from infra.leash import leashed
from infra.local_process import kill_family
from infra.orchestrator import own_server
from infra.settings import Settings
from infra.storage import Store
from pipelines.backfill import FEATURES, build_week, first_difference, keep_as_accepted, table_hash
from pipelines.clock import PeriodError, Week
from pipelines.context import Context, open_context
from preflight import show
from preflight.loop_stage import NOT_INHERITED, wait_for_words
from preflight.prove import ProofFailed, rows_used

DEPLOYMENT, FLOW = "features/features", "features"
START_SECONDS, RUN_SECONDS = 400, 300
MARK_SECONDS = 240
"""Three missed heartbeats of 30 s, and as long again and more for a busy server to notice."""


def worker(settings: Settings, period: str, as_json: bool) -> None:
    """Features of a month through a worker that is killed. Raises ProofFailed."""
    context = open_context(settings)
    weeks = context.weeks(period)
    if len(weeks) < 3:
        raise PeriodError(f"expected a month of at least three weeks, to be killed in the middle of; got {period}")
    context.store.make_folder("prefect")  # Prefect warns at import when it is missing
    tell = (lambda line: None) if as_json else show.tell
    with tempfile.TemporaryDirectory(prefix="preflight-worker-") as scratch, own_server(Path(scratch)) as server:
        home, clean = _prepare(context, weeks, Path(scratch))
        tell(f"features of {len(weeks)} weeks of {period} built alone: {table_hash(clean, weeks)[:12]}")
        server.wait()
        from infra.flow_runs import talking_to

        with talking_to(server.url):
            killed, after, marked = _kill_in_the_middle(home, clean, period, weeks, server.url, tell)
            with _working(home, server.url):
                _until(_run_again(period), "Completed", RUN_SECONDS)
        _require_same(clean, home.store, weeks, weeks)
        found = table_hash(home.store, weeks)
    outcome = (
        f"worker: {killed} processes killed with -9 after {after} of {len(weeks)} weeks, the run marked Crashed after "
        f"{marked:.0f} s; asked again, the same table {found[:12]} as built alone, on {rows_used(context)}"
    )
    document = {"killed": killed, "weeks_before": after, "marked_seconds": marked, "table_sha256": found}
    show.finish(outcome, document, as_json)


def _prepare(context: Context, weeks: list[Week], folder: Path) -> tuple[Context, Store]:
    """A home with accepted rows and no features, and the features of these weeks as built by nobody but us."""
    home, clean = Context(context.settings.model_copy(update={"home": folder / "home"})), Store(folder / "clean")
    keep_as_accepted(context.year(), [week for week in context.all_weeks() if week <= weeks[-1]], home.store)
    for week in weeks:
        build_week(home, clean, week)
    return home, clean


def _kill_in_the_middle(
    home: Context, clean: Store, period: str, weeks: list[Week], url: str, tell: Callable[[str], None]
) -> tuple[int, int, float]:
    """How many processes were killed, after how many weeks, and the seconds until the server said so of the run."""
    with _working(home, url) as process:
        state = _run_again(period)
        deadline = time.monotonic() + RUN_SECONDS
        while not (built := _built(home.store)):
            if time.monotonic() > deadline:
                raise ProofFailed(f"no week was built within {RUN_SECONDS} s; the run says {state()}")
            time.sleep(0.005)
        killed, began = kill_family(process.pid), time.monotonic()
    built = _built(home.store)
    if built == len(weeks):
        raise ProofFailed(f"all {built} weeks were there before the worker could be killed; choose a longer month")
    _require_same(clean, home.store, [week for week in weeks if home.store.has_table(FEATURES, week.id)], weeks)
    tell(f"killed {killed} processes after {built} of {len(weeks)} weeks, each of them whole; the run says {state()}")
    _until(state, "Crashed", MARK_SECONDS)
    seconds = time.monotonic() - began
    tell(f"the run is marked Crashed after {seconds:.0f} s")
    return killed, built, seconds


@contextmanager
def _working(home: Context, url: str) -> Iterator[subprocess.Popen]:
    """`preflight worker` for the length of the block, or until it is killed."""
    chosen = home.settings.model_dump(mode="json", exclude_none=True)
    theirs = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
    ours = {f"PREFLIGHT_{name.upper()}": str(value) for name, value in chosen.items()}
    log = home.settings.home / "logs" / "worker.log"
    environment = {**theirs, **ours, "PREFECT_HOME": str(home.settings.home / "prefect"), "PREFECT_API_URL": url}
    with leashed([sys.executable, "-m", "preflight", "worker"], log, environment) as process:
        wait_for_words(log, "trainings are done in", process, START_SECONDS)
        yield process


def _run_again(period: str) -> Callable[[], str]:
    """Ask for the features of a month; what the server says of that run, whenever it is called."""
    from infra.deployments import ask_for
    from infra.flow_runs import runs_of

    since = datetime.now(UTC)
    run = ask_for(DEPLOYMENT, {"period": period})
    return lambda: next((one.state for one in runs_of(FLOW, since) if one.id == run), "nothing")


def _until(state: Callable[[], str], wanted: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while (found := state()) != wanted:
        if time.monotonic() > deadline or (found in ("Failed", "Crashed") and wanted == "Completed"):
            raise ProofFailed(f"expected the run to be {wanted} within {seconds:.0f} s; it says {found}")
        time.sleep(0.5)


def _built(store: Store) -> int:
    return len(store.files(FEATURES, "*.parquet"))


def _require_same(expected: Store, found: Store, weeks: list[Week], all_weeks: list[Week]) -> None:
    """Raise ProofFailed naming the first value in which the weeks that are there differ."""
    if mismatch := first_difference(expected, found, weeks):
        raise ProofFailed(
            f"{len(weeks)} of {len(all_weeks)} weeks were built through the worker, and differ: {mismatch.sentence()}"
        )
