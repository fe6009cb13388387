"""Were alarms right? Each week's alarms against what its labels said later: precision, recall, lead, false alarms.

A week was worse when, with labels, its skill was surely below that of the weeks before: the upper end of its interval
lies under their median. That is for measuring detectors alone; nothing acts on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from monitoring.alarms import WITH_LABELS

FEWEST_BEFORE = 4


@dataclass(frozen=True)
class Record:
    """How a detector did over some weeks: alarms, those in weeks that were worse, and the worse weeks it missed."""

    detector: str
    alarms: int
    right: int
    worse_weeks: int

    @property
    def precision(self) -> float | None:
        """Share of its alarms that were in worse weeks; None without an alarm."""
        return self.right / self.alarms if self.alarms else None

    @property
    def recall(self) -> float | None:
        """Share of the worse weeks in which it was alarmed; None of none."""
        return self.right / self.worse_weeks if self.worse_weeks else None


def worse_weeks(weeks: Sequence[Mapping]) -> dict[str, bool]:
    """Whether each week was surely worse than those before it, by week; those that cannot be told are left out."""
    told: dict[str, bool] = {}
    skills: list[float] = []
    for week in weeks:
        if "skill" not in week.get("intervals", {}):
            continue
        if len(skills) >= FEWEST_BEFORE:
            told[week["week"]] = week["intervals"]["skill"][1] < median(skills)
        skills.append(week["realised"]["skill"])
    return told


def judge_detectors(weeks: Sequence[Mapping]) -> list[Record]:
    """The record of every detector that had something to say, those without labels first."""
    truth = worse_weeks(weeks)
    names = dict.fromkeys(name for week in weeks for name in week["bands"])
    alarmed = {
        name: {week["week"] for week in weeks for alarm in week["alarms"] if alarm["detector"] == name}
        for name in names
    }
    return [
        Record(
            detector=name,
            alarms=len(alarmed[name] & truth.keys()),
            right=sum(truth[week] for week in alarmed[name] & truth.keys()),
            worse_weeks=sum(truth.values()),
        )
        for name in sorted(names, key=lambda name: (name in WITH_LABELS, list(names).index(name)))
    ]


def _rang(week: Mapping, detector: str) -> bool:
    return any(alarm["detector"] == detector for alarm in week["alarms"])


def estimate_record(weeks: Sequence[Mapping], metric: str) -> dict[str, float]:
    """How near an estimated metric came to the realised one over the weeks: mean error, mean absolute, correlation."""
    pairs = [
        (week["estimate"][metric], week["realised"][metric])
        for week in weeks
        if metric in week["estimate"] and metric in week.get("realised", {})
    ]
    told, came = np.array(pairs).T
    return {
        "weeks": len(pairs),
        "mean_error": float((told - came).mean()),
        "mean_absolute_error": float(np.abs(told - came).mean()),
        "correlation": float(np.corrcoef(told, came)[0, 1]),
    }


def estimates_by_month(weeks: Sequence[Mapping], metric: str) -> dict[str, tuple[float, float]]:
    """Estimated and realised metric of each month, its weeks weighed by labelled flights; a week is its Monday's."""
    sums: dict[str, list[tuple[int, float, float]]] = {}
    for week in weeks:
        if metric in week["estimate"] and metric in week.get("realised", {}):
            flights = week["coverage"]["labelled"]
            sums.setdefault(week["week"][:7], []).append((flights, week["estimate"][metric], week["realised"][metric]))
    return {
        month: (float(np.average(told, weights=flights)), float(np.average(came, weights=flights)))
        for month, (flights, told, came) in ((month, tuple(zip(*found, strict=True))) for month, found in sums.items())
    }


def mark_alarms(weeks: Sequence[Mapping]) -> list[dict]:
    """Every alarm of the weeks, with `is_true`: whether its week was worse; None where that cannot be told."""
    truth = worse_weeks(weeks)
    return [alarm | {"is_true": truth.get(week["week"])} for week in weeks for alarm in week["alarms"]]
