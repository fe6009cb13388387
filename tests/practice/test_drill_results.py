"""A run of all drills that is killed goes on where it was, and one that ended begins anew."""

import json

import pytest

from infra.settings import load_settings
from infra.storage import Store
from practice.drills.ground import Ground
from practice.drills.results import Unfinished, as_document, as_result
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

    drills = tuple(Drill(name, name, "pulled", "the bell", "people leave", "look", "So.", pulled) for name in NAMES)
    monkeypatch.setattr(drilling, "DRILLS", drills)
    monkeypatch.setattr("practice.drills.results.find_drill", {one.name: one for one in drills}.get)
    monkeypatch.setattr(Ground, "prepare", lambda self: None)
    return played


NAMES = ("one", "two", "three")


def test_what_was_played_before_the_kill_is_not_played_again(bells, tmp_path, capsys):
    settings, page = load_settings(home=tmp_path), tmp_path / "drills.md"
    with pytest.raises(KeyboardInterrupt):
        drilling.run(settings, None, False, False, page, as_json=True)
    assert not page.exists()

    drilling.run(settings, None, False, False, page, as_json=True)
    ended = json.loads(capsys.readouterr().out)["results"]
    drilling.run(settings, None, False, False, page, as_json=True)

    assert [one["name"] for one in ended if one["passed"]] == list(NAMES)
    assert bells == ["one", "two", "two", "three", "one", "two", "three"]
    assert all(f"[{name}]" in page.read_text() for name in NAMES)


def test_a_control_does_not_go_on_from_a_run_with_faults(bells, tmp_path):
    settings = load_settings(home=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        drilling.run(settings, None, False, False, None, as_json=True)

    drilling.run(settings, None, True, False, None, as_json=True)

    assert bells == ["one", "two", "one", "two", "three"]


def test_a_result_is_the_same_after_it_was_written(bells, tmp_path):
    result = play(drilling.DRILLS[0], Ground(tmp_path))
    unfinished = Unfinished(Store(tmp_path), control=False, blind=False)

    unfinished.keep([result])

    assert unfinished.results() == [result]


def test_a_drill_that_is_no_more_is_left_out(bells, tmp_path):
    document = as_document(play(drilling.DRILLS[0], Ground(tmp_path)))

    assert as_result(document | {"name": "gone"}) is None
