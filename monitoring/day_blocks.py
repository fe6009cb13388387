"""Quality of a month of predictions when its days are drawn again: what an interval that respects days is made of."""

from dataclasses import dataclass

import numpy as np

from monitoring.quality import loss_per_row


@dataclass(frozen=True)
class Gain:
    """A mean over months with its two-sided interval; above 0 is better."""

    mean: float
    lower: float
    upper: float

    @classmethod
    def of(cls, rounds: np.ndarray, confidence: float) -> "Gain":
        """From the mean of each round, (n_rounds,), of which the first is the months as they were."""
        tail = (1 - confidence) / 2
        lower, upper = np.quantile(rounds[1:], [tail, 1 - tail])
        return cls(float(rounds[0]), float(lower), float(upper))

    @property
    def sign(self) -> int:
        """1 when the whole interval lies above 0, -1 when below, 0 when it holds 0."""
        return int(self.lower > 0) - int(self.upper < 0)


@dataclass(frozen=True)
class DayTotals:
    """What a month's AUC and log loss are made of, by day, so that a day can count twice or not at all.

    `won[d, e]` counts the pairs of a late flight of day d and a flight in time of day e in which the late
    one has the higher probability, a tie as half; the others are sums of a day, (n_days,).
    """

    won: np.ndarray
    late: np.ndarray
    in_time: np.ndarray
    loss: np.ndarray

    @classmethod
    def of(cls, probability: np.ndarray, is_late: np.ndarray, day: np.ndarray) -> "DayTotals":
        """The totals of probabilities (n_rows,) against labels 0 or 1, each row with its day."""
        days, index = np.unique(day, return_inverse=True)
        late = np.bincount(index, weights=is_late == 1)
        losses = np.bincount(index, weights=loss_per_row(probability, is_late))
        rows = [index == place for place in range(len(days))]
        ours, owner = probability[is_late == 1], index[is_late == 1]
        won = np.column_stack(
            [
                np.bincount(owner, _won_against(np.sort(probability[one & (is_late == 0)]), ours), len(days))
                for one in rows
            ]
        )
        return cls(won, late, np.bincount(index) - late, losses)

    @property
    def days(self) -> int:
        """How many days there are."""
        return len(self.late)

    def roc_auc(self, times: np.ndarray) -> np.ndarray:
        """ROC-AUC when each day counts so many times: (n_rounds, n_days) to (n_rounds,)."""
        return ((times @ self.won) * times).sum(axis=1) / ((times @ self.late) * (times @ self.in_time))

    def log_loss(self, times: np.ndarray) -> np.ndarray:
        """Log loss when each day counts so many times: (n_rounds, n_days) to (n_rounds,)."""
        return (times @ self.loss) / (times @ (self.late + self.in_time))


def draw_days(days: int, rounds: int, dice: np.random.Generator) -> np.ndarray:
    """How often each day is drawn when as many days are drawn with replacement, (n_rounds, n_days)."""
    return dice.multinomial(days, np.full(days, 1 / days), size=rounds).astype(float)


def mean_of_months(
    values: np.ndarray, day: np.ndarray, month: np.ndarray, confidence: float, seed: int, rounds: int = 2000
) -> Gain:
    """The mean over months of the mean of `values`, with the interval of days drawn again within each month.

    All three are (n_rows,). Each month counts the same; a day lies in one month.
    """
    dice = np.random.default_rng(seed)
    means = []
    for one in np.unique(month):
        rows = month == one
        _, index = np.unique(day[rows], return_inverse=True)
        sums, counts = np.bincount(index, weights=values[rows]), np.bincount(index)
        times = np.concatenate([np.ones((1, len(counts))), draw_days(len(counts), rounds, dice)])
        means.append((times @ sums) / (times @ counts))
    return Gain.of(np.mean(means, axis=0), confidence)


def _won_against(others: np.ndarray, ours: np.ndarray) -> np.ndarray:
    """For each of `ours` how many of the sorted `others` it exceeds, a tie as half."""
    return (np.searchsorted(others, ours, "left") + np.searchsorted(others, ours, "right")) / 2
