"""`prove engine`: beyond one machine the tables are the same, and a worker that is killed costs time and nothing else.

Scheduler and workers are processes of their own on loopback, started by the commands of a real cluster.
"""

import os
import resource
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter

from infra.dask_cluster import dask_cluster
from infra.orchestrator import prefect_server
from infra.settings import LOCAL, Settings
from infra.storage import Store, make_folder
from pipelines.backfill import accepted_home, first_difference, table_hash
from pipelines.clock import Week
from pipelines.context import open_context
from preflight import show
from preflight.prove import ProofFailed, rows_used

ONE_PROCESS, ONE_WORKER, TWO_WORKERS, ONE_KILLED = WAYS = "local", "one worker", "two workers", "one of two killed"
WORKERS = {ONE_PROCESS: 0, ONE_WORKER: 1, TWO_WORKERS: 2, ONE_KILLED: 2}


def engine(settings: Settings, most: int | None, as_json: bool) -> None:
    """The feature table has the same hash on one and two Dask workers, and when one is killed half-way."""
    context = open_context(settings)
    weeks = context.all_weeks()[:most]
    with tempfile.TemporaryDirectory(prefix="preflight-engine-") as scratch, ExitStack() as stack:
        folder = Path(scratch)
        inputs = accepted_home(context, folder / "home")
        backfill_into = stack.enter_context(_reporting(folder))
        advance = stack.enter_context(show.progress(len(WAYS) * len(weeks), "weeks"))
        found = {way: _measured(partial(_build, way, inputs, folder, weeks, backfill_into, advance)) for way in WAYS}
        hashes = {way: table_hash(Store(folder / _named(way)), weeks) for way in WAYS}
        _require_same(hashes, folder, weeks)
    ways = {way: {"table_sha256": hashes[way], **found[way]} for way in WAYS}
    if not as_json:
        columns = {"built by": "left", "seconds": "right", "CPU seconds": "right", "table": "left"}
        show.table(
            f"{len(weeks)} weeks of features, processes and their imports included",
            columns,
            [_row(way, ways[way]) for way in WAYS],
        )
    outcome = (
        f"engine: {len(weeks)} weeks built by {', '.join(WAYS)} at half, one table hash {hashes[ONE_PROCESS][:12]}, "
        f"on {rows_used(context)}"
    )
    show.finish(outcome, {"weeks": len(weeks), "rows": rows_used(context), "ways": ways}, as_json)


@contextmanager
def _reporting(folder: Path) -> Iterator[Callable]:
    """The flow that builds, on a Prefect server of the proof's own: a proof writes nothing to the home folder."""
    os.environ["PREFECT_HOME"] = str(folder / "prefect")
    make_folder(folder / "prefect")
    with prefect_server(folder) as server:
        from pipelines.features_flow import backfill_into

        with server.ready():
            yield backfill_into


def _build(
    way: str, settings: Settings, folder: Path, weeks: list[Week], backfill_into: Callable, advance: Callable
) -> None:
    """Build the weeks in a folder of the way's own; where that is the way, kill a worker when half are there."""
    there: list[Week] = []

    def tell(week: Week) -> None:
        there.append(week)
        advance(f"{way}: {week.id}")
        if way == ONE_KILLED and len(there) == max(1, len(weeks) // 2):
            cluster.kill(0)

    if way == ONE_PROCESS:
        backfill_into(settings.model_copy(update={"engine": LOCAL}), folder / _named(way), weeks, tell)
        return
    with dask_cluster(folder / "dask" / _named(way), WORKERS[way]) as cluster:
        backfill_into(settings.model_copy(update={"engine": cluster.address}), folder / _named(way), weeks, tell)


def _measured(work: Callable[[], None]) -> dict[str, float]:
    """Seconds on the clock and of processors, those of processes that were started for it and have ended included."""
    began, spent = perf_counter(), _cpu_seconds()
    work()
    return {"seconds": perf_counter() - began, "cpu_seconds": _cpu_seconds() - spent}


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _require_same(hashes: dict[str, str], folder: Path, weeks: list[Week]) -> None:
    other = next((way for way in WAYS if hashes[way] != hashes[ONE_PROCESS]), None)
    if other:
        expected, found = (Store(folder / _named(way)) for way in (ONE_PROCESS, other))
        difference = first_difference(expected, found, weeks)
        said = difference.sentence() if difference else "in no value, but in their hashes"
        raise ProofFailed(f"weeks built by {other} differ from those built local: {said}")


def _row(way: str, found: dict) -> tuple[str, ...]:
    return way, f"{found['seconds']:.1f}", f"{found['cpu_seconds']:.1f}", found["table_sha256"][:12]


def _named(way: str) -> str:
    return way.replace(" ", "-")
