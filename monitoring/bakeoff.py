"""What comes of a bake-off: each policy by month, its regret and cost, how models age, and when the gate was right."""

from dataclasses import asdict, dataclass

import numpy as np

from monitoring.day_blocks import Gain
from monitoring.decision_cost import CostTable
from monitoring.quality import Quality


@dataclass(frozen=True)
class Flights:
    """The flights that are answered: 1 for late, and local day and month of each, (n_flights,) all."""

    is_late: np.ndarray
    day: np.ndarray
    month: np.ndarray


@dataclass(frozen=True)
class Effort:
    """What a policy spent in a month, the first model counted: trainings, the gate's verdicts, seconds of fits.

    `seconds` is None where nobody measured them.
    """

    trainings: int = 0
    promotions: int = 0
    refusals: int = 0
    seconds: float | None = 0.0


@dataclass(frozen=True)
class MonthScore:
    """One month of one policy; `regret` is its log loss less that of hindsight."""

    month: str
    quality: Quality
    calibration_error: float
    cost_per_1000: float
    regret: float
    effort: Effort


@dataclass(frozen=True)
class Verdict:
    """A gate's word on one challenger, and what the weeks after it said.

    `gain` is the champion's log loss less the challenger's on the flights after the verdict, which neither
    had learned from and no gate had seen, with its interval; `flights` is how many these are.
    """

    decided_on: str
    promoted: bool
    reason: str
    window: str
    challenger_loss: float
    champion_loss: float
    gain: Gain
    flights: int

    @property
    def was_right(self) -> bool:
        """Whether the later labels agree: the better one was kept; a challenger that ties was rightly refused."""
        return (self.gain.mean > 0) == self.promoted

    @property
    def is_sure(self) -> bool:
        """Whether the interval of days says the same as its mean."""
        return self.gain.sign != 0


@dataclass(frozen=True)
class Trained:
    """When a model was made, and whether it became champion."""

    decided_on: str
    promoted: bool
    window: str


@dataclass(frozen=True)
class Result:
    """A year under one policy; `over_monthly` is what it gains in log loss over the plain monthly one.

    Above 0 it is the better one; None for that one itself.
    """

    policy: str
    recipe: str
    months: tuple[MonthScore, ...]
    over_monthly: Gain | None
    trained: tuple[Trained, ...] = ()
    verdicts: tuple[Verdict, ...] = ()

    @property
    def name(self) -> str:
        """Policy and recipe."""
        return f"{self.policy} ({self.recipe})" if self.recipe else self.policy

    def mean(self, measure: str) -> float:
        """The mean over the months, each counting the same, of a measure of `Quality` or `MonthScore`."""
        scores = (month if hasattr(month, measure) else month.quality for month in self.months)
        return float(np.mean([getattr(score, measure) for score in scores]))

    @property
    def trainings(self) -> int:
        """Models made over the year."""
        return len(self.trained)

    @property
    def promotions(self) -> int:
        """Models that became champion, the first among them."""
        return sum(one.promoted for one in self.trained)

    @property
    def refusals(self) -> int:
        """Challengers that the gate refused."""
        return self.trainings - self.promotions

    @property
    def seconds(self) -> float | None:
        """Seconds of all its fits, None where nobody measured them."""
        seconds = [month.effort.seconds for month in self.months]
        known = [each for each in seconds if each is not None]
        return sum(known) if len(known) == len(seconds) else None


@dataclass(frozen=True)
class Comparison:
    """What one policy gains in log loss over another on the same flights; above 0 the first is the better one."""

    better: str
    than: str
    gain: Gain


@dataclass(frozen=True)
class Age:
    """Models of one age: what they lose in log loss to a fresh one, on the same months; above 0 they are worse."""

    months: int
    models: int
    lost: Gain
    auc_lost: float


@dataclass(frozen=True)
class Staleness:
    """The model of each month's first day (rows) on that month and every later one (columns), NaN before it."""

    learned: tuple[str, ...]
    scored: tuple[str, ...]
    log_loss: np.ndarray
    roc_auc: np.ndarray
    ages: tuple[Age, ...]

    def as_dict(self) -> dict:
        """As plain values, None where there is none."""
        grids = {name: _plain(getattr(self, name)) for name in ("log_loss", "roc_auc")}
        return {**grids, "learned": self.learned, "scored": self.scored, "ages": [asdict(age) for age in self.ages]}


@dataclass(frozen=True)
class Bakeoff:
    """Everything that was measured; `seconds` is what the distinct fits took, whenever they were made."""

    results: tuple[Result, ...]
    comparisons: tuple[Comparison, ...]
    staleness: Staleness
    costs: CostTable
    flights: int
    fits: int
    seconds: float

    def as_dict(self) -> dict:
        """As plain values."""
        return {
            "policies": {result.name: _as_dict(result) for result in self.results},
            "comparisons": [asdict(comparison) for comparison in self.comparisons],
            "staleness": self.staleness.as_dict(),
            "costs": {**asdict(self.costs), "threshold": self.costs.threshold},
            "flights": self.flights,
            "fits": self.fits,
            "training_seconds": self.seconds,
        }


def _plain(grid: np.ndarray) -> list[list[float | None]]:
    return [[None if np.isnan(value) else float(value) for value in row] for row in grid]


def _as_dict(result: Result) -> dict:
    means = ("log_loss", "roc_auc", "brier", "calibration_error", "calibration_gap", "cost_per_1000", "regret")
    names = ("trainings", "promotions", "refusals", "seconds")
    verdicts = [{**asdict(verdict), "was_right": verdict.was_right} for verdict in result.verdicts]
    return {
        **{f"mean_{name}": result.mean(name) for name in means},
        **{name: getattr(result, name) for name in names},
        "over_monthly": asdict(result.over_monthly) if result.over_monthly else None,
        "months": [asdict(month) for month in result.months],
        "trained": [asdict(training) for training in result.trained],
        "verdicts": verdicts,
    }
