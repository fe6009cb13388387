"""What the gate looks at: challenger and rival on the same newest flights, overall, by slice and by group."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from sklearn.metrics import roc_auc_score

from data_checks import schema as s
from monitoring.calibration import Reliability, measure_reliability
from monitoring.decision_cost import CostTable, cost_per_row, decide_warnings
from monitoring.fairness import Gap, measure_gap, sizes
from monitoring.gain_interval import gain_interval
from monitoring.quality import Interval, Quality, day_block_interval, loss_per_row, measure_quality

FAMILIES_OF_SIZE = {"carriers": (s.CARRIER, 0.05), "destinations": (s.DESTINATION, 0.005)}
"""Who is small: a carrier with under 5 % of the flights judged, a destination with under 0.5 %."""


@dataclass(frozen=True)
class JudgedFlights:
    """The newest flights and their truth. `slices` has a column of names per family, `places` carrier and destination.

    `places` has the columns that `Looking.families` names. `is_late` and `day` are (n_rows,), as are the rows of the
    two tables.
    """

    is_late: np.ndarray
    day: np.ndarray
    slices: pl.DataFrame
    places: pl.DataFrame


@dataclass(frozen=True)
class SliceResult:
    """A slice with enough flights: how the challenger ranks it, its gain in log loss, and what that surely is below."""

    family: str
    name: str
    flights: int
    late: int
    roc_auc: float
    gain: float
    gain_at_most: float


@dataclass(frozen=True)
class Fairness:
    """One family of groups: the gaps of challenger and rival."""

    family: str
    challenger: Gap
    rival: Gap

    @property
    def rise(self) -> float:
        """How much wider the challenger's worst gap is than the rival's."""
        return self.challenger.worst - self.rival.worst


@dataclass(frozen=True)
class Artefact:
    """The challenger's file: its identity, what it was proved to do, and what it may cost.

    `latency_us` is the median for one flight; everything else is the same on every run.
    """

    sha256: str
    parity: float
    size_bytes: int
    latency_us: float
    features_sha256: str
    expected_features_sha256: str
    rival_sha256: str | None = None
    same_answers_as_rival: bool = False
    new_data_since_rival: bool = True
    rival_has_seen_days: int = 0


@dataclass(frozen=True)
class GateEvidence:
    """Champion and challenger on the same newest rows. Without a champion, the rival is the base rate."""

    challenger: Quality
    rival: Quality
    rival_name: str
    gain: Interval
    gain_resampled: Interval
    reliability: Reliability
    cost_per_thousand: float
    rival_cost_per_thousand: float
    cost_saved: Interval
    cost_saved_at_most: float
    slices: tuple[SliceResult, ...]
    slices_left_out: tuple[str, ...]
    fairness: tuple[Fairness, ...]
    artefact: Artefact


@dataclass(frozen=True)
class Looking:
    """How the evidence is gathered: a slice needs so many flights, late ones and days.

    `confidence`, one-sided, is of a gain; `harm_confidence` of a harm, in cost or in any slice: of all slices together,
    so that the more there are the more it takes to call one worse. Source: Bonferroni's inequality. In `families`
    small and large are compared: each has its column of `JudgedFlights.places`, and the share below which is small.
    """

    confidence: float = 0.95
    harm_confidence: float = 0.95
    slice_flights: int = 300
    slice_late: int = 30
    slice_days: int = 4
    seed: int = 2013
    families: Mapping[str, tuple[str, float]] = field(default_factory=lambda: FAMILIES_OF_SIZE)


def gather_evidence(
    challenger: np.ndarray,
    rival: np.ndarray,
    rival_name: str,
    flights: JudgedFlights,
    artefact: Artefact,
    costs: CostTable,
    looking: Looking,
) -> GateEvidence:
    """Both models' probabilities (n_rows,) of the same flights, judged on the same labels and days."""
    is_late, day = flights.is_late, flights.day
    gain = loss_per_row(rival, is_late) - loss_per_row(challenger, is_late)
    spent = {name: cost_per_row(decide_warnings(p, costs.threshold), is_late, costs) for name, p in
             (("challenger", challenger), ("rival", rival))}  # fmt: skip
    saved = 1000 * (spent["rival"] - spent["challenger"])
    return GateEvidence(
        challenger=measure_quality(challenger, is_late),
        rival=measure_quality(rival, is_late),
        rival_name=rival_name,
        gain=gain_interval(gain, day, looking.confidence),
        gain_resampled=day_block_interval(gain, day, looking.confidence, looking.seed),
        reliability=measure_reliability(challenger, is_late, day, looking.seed),
        cost_per_thousand=float(1000 * spent["challenger"].mean()),
        rival_cost_per_thousand=float(1000 * spent["rival"].mean()),
        cost_saved=gain_interval(saved, day, looking.confidence),
        cost_saved_at_most=_at_most(saved, day, looking.harm_confidence),
        slices=measure_slices(challenger, gain, flights, looking),
        slices_left_out=slices_with_too_little(flights, looking),
        fairness=measure_fairness(challenger, rival, flights, costs, looking.families),
        artefact=artefact,
    )


def measure_slices(
    challenger: np.ndarray, gain: np.ndarray, flights: JudgedFlights, looking: Looking
) -> tuple[SliceResult, ...]:
    """Every slice of every family with enough flights, late ones among them, on enough days; by family and name."""
    found = {name: rows for name, rows, enough in _slices(flights, looking) if enough}
    confidence = 1 - (1 - looking.harm_confidence) / max(len(found), 1)
    return tuple(
        SliceResult(
            family=family,
            name=name,
            flights=int(rows.sum()),
            late=int(flights.is_late[rows].sum()),
            roc_auc=float(roc_auc_score(flights.is_late[rows], challenger[rows])),
            gain=float(gain[rows].mean()),
            gain_at_most=_at_most(gain[rows], flights.day[rows], confidence),
        )
        for (family, name), rows in found.items()
    )


def slices_with_too_little(flights: JudgedFlights, looking: Looking) -> tuple[str, ...]:
    """The slices that nothing can be said of: they have some flights, and too few flights, late ones or days."""
    return tuple(" ".join(name) for name, _, enough in _slices(flights, looking) if not enough)


def _slices(flights: JudgedFlights, looking: Looking) -> Iterator[tuple[tuple[str, str], np.ndarray, bool]]:
    """Family and name of each slice, which rows are in it, (n_rows,), and whether they are enough to be judged."""
    for family in flights.slices.columns:
        names = flights.slices[family]
        for name in sorted(names.drop_nulls().unique()):
            rows = (names == name).fill_null(False).to_numpy()
            late, days = int(flights.is_late[rows].sum()), len(np.unique(flights.day[rows]))
            enough = rows.sum() >= looking.slice_flights and looking.slice_late <= late < rows.sum()
            yield (family, name), rows, bool(enough and days >= looking.slice_days)


def measure_fairness(
    challenger: np.ndarray,
    rival: np.ndarray,
    flights: JudgedFlights,
    costs: CostTable,
    families: Mapping[str, tuple[str, float]] = FAMILIES_OF_SIZE,
) -> tuple[Fairness, ...]:
    """The gaps between small and large, for each family in which both have late flights and others."""
    found = []
    for family, (column, share) in families.items():
        size = sizes(flights.places[column], share)
        gaps = [
            measure_gap(family, size, decide_warnings(probability, costs.threshold), flights.is_late)
            for probability in (challenger, rival)
        ]
        if None not in gaps:
            found.append(Fairness(family, *gaps))
    return tuple(found)


def _at_most(values: np.ndarray, day: np.ndarray, confidence: float) -> float:
    """What the mean is below, at a one-sided confidence."""
    return -gain_interval(-values, day, confidence).lower
