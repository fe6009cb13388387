"""Other lives that drills begin from, where the ground is too short or of another season: lived once, then copied."""

from dataclasses import dataclass
from datetime import date

from practice.drills.ground import LIFE, Played
from practice.drills.scene import Scene


@dataclass(frozen=True)
class OtherLife:
    """Settings of a life, and the day up to which it was lived before a drill begins."""

    name: str
    settings: dict[str, object]
    until: date


SPRING = OtherLife(
    name="spring",
    settings={
        **LIFE,
        "first_day": date(2013, 1, 7),
        "first_scored_week": date(2013, 1, 28),
        "last_day": date(2013, 3, 31),
        "gate_days": 7,
        "tune_trials": 0,
        "retrain_every_weeks": 52,
    },
    until=date(2013, 3, 10),
)
"""Three weeks to learn from and six that are scored: as many as detectors need that compare a week with those before.
Nothing is trained by the calendar, so that whatever is trained has another cause. Three weeks are left to be lived."""

SUMMER = OtherLife(
    name="summer",
    settings={
        "first_day": date(2013, 6, 24),
        "first_scored_week": date(2013, 7, 29),
        "last_day": date(2013, 9, 15),
        "history_days": 31,
        "calibration_days": 7,
        "trees": 40,
        "forests": 1,
        "tune_trials": 0,
        "retrain_every_weeks": 52,
    },
    until=date(2013, 9, 1),
)
"""A champion of the stormy weeks around July, at the end of August; two weeks of September are left to be lived."""


def copy_of(scene: Scene, life: OtherLife) -> Played:
    """A copy of another life to break; it is lived first where it was not yet, which takes some minutes."""
    ground = scene.ground.other(life.name, life.settings, life.until)
    ground.prepare()
    return ground.copy(scene.folder / "home")
