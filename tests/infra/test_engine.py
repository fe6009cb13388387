"""Where partitions are done is a setting; a cluster that would do them differently is refused, with what to mend."""

from concurrent.futures import CancelledError
from pathlib import Path
from types import SimpleNamespace

import pytest

from infra import engine
from infra.dask_cluster import dask_cluster
from infra.engine import EngineError, find_problems, is_spread, look_around, open_engine, worth_another_try
from infra.network import free_port
from infra.revision import alike
from infra.settings import FREE, Settings, SettingsError, load_settings


class State:
    """A state of Prefect's with the exception that a task ended with."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def result(self, raise_on_failure: bool) -> Exception:
        return self.error


def double(number: int) -> int:
    return 2 * number


@pytest.mark.parametrize("name", ["local", "dask", "tcp://127.0.0.1:8786", "tcp://dask-scheduler:8786"])
def test_an_engine_is_a_word_or_the_address_of_a_scheduler(name):
    assert Settings(engine=name).engine == name


@pytest.mark.parametrize("name", ["", "Dask", "ray", "tcp://host", "tcp://:8786", "http://host:8786", "tcp://a:1\n"])
def test_any_other_engine_is_refused_with_the_field_and_what_is_expected(name):
    with pytest.raises(SettingsError, match="PREFLIGHT_ENGINE: expected local, dask or the address of a Dask sched"):
        load_settings(engine=name)


def test_another_engine_is_the_same_history():
    assert "engine" in FREE


def test_partitions_are_spread_on_dask_or_where_several_processes_are_asked_for():
    here, dask = Settings(), Settings(engine="dask")

    assert [is_spread(here), is_spread(here, 1), is_spread(here, 2), is_spread(dask)] == [False, False, True, True]


def test_the_local_engine_needs_no_flow_and_no_dask():
    with open_engine(Settings(), workers=2) as spread:
        assert dict(spread(double, [1, 2, 3])) == {1: 2, 2: 4, 3: 6}


def test_what_we_refuse_is_not_tried_again_and_what_may_pass_is():
    assert not worth_another_try(None, None, State(EngineError("no")))
    assert worth_another_try(None, None, State(OSError("stale file handle")))


def test_a_worker_like_this_process_has_no_problem(tmp_path):
    assert list(find_problems(1, look_around(tmp_path), alike())) == []


@pytest.mark.parametrize(
    ("threads", "other", "words"),
    [
        (4, {}, "expected workers of one thread, got 4: start them with --nthreads 1"),
        (1, {"sees_home": False}, "does not see the home folder: mount it there, under the path"),
        (1, {"polars": "0.1"}, r"expected polars [\d.]+, got 0.1: give workers the same release"),
        (1, {"sources": "0"}, "expected sources [0-9a-f]+, got 0: give workers the same release, and start them again"),
    ],
)
def test_a_worker_that_would_do_it_differently_is_named_with_the_remedy(tmp_path, threads, other, words):
    (problem,) = find_problems(threads, look_around(tmp_path) | other, alike())

    with pytest.raises(EngineError, match=words):
        raise EngineError(problem)


class Flaky:
    """Stands for the task runner and its client: the connection breaks over the second task, so many times."""

    def __init__(self, breaks: int) -> None:
        self.breaks, self.asked, self.client = breaks, [], self
        self.cancel = self.wait_for_workers = lambda *_, **__: None

    def submit(self, runner: object, rule: object, partition: int) -> SimpleNamespace:
        self.asked.append(partition)

        def result() -> int:
            if partition == 2 and self.breaks:
                self.breaks -= 1
                raise CancelledError("scheduler-connection-lost")
            return rule(partition)

        return Task(result=result, wrapped_future=None)


class Task(SimpleNamespace):
    """A future, told from others by being itself."""

    __hash__ = object.__hash__


@pytest.fixture
def flaky(monkeypatch):
    """A task runner whose connection breaks so many times."""

    def made(breaks: int) -> Flaky:
        runner = Flaky(breaks)
        monkeypatch.setattr(engine, "_submit", runner.submit)
        monkeypatch.setattr(engine, "as_completed", lambda futures: futures)
        return runner

    return made


def test_a_connection_that_breaks_costs_time_and_nothing_else(flaky):
    runner = flaky(breaks=engine.RETRIES)

    assert list(engine._spread(runner, double, [1, 2, 3])) == [(1, 2), (2, 4), (3, 6)]
    assert runner.asked == [1, 2, 3, *[2, 3] * engine.RETRIES]


def test_a_connection_that_breaks_for_ever_is_refused_and_the_command_may_be_run_again(flaky):
    with pytest.raises(
        EngineError, match=r"went away .*connection-lost.* run the command again: it goes on where it was"
    ):
        list(engine._spread(flaky(breaks=engine.RETRIES + 1), double, [1, 2, 3]))


def test_a_scheduler_that_does_not_answer_is_refused_with_what_to_do(monkeypatch):
    monkeypatch.setattr(engine, "ANSWER_SECONDS", 1)
    nobody = f"tcp://127.0.0.1:{free_port()}"

    with (
        pytest.raises(EngineError, match=f"no Dask worker answered at {nobody} .* set PREFLIGHT_ENGINE=local"),
        open_engine(Settings(engine=nobody)),
    ):
        pass


def test_a_home_that_workers_do_not_see_is_refused_before_anything_is_done(tmp_path):
    with (
        dask_cluster(tmp_path / "dask", 1) as cluster,
        pytest.raises(EngineError, match="does not see the home"),
        open_engine(Settings(engine=cluster.address, home=Path("/nowhere/at/all"))),
    ):
        pass
