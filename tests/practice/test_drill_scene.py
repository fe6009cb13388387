"""How drills are played, with faults of a line each: what passes, what fails, and what a control has to show."""

import time
from pathlib import Path

import pytest

from practice.drills.ground import Ground
from practice.drills.matrix import Matrix, matrix_page, matrix_rows, matrix_table
from practice.drills.runner import play
from practice.drills.scene import DETECTED, INJECTED, RECOVERED, Drill, Scene


class Alarm:
    """A system of one bell."""

    def __init__(self) -> None:
        self.rings = False

    def ring(self) -> None:
        self.rings = True


def good(scene: Scene) -> None:
    bell = Alarm()
    scene.inject("somebody pulls", bell.ring)
    scene.detect(lambda: bell.rings, "it rings")
    scene.respond(True, "people leave")
    scene.require(True, "nobody is left")
    scene.recover(True, "it is quiet")


def always_ringing(scene: Scene) -> None:
    scene.inject("somebody pulls", lambda: None)
    scene.detect(lambda: True, "it rings")
    scene.recover(True, "it is quiet")


def unanswered(scene: Scene) -> None:
    scene.inject("somebody pulls", lambda: None)
    scene.detect(lambda: True, "it rings")
    scene.respond(False, "people leave")


def drill(play_it) -> Drill:
    return Drill("bell", "A bell", "somebody pulls", "the bell", "people leave", "look", "So.", play_it, ())


def slow_to_put_in(scene: Scene) -> None:
    bell = Alarm()
    scene.inject("somebody pulls for a while", lambda: (time.sleep(0.2), bell.ring()))
    scene.detect(lambda: bell.rings, "it rings")


def answered_in_the_control(scene: Scene) -> None:
    heard: list[str] = []
    scene.inject("somebody pulls", lambda: heard.append("pull"), harmless=lambda: heard.append("somebody passes"))
    scene.detect(lambda: "pull" in heard, "it rings")
    scene.require(heard == ["pull"], "nobody passes beside the fault")
    scene.respond(True, "people leave")


def rings_for_anybody(scene: Scene) -> None:
    heard: list[str] = []
    scene.inject("somebody pulls", lambda: heard.append("pull"), harmless=lambda: heard.append("somebody passes"))
    scene.detect(lambda: heard, "it rings")


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


def test_the_time_to_detect_begins_as_the_fault_begins(ground):
    assert play(drill(slow_to_put_in), ground).detect_seconds >= 0.2


def test_a_drill_whose_signal_comes_passes_and_tells_its_times(ground):
    result = play(drill(good), ground)

    assert (result.passed, [one.kind for one in result.moments]) == (
        True,
        [INJECTED, DETECTED, "response", "holds", RECOVERED],
    )
    assert 0 <= result.detect_seconds <= result.recover_seconds <= result.seconds


def test_without_fault_it_fails_for_want_of_a_signal(ground):
    result = play(drill(good), ground, control=True)

    assert (result.passed, result.is_silent) == (False, True)


def test_a_control_finds_out_a_detector_that_always_rings(ground):
    result = play(drill(always_ringing), ground, control=True)

    assert (result.passed, result.is_silent) == (True, False)


def test_a_response_that_does_not_come_fails_and_is_no_missing_signal(ground):
    result = play(drill(unanswered), ground)

    assert (result.passed, result.is_silent, result.problem) == (
        False,
        False,
        "bell: the response did not come: people leave",
    )


def test_the_matrix_says_what_passed_and_what_failed(ground):
    results = [play(drill(good), ground), play(drill(unanswered), ground), play(drill(good), ground, control=True)]

    assert [row[-1] for row in matrix_rows(results)] == ["passed", "failed", "silent"]
    assert "1 of 3 drills passed" in matrix_page(Matrix(results))
    assert "`preflight drill run bell`" in matrix_table(Matrix(results))


def test_what_is_harmless_happens_in_the_control_alone(ground):
    assert play(drill(answered_in_the_control), ground).passed
    assert play(drill(answered_in_the_control), ground, control=True).is_silent


def test_a_detector_that_rings_for_what_is_harmless_is_not_silent_in_the_control(ground):
    assert not play(drill(rings_for_anybody), ground, control=True).is_silent


def test_a_seed_is_drawn_unless_one_is_given(ground):
    drawn: list[int] = []

    for seed in (None, None, None, 7):
        play(drill(lambda scene: drawn.append(scene.seed)), ground, seed=seed)

    assert drawn[-1] == 7
    assert len(set(drawn[:-1])) > 1
