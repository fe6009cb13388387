"""The protocol of training: which flights tune, calibrate and judge a model, in the order of time, and its hash.

    start ........ learning ........ | fold | fold | fold | calibration | gate | end
                                       tuning: each fold is predicted by models of the days before it
                                                            calibration: predicted by a model of the days before it
                                                                          gate: champion and challenger are compared

Written down for people in docs/protocol.md; nothing is chosen on rows that later judge it.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from infra.settings import Settings

VERSION = 1


@dataclass(frozen=True)
class Protocol:
    """How long each slice is, in days, and how choices are made. Another protocol has another hash.

    `confidence` is one-sided: a contender is within noise of the best when the lower bound of what the best
    gains over it, resampling whole days, is not above zero at that confidence.
    """

    version: int = VERSION
    gate_days: int = 14
    calibration_days: int = 14
    fold_days: int = 14
    folds: int = 3
    confidence: float = 0.95
    measure: str = "log loss"
    resampled: str = "local days"
    order: str = "time"

    @property
    def sha256(self) -> str:
        """A name for the protocol, noted on every run."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Fold:
    """Departures from `start` to before `end`, predicted by models of departures before `start`."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Slices:
    """The moments between which departures learn, tune, calibrate and judge; `folds` are the oldest first."""

    start: datetime
    folds: tuple[Fold, ...]
    calibration: datetime
    gate: datetime
    end: datetime

    def as_text(self) -> dict[str, str]:
        """Its moments in ISO format, `cutoff` being where the gate begins."""
        moments = {"start": self.start, "calibration": self.calibration, "cutoff": self.gate, "end": self.end}
        return {name: moment.isoformat() for name, moment in moments.items()}

    @classmethod
    def from_text(cls, moments: dict[str, str]) -> "Slices":
        """The slices that `as_text` told the moments of; folds are not among them."""
        at = {name: datetime.fromisoformat(moment) for name, moment in moments.items()}
        return cls(at["start"], (), at["calibration"], at["cutoff"], at["end"])


def protocol_of(settings: Settings) -> Protocol:
    """The protocol with the lengths that are settings."""
    return Protocol(
        gate_days=settings.gate_days,
        calibration_days=settings.calibration_days,
        fold_days=settings.fold_days,
        folds=settings.folds,
    )


def slice_time(protocol: Protocol, start: datetime, end: datetime) -> Slices:
    """The slices of a training on departures from `start` to before `end`, the newest for the gate.

    A fold needs at least as many days to learn from as it has itself; where history is too short there are
    fewer folds, or none, and then nothing is tuned. A calibration slice that would leave less than that to
    learn from is left out too: `calibration` is then the gate.
    """
    gate = end - timedelta(days=protocol.gate_days)
    calibration = gate - timedelta(days=protocol.calibration_days)
    if calibration - timedelta(days=protocol.calibration_days) < start:
        calibration = gate
    length = timedelta(days=protocol.fold_days)
    ends = [calibration - number * length for number in range(protocol.folds)]
    folds = [Fold(moment - length, moment) for moment in ends if moment - 2 * length >= start]
    return Slices(start, tuple(reversed(folds)), calibration, gate, end)
