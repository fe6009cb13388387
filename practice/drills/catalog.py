"""All drills, in the order they are listed and played."""

from practice.drills import feeds, labels, models, splits, upgrades
from practice.drills.scene import Drill

DRILLS: tuple[Drill, ...] = (*feeds.DRILLS, *labels.DRILLS, *models.DRILLS, *upgrades.DRILLS, *splits.DRILLS)


def find_drill(name: str) -> Drill | None:
    """The drill of that name, None when there is none."""
    return next((one for one in DRILLS if one.name == name), None)
