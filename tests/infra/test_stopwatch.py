"""Seconds by part, on a clock that the test moves."""

import pytest

from infra import stopwatch
from infra.stopwatch import Stopwatch


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(stopwatch, "perf_counter", clock)
    return clock


def test_time_inside_a_part_counts_for_it(clock):
    watch = Stopwatch()

    with watch.part("data"):
        clock.pass_seconds(3)

    assert watch.seconds() == {"data": 3}


def test_time_outside_of_every_part_counts_for_none(clock):
    watch = Stopwatch()
    clock.pass_seconds(5)

    with watch.part("data"):
        clock.pass_seconds(3)
    clock.pass_seconds(7)

    assert watch.seconds() == {"data": 3}


def test_an_inner_part_stops_the_clock_of_the_outer_one(clock):
    watch = Stopwatch()

    with watch.part("model"):
        clock.pass_seconds(1)
        with watch.part("MLflow"):
            clock.pass_seconds(5)
        clock.pass_seconds(2)

    assert watch.seconds() == {"MLflow": 5, "model": 3}


def test_a_part_that_runs_twice_is_added_up(clock):
    watch = Stopwatch()

    for seconds in (1, 2):
        with watch.part("data"):
            clock.pass_seconds(seconds)

    assert watch.seconds() == {"data": 3}


def test_a_part_within_itself_counts_once(clock):
    watch = Stopwatch()

    with watch.part("data"), watch.part("data"):
        clock.pass_seconds(3)

    assert watch.seconds() == {"data": 3}


def test_a_part_that_fails_counts_and_ends(clock):
    watch = Stopwatch()

    def fail() -> None:
        with watch.part("data"):
            clock.pass_seconds(3)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    clock.pass_seconds(5)

    assert watch.seconds() == {"data": 3}


def test_a_part_that_still_runs_counts_so_far(clock):
    watch = Stopwatch()

    with watch.part("data"):
        clock.pass_seconds(3)
        so_far = watch.seconds()

    assert so_far == {"data": 3}


def test_parts_are_listed_the_longest_first(clock):
    watch = Stopwatch()

    for name, seconds in (("short", 1), ("long", 9)):
        with watch.part(name):
            clock.pass_seconds(seconds)

    assert list(watch.seconds()) == ["long", "short"]
