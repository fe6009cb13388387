"""What a detector says of a week when something is out of its band: the common word of detectors, decision and page."""

from dataclasses import dataclass

DETECTORS = {
    "volume": "flights a day, against the weeks before",
    "quarantine": "share of the rows that were quarantined",
    "freshness": "share of the answers given with stale or no features",
    "skew": "features that the service used, recomputed offline",
    "missing": "share of values that are missing, by feature",
    "inputs": "distance of the features from the reference window, all of them together",
    "predictions": "distance of the probabilities from those of the reference window",
    "answers": "probabilities that were given, against the model's own",
    "estimate": "skill as the probabilities themselves promise it, without labels",
    "coverage": "share of the flights whose label is known",
    "labels": "share of late flights, by carrier and airport",
    "calibration": "mean probability less the share of late flights",
    "quality": "log loss beyond what the probabilities promised",
    "slices": "calibration of carriers and airports, against that of all flights",
}
"""Every detector by name, and what it looks at."""

WITH_LABELS = frozenset({"coverage", "labels", "calibration", "quality", "slices"})
"""Those that have to wait for labels."""


@dataclass(frozen=True)
class Alarm:
    """A detector found `value` outside of its band, whose nearer end is `bound`, at the end of `week`.

    `subject` is the feature, slice or metric that it is about. `is_provisional`: too few labels are known, so that
    nothing may be done about it.
    """

    detector: str
    subject: str
    week: str
    value: float
    bound: float
    reason: str
    is_provisional: bool = False
