"""What a bake-off measures: each policy by month, its regret and cost, how models age, and when the gate was right."""

from dataclasses import asdict, dataclass

import numpy as np

from monitoring.day_blocks import Gain, mean_of_months
from monitoring.quality import Quality, loss_per_row, measure_quality

CONFIDENCE = 0.95
BINS = 10


@dataclass(frozen=True)
class Costs:
    """What a wrong answer costs: a flight in time called late, and a late one that was not called."""

    false_alarm: float = 1.0
    missed: float = 3.0

    @property
    def threshold(self) -> float:
        """The probability from which calling a flight late costs less than not calling it.

        Source: Elkan 2001, The Foundations of Cost-Sensitive Learning, IJCAI, equation 2.

        >>> Costs(1, 3).threshold
        0.25
        """
        return self.false_alarm / (self.false_alarm + self.missed)


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
        return None if None in seconds else sum(seconds)


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
    costs: Costs
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


def score_months(
    probability: np.ndarray, bound: np.ndarray, flights: Flights, costs: Costs, efforts: dict[str, Effort]
) -> tuple[MonthScore, ...]:
    """A policy's probabilities (n_flights,) by month, beside those of hindsight; `efforts` by month, `2013-07`."""
    scores = []
    for month in np.unique(flights.month):
        rows = flights.month == month
        said, is_late = probability[rows], flights.is_late[rows]
        quality = measure_quality(said, is_late)
        scores.append(
            MonthScore(
                month=str(month),
                quality=quality,
                calibration_error=calibration_error(said, is_late),
                cost_per_1000=cost_per_1000(said, is_late, costs),
                regret=quality.log_loss - float(loss_per_row(bound[rows], is_late).mean()),
                effort=efforts.get(str(month), Effort()),
            )
        )
    return tuple(scores)


def calibration_error(probability: np.ndarray, is_late: np.ndarray) -> float:
    """Expected calibration error over ten bins of equally many flights, 0 best, at most 1.

    The mean over the bins of how far the mean probability is from the late share.
    Source: Naeini, Cooper and Hauskrecht 2015, AAAI, there with bins of equal width.

    >>> calibration_error(np.array([0.2] * 10), np.array([1, 1] + [0] * 8)).__round__(3)
    0.0
    """
    order = np.argsort(probability, kind="stable")
    edges = np.unique(np.concatenate([[0], np.flatnonzero(np.diff(probability[order])) + 1]))
    wanted = np.arange(BINS) * len(order) / BINS
    starts = np.unique(edges[np.searchsorted(edges, wanted, "right") - 1])  # flights of one probability share a bin
    gaps = np.add.reduceat(probability[order] - is_late[order], starts)
    return float(np.abs(gaps).sum() / len(order))


def cost_per_1000(probability: np.ndarray, is_late: np.ndarray, costs: Costs) -> float:
    """What a thousand flights cost when every flight from the threshold on is called late; 0 best."""
    called = probability >= costs.threshold
    wrong = costs.false_alarm * (called & (is_late == 0)) + costs.missed * (~called & (is_late == 1))
    return float(1000 * wrong.mean())


def compare(better: np.ndarray, than: np.ndarray, flights: Flights, seed: int) -> Gain:
    """What the first probabilities gain in log loss over the second: mean of months, days drawn again within each."""
    gained = loss_per_row(than, flights.is_late) - loss_per_row(better, flights.is_late)
    return mean_of_months(gained, flights.day, flights.month, CONFIDENCE, seed)


def judge_verdict(
    facts: dict[str, object], challenger: np.ndarray, champion: np.ndarray, flights: Flights, seed: int
) -> Verdict | None:
    """What the flights after a verdict said of it; None when there are none, as after the last week.

    `facts` are `decided_on`, `promoted`, `reason` and `window`. The days are drawn again as one block of weeks.
    """
    if not len(flights.is_late):
        return None
    one = Flights(flights.is_late, flights.day, np.zeros(len(flights.day)))
    return Verdict(
        **facts,
        challenger_loss=float(loss_per_row(challenger, flights.is_late).mean()),
        champion_loss=float(loss_per_row(champion, flights.is_late).mean()),
        gain=compare(challenger, champion, one, seed),
        flights=len(flights.is_late),
    )


def measure_staleness(said: dict[tuple[str, str], np.ndarray], flights: Flights, seed: int) -> Staleness:
    """How models age; `said[learned, scored]` is what the model of one month said of the flights of another.

    Both are months, `2013-07`, and a model says nothing of months before its own.
    """
    learned, scored = (tuple(sorted({pair[place] for pair in said})) for place in (0, 1))
    found = {pair: measure_quality(one, _of_month(flights, pair[1]).is_late) for pair, one in said.items()}
    log_loss, roc_auc = (
        np.array([[_or_nan(found.get((row, column)), measure) for column in scored] for row in learned])
        for measure in ("log_loss", "roc_auc")
    )
    ages = range(1, max(_age(*pair) for pair in said) + 1)
    return Staleness(
        learned, scored, log_loss, roc_auc, tuple(_measure_age(age, said, found, flights, seed) for age in ages)
    )


def _measure_age(age: int, said: dict, found: dict[tuple[str, str], Quality], flights: Flights, seed: int) -> Age:
    pairs = [(old, month) for old, month in said if _age(old, month) == age and (month, month) in said]
    parts = [_of_month(flights, month) for _, month in pairs]
    both = Flights(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("is_late", "day", "month")))
    old, fresh = (np.concatenate([said[pair] for pair in chosen]) for chosen in (pairs, [(m, m) for _, m in pairs]))
    auc = [_or_nan(found[month, month], "roc_auc") - _or_nan(found[old, month], "roc_auc") for old, month in pairs]
    return Age(age, len(pairs), compare(fresh, old, both, seed), float(np.mean(auc)))


def _of_month(flights: Flights, month: str) -> Flights:
    rows = flights.month.astype(str) == month
    return Flights(flights.is_late[rows], flights.day[rows], flights.month[rows])


def _age(learned: str, scored: str) -> int:
    return int((np.datetime64(scored, "M") - np.datetime64(learned, "M")).astype(int))


def _or_nan(quality: Quality | None, measure: str) -> float:
    value = getattr(quality, measure, None)
    return np.nan if value is None else value


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
