"""Readings that need labels, or the weeks lived so far: each week is held against those before it in the event log.

The weeks before were predicted by a champion that had not seen them, so that their spread is the honest one. Weeks in
which a detector was alarmed, and weeks with too few labels, teach it nothing.
"""

import math
from collections.abc import Mapping, Sequence

from monitoring.bands import NOISE, Band, learn_band
from monitoring.normal import Reading, farthest
from monitoring.week_facts import LOWEST_COVERAGE

CALIBRATION, QUALITY, SLICES, LABELS, VOLUME, QUARANTINE = (
    "calibration",
    "quality",
    "slices",
    "labels",
    "volume",
    "quarantine",
)
FEWEST_WEEKS_BEFORE = 6


def read_history(now: Mapping, before: Sequence[Mapping], rate: float) -> list[Reading]:
    """The readings of a week's facts `now`, by those of the weeks before it; none of a detector that knows too few."""
    readings = []
    for detector, (side, statistic) in _STATISTICS.items():
        values = statistic(now)
        past = [statistic(week) for week in before if not _is_spoilt(week, detector)]
        columns = {name: [one[name] for one in past if name in one] for name in values}
        columns = {name: known for name, known in columns.items() if len(known) >= FEWEST_WEEKS_BEFORE}
        if columns:
            bands = {name: learn_band(known, rate, side, len(columns)) for name, known in columns.items()}
            readings.append(farthest(detector, values, bands))
    return readings


def read_coverage(now: Mapping) -> Reading:
    """The share of the labels that are known: below what is needed, it is the labels that somebody has to look at."""
    band = Band(LOWEST_COVERAGE, math.inf, 0)
    return Reading("coverage", "labels", now["coverage"]["share"], band, 1, "share of labels that are known")


def _is_spoilt(week: Mapping, detector: str) -> bool:
    if any(alarm["detector"] == detector for alarm in week.get("alarms", [])):
        return True
    return detector not in (VOLUME, QUARANTINE) and week["coverage"]["is_provisional"]


def _calibration(week: Mapping) -> dict[str, float]:
    return {"calibration_gap": week["realised"]["calibration_gap"]} if "realised" in week else {}


def _shortfall(week: Mapping) -> dict[str, float]:
    """Log loss beyond what the probabilities promised: comparable between a calm September and a wild December."""
    if "realised" not in week:
        return {}
    return {"log_loss_beyond_promise": week["realised"]["log_loss"] - week["estimate"]["log_loss"]}


def _slice_gaps(week: Mapping) -> dict[str, float]:
    if "realised" not in week:
        return {}
    of_all = week["realised"]["calibration_gap"]
    return {name: one["calibration_gap"] - of_all for name, one in week["slices"].items()}


def _late_shares(week: Mapping) -> dict[str, float]:
    """How much likelier a slice's flights were late than all, in log-odds, so that a bad week for all moves nobody."""
    if "realised" not in week:
        return {}
    of_all = _log_odds(week["realised"]["late_share"], week["realised"]["flights"])
    return {name: _log_odds(one["late_share"], one["flights"]) - of_all for name, one in week["slices"].items()}


def _volume(week: Mapping) -> dict[str, float]:
    return {"flights_per_day": week["flights_per_day"]}


def _quarantined(week: Mapping) -> dict[str, float]:
    """Beyond a row or two, which are none too many."""
    return {"share_quarantined": max(week["rows_quarantined"] - NOISE, 0) / max(week["rows_landed"], 1)}


_STATISTICS = {
    VOLUME: ("both", _volume),
    QUARANTINE: ("above", _quarantined),
    CALIBRATION: ("both", _calibration),
    QUALITY: ("above", _shortfall),
    SLICES: ("both", _slice_gaps),
    LABELS: ("both", _late_shares),
}
"""Which side of the band is worth an alarm, and what is looked at."""


def _log_odds(share: float, rows: float) -> float:
    late = share * rows
    return math.log((late + 0.5) / (rows - late + 0.5))
