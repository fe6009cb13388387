"""A detector is switched off by changing lines of our code: they stand there, and what is changed still runs."""

import pytest

from infra.revision import ROOT
from practice.drills.catalog import DRILLS
from practice.drills.code import OtherCode
from practice.drills.disarmed import disarm, play_disarmed
from practice.drills.ground import Ground
from practice.drills.scene import Drill

FIND = "    return next((one for one in DRILLS if one.name == name), None)\n"
RINGS = "    return Drill(name, *6 * (name,), lambda scene: scene.detect(lambda: {}, 'it rings'), ())\n"


def bell(*disarm: tuple[str, str, str]) -> Drill:
    return Drill("bell", *6 * ("bell",), lambda scene: None, disarm)


@pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.name)
def test_the_lines_that_notice_a_fault_stand_in_our_code_once_and_what_is_put_there_can_be_read(drill):
    assert drill.disarm
    texts = {file: (ROOT / file).read_text() for file, _, _ in drill.disarm}
    for file, before, after in drill.disarm:
        assert texts[file].count(before) == 1, before
        texts[file] = texts[file].replace(before, after)
    for file, text in texts.items():
        if file.endswith(".py"):
            compile(text, file, "exec")


@pytest.mark.parametrize("rings", [True, False])
def test_a_drill_is_played_by_the_changed_code(tmp_path, monkeypatch, rings):
    drill = bell(("practice/drills/catalog.py", FIND, RINGS.format(rings)))
    monkeypatch.setattr("practice.drills.results.find_drill", {"bell": drill}.get)
    heard = []

    result = play_disarmed(drill, Ground(tmp_path), heard.append)

    assert (result.passed, result.is_silent) == (rings, not rings)
    assert [moment.words for moment in heard] == ["it rings"] * rings


def test_a_line_that_is_not_there_any_more_is_told(tmp_path):
    with pytest.raises(OtherCode, match="mend the drill"):
        disarm(bell(("practice/drills/catalog.py", "no such line", "")), tmp_path / "code")
