"""Every drill for real: it passes; without its fault, and with its detector off, it fails for want of a signal."""

from pathlib import Path

import pytest

from practice.drills.catalog import DRILLS
from practice.drills.disarmed import play_disarmed
from practice.drills.ground import Ground
from practice.drills.runner import missing_tools, play

pytestmark = pytest.mark.drills


@pytest.fixture(scope="module")
def ground(tmp_path_factory) -> Ground:
    """The life that drills begin from, lived once."""
    prepared = Ground(tmp_path_factory.mktemp("ground") / "home")
    prepared.prepare()
    return prepared


@pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.name)
@pytest.mark.parametrize("how", ["fault", "control", "blind"])
def test_a_drill_passes_with_its_fault_and_detector_and_with_nothing_less(ground: Ground, drill, how: str):
    if missing := missing_tools(drill):
        pytest.skip(f"this machine has no {', '.join(missing)}")

    result = play_disarmed(drill, ground) if how == "blind" else play(drill, ground, control=how == "control")

    assert (result.passed, result.is_silent) == ((True, False) if how == "fault" else (False, True)), result.problem


def test_the_ground_is_as_it_was(ground: Ground):
    assert (Path(ground.folder) / "history.json").exists()
    assert ground.played.ask("status")["newest_week"] == "2013-02-25"
