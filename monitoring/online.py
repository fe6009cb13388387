"""What online answers must be, whatever the weeks before were: the model's own, on the features that offline has."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from monitoring.bands import NOISE, Band
from monitoring.normal import Reading

SKEW, ANSWERS, FRESHNESS = "skew", "answers", "freshness"
SAME = 1e-6
"""Two probabilities that differ by no more are one: a table and ONNX Runtime add in another order."""
MOST_UNFRESH = 0.01
"""Share of the answers that may be given without fresh features: the objective of infra/prometheus/rules."""
NONE_OFF = Band(0.0, 0.0, 0)


def read_skew(mismatches: Sequence[tuple[str, str]], flights: int) -> Reading:
    """Of some `flights` those with a feature that offline has otherwise; (flight, feature) for each such value."""
    features = Counter(feature for _, feature in mismatches)
    subject = features.most_common(1)[0][0] if features else "features"
    share = len({flight for flight, _ in mismatches}) / flights
    what = f"share of flights with a feature that offline has otherwise, most often {subject},"
    return Reading(SKEW, subject, share, NONE_OFF, int(bool(features)), what)


def read_answers(said: np.ndarray, own: np.ndarray) -> Reading:
    """The share of probabilities said (n_rows,) that are not the model's `own` (n_rows,); one that has none is NaN."""
    off = ~(np.abs(said - own) <= SAME)
    what = "share of answers that are not the model's"
    return Reading(ANSWERS, "probability", float(off.mean()), NONE_OFF, int(off.any()), what)


def read_freshness(answers: Mapping[str, int], fresh: str) -> Reading:
    """The share of the answers by mode that were not `fresh`, beyond one or two, which are none too many."""
    unfresh = {mode: count for mode, count in answers.items() if mode != fresh}
    subject = max(unfresh, key=unfresh.__getitem__, default="features")
    share = max(sum(unfresh.values()) - NOISE, 0) / sum(answers.values())
    return Reading(FRESHNESS, subject, share, Band(0.0, MOST_UNFRESH, 0), 1, "share of answers without fresh features")
