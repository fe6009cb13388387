"""What is normal for a model: the weeks it learned from, in profiles and bands, and a later week held against them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from monitoring.alarms import Alarm
from monitoring.bands import (
    Band,
    learn_band,
    learn_distance_bands,
    learn_missing_bands,
)
from monitoring.estimation import estimate_quality
from monitoring.profiles import Profile, distances, pool, profile_of

INPUTS, MISSING, PREDICTIONS, ESTIMATE = "inputs", "missing", "predictions", "estimate"
PROBABILITY, SKILL = "probability", "skill"


@dataclass(frozen=True)
class Normal:
    """Profiles of the reference `features` and `probability`, and the bands by detector and subject."""

    features: Profile
    probability: Profile
    bands: Mapping[str, Mapping[str, Band]]

    def as_dict(self) -> dict:
        """As plain values that JSON takes."""
        return {
            "features": self.features.as_dict(),
            "probability": self.probability.as_dict(),
            "bands": {
                detector: {subject: band.as_list() for subject, band in bands.items()}
                for detector, bands in self.bands.items()
            },
        }

    @classmethod
    def from_dict(cls, written: dict) -> "Normal":
        """What `as_dict` wrote."""
        return cls(
            features=Profile.from_dict(written["features"]),
            probability=Profile.from_dict(written["probability"]),
            bands={
                detector: {subject: Band.from_list(band) for subject, band in bands.items()}
                for detector, bands in written["bands"].items()
            },
        )


@dataclass(frozen=True)
class Reading:
    """One statistic of one week: the subject of a detector that is furthest out, and its band.

    `what` is the value in words where the subject does not say it.
    """

    detector: str
    subject: str
    value: float
    band: Band
    outside: int
    what: str = ""

    @property
    def is_alarming(self) -> bool:
        """Whether it lies outside of its band."""
        return not self.band.holds(self.value)

    def as_dict(self) -> dict:
        """As plain values; an end that is infinite is None."""
        lower, upper, weeks = self.band.as_list()
        return {"subject": self.subject, "value": self.value, "lower": lower, "upper": upper, "weeks": weeks}

    def as_alarm(self, week: str, is_provisional: bool = False) -> Alarm:
        """The alarm that it raises."""
        above = self.value > self.band.upper
        bound = self.band.upper if above else self.band.lower
        allowed = f"at {'most' if above else 'least'} {bound:.4g}"
        source = f"expected by {self.band.weeks} weeks" if self.band.weeks else "allowed"
        more = f", and {self.outside - 1} more are out" if self.outside > 1 else ""
        reason = f"{self.what or self.subject} is {self.value:.4g}, {allowed} {source}{more}"
        return Alarm(self.detector, self.subject, week, self.value, bound, reason, is_provisional)


def profile_probability(probability: np.ndarray) -> Profile:
    """The profile of a window's probabilities (n_rows,)."""
    return profile_of(pl.DataFrame({PROBABILITY: probability}))


def learn_normal(features: Sequence[Profile], probabilities: Sequence[np.ndarray], rate: float) -> Normal:
    """What is normal, from the weeks of a reference period: their features, and the model's probabilities for them.

    `rate` is the chance of a false alarm that each detector may take each week.
    """
    said = [profile_probability(probability) for probability in probabilities]
    skills = [estimate_quality(probability).skill for probability in probabilities]
    return Normal(
        features=pool(features),
        probability=pool(said),
        bands={
            INPUTS: learn_distance_bands(features, rate),
            MISSING: learn_missing_bands(features, rate),
            PREDICTIONS: learn_distance_bands(said, rate),
            ESTIMATE: {SKILL: learn_band(skills, rate, "below")},
        },
    )


def read_week(normal: Normal, features: Profile, probability: np.ndarray) -> list[Reading]:
    """A week held against what is normal: one reading for each detector that needs no labels."""
    values = {
        INPUTS: distances(features, normal.features),
        MISSING: features.missing,
        PREDICTIONS: distances(profile_probability(probability), normal.probability),
        ESTIMATE: {SKILL: estimate_quality(probability).skill},
    }
    return [farthest(detector, found, normal.bands[detector]) for detector, found in values.items()]


def farthest(detector: str, values: Mapping[str, float], bands: Mapping[str, Band]) -> Reading:
    """The subject that is furthest out of its band, or nearest to leaving it."""
    known = [name for name in values if name in bands]
    subject = max(known, key=lambda name: _excess(values[name], bands[name]))
    outside = sum(not bands[name].holds(values[name]) for name in known)
    return Reading(detector, subject, values[subject], bands[subject], outside)


def _excess(value: float, band: Band) -> float:
    """How far out a value is: 0 at an end, below 0 within; in half widths of the band, or of its one end."""
    if math.isinf(band.lower):
        width = abs(band.upper) or 1.0
    elif math.isinf(band.upper):
        width = abs(band.lower) or 1.0
    else:
        width = (band.upper - band.lower) / 2 or 1.0
    return max(value - band.upper, band.lower - value) / width
