"""All drills, in the order they are listed and played."""

from practice.drills import artefacts, feeds, histories, labels, models, serving, splits, storage, upgrades
from practice.drills.scene import Drill

DRILLS: tuple[Drill, ...] = (
    *feeds.DRILLS,
    *labels.DRILLS,
    *models.DRILLS,
    *upgrades.DRILLS,
    *splits.DRILLS,
    *artefacts.DRILLS,
    *serving.DRILLS,
    *storage.DRILLS,
    *histories.DRILLS,
)


def find_drill(name: str) -> Drill | None:
    """The drill of that name, None when there is none."""
    return next((one for one in DRILLS if one.name == name), None)
