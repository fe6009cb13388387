"""Maps a rule over partitions where the settings say: processes of this machine, or Dask through Prefect's task runner.

The only module that imports Dask. What is sent are settings and a partition's name, what comes back are counts and
hashes: the rows stay in the home folder, which every worker sees under the same path. A partition may be done twice,
as a worker that is killed leaves its own to another, so a rule writes whole files and takes those that are there.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.context import EngineContext, TaskRunContext
from prefect.futures import as_completed
from prefect.tasks import exponential_backoff

from infra.errors import PreflightError
from infra.network import LOOPBACK
from infra.processes import P, R, Spread, processes
from infra.revision import alike
from infra.settings import DASK, LOCAL, Settings

if TYPE_CHECKING:
    from prefect_dask import DaskTaskRunner

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 20
RETRIES = 3


class EngineError(PreflightError, RuntimeError):
    """The engine that was chosen cannot do the work."""


@contextmanager
def open_engine(settings: Settings, workers: int | None = None) -> Iterator[Spread]:
    """A `Spread` on the engine of the settings; with Dask, call it inside a flow.

    `workers` is how many processes this machine lends: 1, or on Dask one for each processor; a scheduler that is
    named has workers of its own. Raises EngineError when none of them can do the work.
    """
    if settings.engine == LOCAL:
        with processes(workers or 1) as spread:
            yield spread
        return
    with ExitStack() as stack:
        runner = stack.enter_context(task_runner(settings, workers))
        _require_workers(runner, settings)
        stack.enter_context(_without_arguments())
        yield partial(_spread, runner)


def is_spread(settings: Settings, workers: int | None = None) -> bool:
    """Whether partitions are done beside each other at all: on Dask, or by several processes if asked."""
    return settings.engine != LOCAL or (workers or 1) > 1


def task_runner(settings: Settings, workers: int | None) -> "DaskTaskRunner":
    """Prefect's task runner for Dask: the scheduler that is named, or a cluster of this machine alone, on loopback."""
    from dask.system import CPU_COUNT
    from prefect_dask import DaskTaskRunner

    if settings.engine != DASK:
        return DaskTaskRunner(address=settings.engine, client_kwargs={"timeout": ANSWER_SECONDS})
    cluster = {
        "host": LOOPBACK,
        "n_workers": workers or CPU_COUNT,
        "threads_per_worker": 1,
        "dashboard_address": None,
        "local_directory": str(settings.home / "cache" / "dask"),
    }
    return DaskTaskRunner(cluster_kwargs=cluster)


def worth_another_try(task: object, run: object, state: Any) -> bool:
    """Whether a partition that failed is tried again: a shared disk may hiccup, what we refuse we refuse again."""
    return not isinstance(state.result(raise_on_failure=False), PreflightError)


@task(
    name="partition",
    retries=RETRIES,
    retry_delay_seconds=exponential_backoff(0.5),
    retry_jitter_factor=1,  # workers that failed together do not come back together
    retry_condition_fn=worth_another_try,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def do_partition(rule: Callable[[P], R], partition: P) -> R:
    """Call the rule, wherever this task runs."""
    return rule(partition)


def _spread(runner: "DaskTaskRunner", rule: Callable[[P], R], partitions: Sequence[P]) -> Iterator[tuple[P, R]]:
    from distributed import KilledWorker

    left, losses = list(partitions), 0
    while left:
        partition_of = {_submit(runner, rule, partition): partition for partition in left}
        try:
            for done in as_completed(list(partition_of)):
                result = done.result()
                left.remove(partition_of[done])
                yield partition_of[done], result
        except KilledWorker as error:
            raise EngineError(
                f"workers were killed over one partition again and again; see their logs: {error}"
            ) from error
        except CancelledError as error:  # the connection to the scheduler broke, and Dask forgets what was asked
            losses += 1
            _reconnect(runner, error, losses)
            logger.warning(
                "the connection to the Dask scheduler was lost; %d partitions are asked for again", len(left)
            )
        finally:  # whoever stops listening wants no more
            runner.client.cancel([future.wrapped_future for future in partition_of])


def _reconnect(runner: "DaskTaskRunner", error: CancelledError, losses: int) -> None:
    """Return when workers answer again. Raises EngineError when they do not, or the connection broke too often."""
    try:
        if losses > RETRIES:
            raise error
        runner.client.wait_for_workers(1, timeout=ANSWER_SECONDS)
    except (CancelledError, OSError, ValueError) as gone:  # ValueError: Dask's client has given up
        raise EngineError(
            f"the Dask scheduler went away before the work was done ({error}); "
            "start it, and run the command again: it goes on where it was"
        ) from gone


def _submit(runner: "DaskTaskRunner", rule: Callable[[P], R], partition: P) -> Any:
    words = getattr(rule, "func", rule).__name__, getattr(partition, "id", partition)
    named = do_partition.with_options(task_run_name="-".join(map(str, words)))
    return runner.submit(named, {"rule": rule, "partition": partition})


@contextmanager
def _without_arguments() -> Iterator[None]:
    """Prefect sends the arguments of the flow and the task around it with each task: whole tables, or a callback."""
    with ExitStack() as stack:
        for around in (EngineContext.get(), TaskRunContext.get()):
            if around:
                stack.enter_context(around.model_copy(update={"parameters": {}}))
        yield


def _require_workers(runner: "DaskTaskRunner", settings: Settings) -> None:
    """Raise EngineError when no worker answers, or one would do the work differently."""
    try:
        runner.client.wait_for_workers(1, timeout=ANSWER_SECONDS)
    except OSError as error:  # TimeoutError is one
        raise EngineError(
            f"no Dask worker answered at {settings.engine} within {ANSWER_SECONDS} s; start a scheduler and workers, "
            "see docs/scaling.md, or set PREFLIGHT_ENGINE=local"
        ) from error
    threads, here = runner.client.nthreads(), alike()
    found = runner.client.run(look_around, settings.home)
    problems = [problem for worker in found for problem in find_problems(threads[worker], found[worker], here)]
    if problems:
        raise EngineError(f"not every Dask worker can do the work: {'; '.join(dict.fromkeys(problems))}")


def find_problems(threads: int, found: Mapping[str, object], here: Mapping[str, object]) -> Iterator[str]:
    """A sentence for each reason why what a worker makes would not be what is made here; none: it would be."""
    if threads != 1:
        yield f"expected workers of one thread, got {threads}: start them with --nthreads 1"
    if not found["sees_home"]:
        yield "a worker does not see the home folder: mount it there, under the path that it has here"
    for name, value in here.items():
        if found[name] != value:
            yield f"expected {name} {value}, got {found[name]}: give workers the same release, and start them again"


def look_around(home: Path) -> dict[str, object]:
    """What a worker says of itself."""
    return {"sees_home": home.is_dir(), **alike()}
