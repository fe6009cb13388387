"""From probability to decision: what a mistake costs, the threshold that follows, and what decisions have cost."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class CostTable:
    """What a late flight nobody was warned of costs, and a warning about a flight in time; a right answer costs 0.

    The unit is the cost of one false alarm unless the settings say otherwise.
    """

    missed_late: float = 3.0
    false_alarm: float = 1.0

    @property
    def threshold(self) -> float:
        """The probability from which warning is the cheaper answer, if probabilities are calibrated.

        Warning costs (1 - p) * false_alarm on average, silence p * missed_late. Source: Elkan 2001, The
        Foundations of Cost-Sensitive Learning, IJCAI, equation 2.

        >>> CostTable(missed_late=3, false_alarm=1).threshold
        0.25
        """
        return self.false_alarm / (self.false_alarm + self.missed_late)


def decide_warnings(probability: np.ndarray, threshold: float) -> np.ndarray:
    """Whether each flight is warned of, (n_rows,) of bool; a probability at the threshold is."""
    return probability >= threshold


def cost_per_row(warned: np.ndarray, is_late: np.ndarray, costs: CostTable) -> np.ndarray:
    """What each decision has cost, (n_rows,), 0 best.

    >>> cost_per_row(np.array([True, True, False]), np.array([1, 0, 1]), CostTable()).tolist()
    [0.0, 1.0, 3.0]
    """
    return np.where(is_late == 1, np.where(warned, 0.0, costs.missed_late), np.where(warned, costs.false_alarm, 0.0))


def cost_per_thousand(probability: np.ndarray, is_late: np.ndarray, costs: CostTable) -> float:
    """Cost of a thousand flights decided at the threshold of the cost table, 0 best."""
    warned = decide_warnings(probability, costs.threshold)
    return float(1000 * cost_per_row(warned, is_late, costs).mean())
