"""The tables of a bake-off, once for the terminal, the page and the document: headings and cells as text."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from monitoring.bakeoff import Bakeoff, Result
from monitoring.day_blocks import Gain

NONE = "-"
LEFT, RIGHT = "left", "right"


@dataclass(frozen=True)
class Table:
    """A title, the headings with how each is justified, and the cells."""

    title: str
    columns: dict[str, str]
    rows: tuple[tuple[str, ...], ...]


def tabulate_bakeoff(bakeoff: Bakeoff) -> list[Table]:
    """Every table, the most important first."""
    return [
        tabulate_means(bakeoff),
        tabulate_efforts(bakeoff),
        tabulate_months(bakeoff, "log_loss", "Log loss by month, lower is better"),
        tabulate_months(bakeoff, "roc_auc", "ROC-AUC by month, higher is better"),
        tabulate_months(bakeoff, "calibration_gap", "Mean probability less the late share by month, 0 is best"),
        tabulate_months(bakeoff, "cost_per_1000", f"Cost of 1,000 flights by month ({_costs(bakeoff)})"),
        tabulate_staleness(bakeoff, "log_loss", "Log loss of the model of each month on every later month"),
        tabulate_staleness(bakeoff, "roc_auc", "ROC-AUC of the model of each month on every later month"),
        tabulate_ages(bakeoff),
        *(tabulate_verdicts(result) for result in bakeoff.results if result.verdicts),
    ]


def tabulate_means(bakeoff: Bakeoff) -> Table:
    """Each policy in numbers: means over the months."""
    first, last = bakeoff.results[0].months[0].month, bakeoff.results[0].months[-1].month
    heads = ("log loss", "ROC-AUC", "Brier", "ECE", "gap", "cost", "regret", "gain over monthly [95 %]")
    rows = [
        (
            result.name,
            *(f"{result.mean(name):.4f}" for name in ("log_loss", "roc_auc", "brier", "calibration_error")),
            f"{result.mean('calibration_gap'):+.4f}",
            f"{result.mean('cost_per_1000'):.1f}",
            f"{result.mean('regret'):.4f}",
            show_gain(result.over_monthly) if result.over_monthly else NONE,
        )
        for result in bakeoff.results
    ]
    return Table(f"Means over the months {first} to {last}", {"policy": LEFT, **dict.fromkeys(heads, RIGHT)}, (*rows,))


def tabulate_efforts(bakeoff: Bakeoff) -> Table:
    """What each policy spent."""
    heads = ("trainings", "promoted", "refused", "training seconds")
    rows = [
        (result.name, f"{result.trainings}", f"{result.promotions}", f"{result.refusals}",
         NONE if result.seconds is None else f"{result.seconds:.0f}")
        for result in bakeoff.results
        if result.trained
    ]  # fmt: skip
    return Table("Trainings of the year, the first model among them", _heads(heads), (*rows,))


def tabulate_months(bakeoff: Bakeoff, measure: str, title: str) -> Table:
    """One measure of every policy by month, beside the share of late flights."""
    months = bakeoff.results[0].months
    digits = ".1f" if measure == "cost_per_1000" else "+.4f" if measure == "calibration_gap" else ".4f"
    rows = [("flights", *(f"{month.quality.flights:,}" for month in months))] if measure == "log_loss" else []
    rows += [("late", *(f"{month.quality.late_share:.1%}" for month in months))] if measure == "log_loss" else []
    rows += [(result.name, *(_cell(month, measure, digits) for month in result.months)) for result in bakeoff.results]
    return Table(title, _heads([month.month for month in months]), (*rows,))


def tabulate_staleness(bakeoff: Bakeoff, measure: str, title: str) -> Table:
    """One measure of each month's model on every month from then on."""
    staleness = bakeoff.staleness
    grid = getattr(staleness, measure)
    rows = [
        (f"model of {month}-01", *(NONE if np.isnan(value) else f"{value:.4f}" for value in values))
        for month, values in zip(staleness.learned, grid, strict=True)
    ]
    return Table(title, {"learned until": LEFT, **dict.fromkeys(staleness.scored, RIGHT)}, (*rows,))


def tabulate_ages(bakeoff: Bakeoff) -> Table:
    """What models of each age lose to a fresh one."""
    rows = [
        (f"{age.months}", f"{age.models}", show_gain(age.lost), f"{age.auc_lost:+.4f}")
        for age in bakeoff.staleness.ages
    ]
    heads = ("models", "log loss added [95 %]", "AUC lost")
    return Table("What a model loses with age, against the fresh one of the same month",
                 {"age in months": LEFT, **dict.fromkeys(heads, RIGHT)}, (*rows,))  # fmt: skip


def tabulate_verdicts(result: Result) -> Table:
    """Every verdict of the gate beside what the four weeks after it said."""
    rows = [
        (
            verdict.decided_on,
            verdict.window,
            "promoted" if verdict.promoted else "refused",
            f"{verdict.challenger_loss:.4f}",
            f"{verdict.champion_loss:.4f}",
            show_gain(verdict.gain),
            "right" if verdict.was_right else "wrong",
            "yes" if verdict.is_sure else "no",
        )
        for verdict in result.verdicts
    ]
    numbers = ("challenger after", "champion after", "gain after [95 %]")
    columns = {"decided on": LEFT, "window": LEFT, "verdict": LEFT, **dict.fromkeys(numbers, RIGHT),
               "gate was": LEFT, "beyond the interval": LEFT}  # fmt: skip
    return Table(f"The gate under {result.name}, and log loss in the four weeks after each verdict", columns, (*rows,))


def show_gain(gain: Gain) -> str:
    """A gain with its interval.

    >>> show_gain(Gain(0.0123, -0.001, 0.02))
    '+0.0123 [-0.0010, +0.0200]'
    """
    return f"{gain.mean:+.4f} [{gain.lower:+.4f}, {gain.upper:+.4f}]"


def _heads(names: list[str] | tuple[str, ...]) -> dict[str, str]:
    return {"policy": LEFT, **dict.fromkeys(names, RIGHT)}


def _cell(month: Any, measure: str, digits: str) -> str:
    value = getattr(month, measure) if hasattr(month, measure) else getattr(month.quality, measure)
    return NONE if value is None else f"{value:{digits}}"


def _costs(bakeoff: Bakeoff) -> str:
    costs = bakeoff.costs
    wrong = f"false alarm {costs.false_alarm:g}, missed late flight {costs.missed_late:g}"
    return f"{wrong}, called from {costs.threshold:.2f}"
