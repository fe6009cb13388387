"""A run of all drills that is killed goes on where it was, and one that ended begins anew."""

import json
from dataclasses import replace

import pytest

from infra.settings import load_settings
from infra.storage import Store
from practice.drills.ground import Ground
from practice.drills.matrix import Matrix
from practice.drills.results import Record, as_document, as_result
from practice.drills.runner import play
from practice.drills.scene import Drill, Scene
from preflight import drilling


@pytest.fixture
def bells(monkeypatch) -> list[str]:
    """Three drills that take no time, in the place of all others; which of them were played, and the second kills."""
    played: list[str] = []

    def pulled(scene: Scene) -> None:
        played.append(scene.drill.name)
        if played.count("two") == 1 and scene.drill.name == "two":
            raise KeyboardInterrupt
        scene.inject("somebody pulls", lambda: None)
        scene.detect(lambda: not scene.control, "it rings")
        scene.recover(True, "it is quiet")

    drills = tuple(Drill(name, name, "pulled", "the bell", "people leave", "look", "So.", pulled, ()) for name in NAMES)
    monkeypatch.setattr(drilling, "DRILLS", drills)
    monkeypatch.setattr("practice.drills.results.find_drill", {one.name: one for one in drills}.get)
    monkeypatch.setattr(Ground, "prepare", lambda self: None)
    return played


NAMES = ("one", "two", "three")


def test_what_was_played_before_the_kill_is_not_played_again(bells, tmp_path, capsys):
    settings, page = load_settings(home=tmp_path), tmp_path / "drills.md"
    with pytest.raises(KeyboardInterrupt):
        drilling.run(settings, None, drilling.Way(), page, as_json=True)
    assert not page.exists()

    drilling.run(settings, None, drilling.Way(), page, as_json=True)
    ended = json.loads(capsys.readouterr().out)["results"]
    drilling.run(settings, None, drilling.Way(), page, as_json=True)

    assert [one["name"] for one in ended if one["passed"]] == list(NAMES)
    assert bells == ["one", "two", "two", "three", "one", "two", "three"]
    assert all(f"[{name}]" in page.read_text() for name in NAMES)


def test_a_control_does_not_go_on_from_a_run_with_faults(bells, tmp_path):
    settings = load_settings(home=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        drilling.run(settings, None, drilling.Way(), None, as_json=True)

    drilling.run(settings, None, drilling.Way(control=True), None, as_json=True)

    assert bells == ["one", "two", "one", "two", "three"]


def test_a_result_is_the_same_after_it_was_written(bells, tmp_path):
    result = play(drilling.DRILLS[0], Ground(tmp_path))
    record = Record(Store(tmp_path))

    record.keep([result])

    assert record.unfinished() == [result]


def test_the_matrix_shows_the_last_run_of_each_kind(bells, tmp_path, capsys):
    settings, page = load_settings(home=tmp_path), tmp_path / "drills.md"
    bells.append("two")  # which kills nobody, the second time

    drilling.run(settings, None, drilling.Way(control=True), page, as_json=True)
    before = page.exists()
    drilling.run(settings, None, drilling.Way(), page, as_json=True)
    told = page.read_text()

    assert (before, "before all drills were run with their faults" in capsys.readouterr().err) == (False, True)
    assert "3 of 3 drills passed" in told
    assert "without their fault 3 failed for want of a signal, with their detector off 0" in told
    assert told.count("| silent | not run |") == len(NAMES)
    assert (tmp_path / drilling.PAGE).read_text().count(">silent<") == len(NAMES)


def test_of_a_control_that_was_killed_the_matrix_shows_what_was_played(bells, tmp_path):
    settings, page = load_settings(home=tmp_path), tmp_path / "drills.md"
    with pytest.raises(KeyboardInterrupt):
        drilling.run(settings, None, drilling.Way(control=True), None, as_json=True)

    drilling.run(settings, None, drilling.Way(), page, as_json=True)

    assert [page.read_text().count(f"| {heard} | not run |") for heard in ("silent", "not run")] == [1, 2]


def test_a_detector_that_rings_without_a_fault_is_shown_to(bells, tmp_path):
    rang = play(
        replace(drilling.DRILLS[0], play=lambda scene: scene.detect(lambda: True, "it rings")), Ground(tmp_path)
    )

    assert Matrix([rang], controls=[rang]).control("one") == "rang"


def test_a_drill_that_is_no_more_is_left_out(bells, tmp_path):
    document = as_document(play(drilling.DRILLS[0], Ground(tmp_path)))

    assert as_result(document | {"name": "gone"}) is None
