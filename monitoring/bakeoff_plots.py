"""The plots of a bake-off as inline SVG, in the style of `monitoring/plots.py`."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from monitoring.bakeoff import Result, Staleness
from monitoring.decision import RECENT
from monitoring.plots import BLUE, GREEN, GREY, INK, LIGHT, ORANGE, RED, WIDE, drawn

COLOURS = (GREY, INK, ORANGE, "#7b3fa0", "#0f8b8d", "#d99a00", BLUE, GREEN, "#a33b6b", "#5a7d1a")
STEPS = {
    "log_loss": (-0.02, -0.01, -0.005, -0.002, 0.002, 0.005, 0.01, 0.02),
    "roc_auc": (-0.04, -0.02, -0.01, -0.004, 0.004, 0.01, 0.02, 0.04),
}
STYLES = ("-", "--", ":", "-.")


@drawn
def plot_months(results: Sequence[Result]) -> tuple[Figure, str]:
    """Log loss of every policy by month, and below it what each has above hindsight."""
    figure = Figure(figsize=(WIDE, 6.4))
    levels, regrets = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.6))
    for number, result in enumerate(_distinct(results)):
        look = _look(number, result)
        places = range(len(result.months))
        levels.plot(places, [month.quality.log_loss for month in result.months], **look)
        regrets.plot(places, [1000 * month.regret for month in result.months], **look)
    levels.set_ylabel("log loss (lower is better)")
    regrets.set_ylabel("above hindsight, thousandths")
    regrets.axhline(0, color=INK, linewidth=0.8)
    for axes in (levels, regrets):
        axes.grid(axis="y")
    months = [date.fromisoformat(f"{month.month}-01") for month in results[0].months]
    regrets.set_xticks(range(len(months)), [f"{month:%b}" for month in months])
    figure.align_ylabels()
    figure.legend(*levels.get_legend_handles_labels(), loc="outside upper left", ncols=4)
    return figure, f"Log loss of {len(results)} policies over {len(months)} months, and their distance from hindsight"


@drawn
def plot_trainings(results: Sequence[Result]) -> tuple[Figure, str]:
    """When each policy trained and whether the model became champion, one row a policy, on one clock."""
    figure = Figure(figsize=(WIDE, 1.3 + 0.34 * len(results)))
    axes = figure.subplots()
    for row, result in enumerate(results):
        axes.axhline(row, color=LIGHT, linewidth=1, zorder=1)
        for one in result.trained:
            colour = GREEN if one.promoted else RED
            shape, filled = "D" if one.window == RECENT else "o", colour if one.promoted else "white"
            look: dict[str, Any] = {"color": colour, "markerfacecolor": filled, "markersize": 6, "markeredgewidth": 1.6}
            axes.plot(_place(one.decided_on), row, shape, **look)
    axes.set_yticks(range(len(results)), [result.name for result in results])
    axes.set_ylim(len(results) - 0.4, -0.6)
    _name_days(axes, results[0].months[0].month, results[0].months[-1].month)
    axes.tick_params(axis="y", length=0)
    marks = [_mark("o", GREEN, GREEN, "became champion"), _mark("o", RED, "white", "refused"),
             _mark("D", GREY, "white", "diamond: learned from the newest weeks alone")]  # fmt: skip
    figure.legend(handles=marks, loc="outside upper left", ncols=3)
    return figure, f"Timeline of the trainings of {len(results)} policies"


@drawn
def plot_staleness(staleness: Staleness, measure: str) -> tuple[Figure, str]:
    """The model of each month on every later one: the number in the cell, its distance from the fresh one in colour."""
    grid = getattr(staleness, measure)
    fresh = np.array([_fresh(staleness, grid, month) for month in staleness.scored])
    worse = (grid - fresh) * (1 if measure == "log_loss" else -1)
    figure = Figure(figsize=(WIDE, 1.5 + 0.36 * len(staleness.learned)))
    axes = figure.subplots()
    steps = STEPS[measure]
    colours = matplotlib.colormaps["RdBu_r"].resampled(len(steps) + 1)  # steps, since a smooth bar becomes an image
    norm = BoundaryNorm(steps, colours.N, extend="both")
    mesh = axes.pcolormesh(worse, cmap=colours, norm=norm, edgecolor="white", linewidth=1)
    for row, column in zip(*np.nonzero(~np.isnan(grid)), strict=True):
        dark = abs(worse[row, column]) > steps[-2]
        axes.text(column + 0.5, row + 0.5, f"{grid[row, column]:.4f}", ha="center", va="center",
                  color="white" if dark else INK)  # fmt: skip
    axes.set_xticks(np.arange(len(staleness.scored)) + 0.5, [_month(month) for month in staleness.scored])
    axes.set_yticks(np.arange(len(staleness.learned)) + 0.5, [f"model of 1 {_month(one)}" for one in staleness.learned])
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(mesh, location="top", aspect=60, shrink=0.6, anchor=(0, 0), format="{x:+g}")
    name = {"log_loss": "log loss", "roc_auc": "ROC-AUC"}[measure]
    bar.set_label(f"worse than the fresh model of that month by so much {name}", loc="left")
    bar.outline.set_visible(False)
    return figure, f"Heat map of {name} of {len(staleness.learned)} models on {len(staleness.scored)} months"


def _distinct(results: Sequence[Result]) -> list[Result]:
    """The policies without those that answered exactly as one before them did."""
    first = {tuple(month.quality for month in result.months): result for result in reversed(results)}
    return [result for result in results if result in first.values()]


def _look(number: int, result: Result) -> dict:
    colour = COLOURS[number % len(COLOURS)]
    style = STYLES[number // len(COLOURS) % len(STYLES)]
    wide = 2.4 if result.policy == "gated" else 1.3
    return {
        "label": result.name,
        "color": colour,
        "linestyle": style,
        "linewidth": wide,
        "marker": "o",
        "markersize": 3,
    }


def _fresh(staleness: Staleness, grid: np.ndarray, month: str) -> float:
    """What the model of a month's first day says of that month; NaN where there was none."""
    if month not in staleness.learned:
        return np.nan
    return grid[staleness.learned.index(month), staleness.scored.index(month)]


def _place(day: str) -> float:
    return date.fromisoformat(day).toordinal()


def _name_days(axes: Axes, first: str, last: str) -> None:
    months = [str(month) for month in np.arange(np.datetime64(first, "M"), np.datetime64(last, "M") + 2)]
    axes.set_xticks([_place(f"{month}-01") for month in months], [_month(month) for month in months])
    axes.grid(axis="x")


def _month(month: str) -> str:
    return f"{date.fromisoformat(f'{month}-01'):%b}"


def _mark(shape: str, edge: str, face: str, label: str) -> Line2D:
    return Line2D([], [], linestyle="", marker=shape, color=edge, markerfacecolor=face, markersize=7, label=label)
