"""The plots of monitoring as inline SVG. What differs in colour differs in shape, dash or hatching too."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from monitoring.alarms import DETECTORS, WITH_LABELS
from monitoring.plots import BLUE, GREY, INK, LIGHT, ORANGE, WIDE, drawn, name_months
from monitoring.watch import FALSE, PROVISIONAL, RIGHT, UNMARKED, Watch, WatchedWeek

METRICS = {"log_loss": "log loss", "late_share": "share late", "roc_auc": "ROC-AUC"}
VERDICTS: dict[str, dict[str, Any]] = {
    RIGHT: {"marker": "o", "color": BLUE, "markerfacecolor": BLUE},
    FALSE: {"marker": "X", "color": ORANGE, "markerfacecolor": "white"},
    UNMARKED: {"marker": "s", "color": INK, "markerfacecolor": LIGHT},
    PROVISIONAL: {"marker": "d", "color": GREY, "markerfacecolor": "white"},
}
"""How an alarm is marked by what later labels said of it; where a week has several, the first of these is drawn."""
ACTION_MARKS = {"wait": ".", "watch": "^", "retrain": "P", "roll back": "<", "page": "*"}
HATCH = "////"


def draw_watch(watch: Watch) -> dict[str, str]:
    """Every plot of the section that there is data for, by name."""
    if not watch.weeks:
        return {}
    metrics = {f"watch_{metric}": metric for metric in METRICS if _has(watch, metric)}
    return {
        **{name: plot_estimate(watch.weeks, metric) for name, metric in metrics.items()},
        **({"watch_calibration": plot_calibration(watch.weeks)} if _has(watch, "calibration_gap") else {}),
        **({"watch_alarms": plot_alarms(watch.weeks)} if watch.is_recorded else {}),
        **({"watch_coverage": plot_coverage(watch.weeks)} if any(w.coverage is not None for w in watch.weeks) else {}),
    }


@drawn
def plot_estimate(weeks: Sequence[WatchedWeek], metric: str) -> tuple[Figure, str]:
    """A metric by week: as estimated without labels, as it turned out, and the interval of the latter."""
    figure = Figure(figsize=(5.4, 3))
    axes = figure.subplots()
    places = np.arange(len(weeks))
    bounds = np.array([week.intervals.get(metric, (np.nan, np.nan)) for week in weeks], dtype=float)
    realised, estimated = (_values(kind, metric) for kind in ([w.realised for w in weeks], [w.estimate for w in weeks]))
    if not np.isnan(bounds).all():
        axes.fill_between(
            places, bounds[:, 0], bounds[:, 1], color=BLUE, alpha=0.18, linewidth=0, label="90 % interval"
        )
    axes.plot(places, realised, "o-", color=BLUE, linewidth=1.8, markersize=3, label="by labels")
    if not np.isnan(estimated).all():
        axes.plot(places, estimated, "s--", color=ORANGE, linewidth=1.4, markersize=3, label="estimated without labels")
    axes.set_ylabel(METRICS[metric])
    axes.grid(axis="y")
    name_months(axes, [week.week for week in weeks])
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=3)
    return figure, f"{METRICS[metric]} by week, as estimated without labels and as labels showed it, {len(weeks)} weeks"


@drawn
def plot_calibration(weeks: Sequence[WatchedWeek]) -> tuple[Figure, str]:
    """Mean probability less share late by month, of the live champion and of the frozen one; 0 is calibrated."""
    months = sorted({week.week[:7] for week in weeks})
    figure = Figure(figsize=(5.4, 3))
    axes = figure.subplots()
    places = np.arange(len(months))
    live = [monthly_gap([w for w in weeks if w.week[:7] == month], "realised") for month in months]
    frozen = [monthly_gap([w for w in weeks if w.week[:7] == month], "frozen") for month in months]
    axes.bar(places - 0.2, live, 0.38, color=BLUE, label="live champion")
    if not np.isnan(np.array(frozen)).all():
        axes.bar(places + 0.2, frozen, 0.38, color="white", edgecolor=ORANGE, hatch=HATCH, label="frozen champion")
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_ylabel("probability less share late")
    axes.grid(axis="y")
    name_months(axes, months)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return figure, f"Calibration gap of {len(months)} months: above 0 the model is too gloomy, below 0 too cheerful"


def monthly_gap(weeks: Sequence[WatchedWeek], answer: str) -> float:
    """The calibration gap of some weeks together, each counting by its labels; NaN where it was not measured."""
    gaps = _values([getattr(week, answer) for week in weeks], "calibration_gap")
    labelled = np.array([week.labelled for week in weeks], dtype=float)
    known = ~np.isnan(gaps) & (labelled > 0)
    return float(np.average(gaps[known], weights=labelled[known])) if known.any() else float("nan")


@drawn
def plot_alarms(weeks: Sequence[WatchedWeek]) -> tuple[Figure, str]:
    """When each detector was out of its band, whether later labels agree, and what was decided in the week."""
    rows = {name: number for number, name in enumerate(DETECTORS)}
    figure = Figure(figsize=(WIDE, 5))
    raised, decided = figure.subplots(2, 1, sharex=True, height_ratios=(len(rows), 2))
    for place, week in enumerate(weeks):
        for name in rows:
            _mark_alarms(raised, place, rows[name], [a.verdict for a in week.alarms if a.detector == name])
    raised.set_yticks(list(rows.values()), [f"{name} *" if name in WITH_LABELS else name for name in rows])
    raised.set_ylim(len(rows) - 0.4, -0.6)
    actions = {week.week: week.alarms[0].action for week in weeks if week.alarms}
    for place, week in enumerate(weeks):
        if actions.get(week.week):
            mark = ACTION_MARKS.get(actions[week.week], "o")
            decided.plot(place, 0, mark, color=INK, markersize=7)
    decided.set_yticks([0], ["decided"])
    decided.set_ylim(0.8, -0.8)
    for axes in (raised, decided):
        axes.grid(axis="both")
    decided.set_xlim(-0.8, len(weeks) - 0.2)
    name_months(decided, [week.week for week in weeks])
    taken = [action for action in ACTION_MARKS if action in actions.values()]
    figure.legend(handles=_alarm_legend(taken), loc="outside upper left", ncols=5)
    alarms = sum(len(week.alarms) for week in weeks)
    return figure, f"Timeline of {alarms} alarms of {len(rows)} detectors over {len(weeks)} weeks, with the decisions"


@drawn
def plot_coverage(weeks: Sequence[WatchedWeek]) -> tuple[Figure, str]:
    """Share of each week's flights whose label was known when the week ended; hatched where metrics are provisional."""
    figure = Figure(figsize=(5.4, 3))
    axes = figure.subplots()
    looks: dict[bool, dict[str, Any]] = {
        False: {"color": BLUE, "label": "enough to act on"},
        True: {"color": "white", "edgecolor": ORANGE, "hatch": HATCH, "label": "provisional"},
    }
    for kind, look in looks.items():
        chosen = [
            (place, week.coverage)
            for place, week in enumerate(weeks)
            if week.is_provisional == kind and week.coverage is not None
        ]
        if chosen:
            places, coverage = zip(*chosen, strict=True)
            axes.bar(places, coverage, width=0.75, **look)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set_ylabel("flights with a label")
    axes.grid(axis="y")
    name_months(axes, [week.week for week in weeks])
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    provisional = sum(week.is_provisional for week in weeks)
    return figure, f"Label coverage of {len(weeks)} weeks, {provisional} of them provisional"


def _has(watch: Watch, metric: str) -> bool:
    return any(week.realised.get(metric) is not None for week in watch.weeks)


def _values(found: Sequence[dict], name: str) -> np.ndarray:
    """One number of each, (n_weeks,), NaN where there is none."""
    return np.array([one.get(name) for one in found], dtype=float)


def _mark_alarms(axes: Axes, place: int, row: int, verdicts: Sequence[str]) -> None:
    """One mark for the alarms of a detector in a week, with their number where there are several."""
    shown = next((name for name in VERDICTS if name in verdicts), None)
    if shown is None:
        return
    axes.plot(place, row, linestyle="", markersize=7, markeredgewidth=1.4, zorder=3, **VERDICTS[shown])
    if len(verdicts) > 1:
        axes.annotate(str(len(verdicts)), (place, row), (4, 2), textcoords="offset points", fontsize=7)


def _alarm_legend(actions: Sequence[str]) -> list[Line2D | Patch]:
    marks = [
        Line2D([], [], linestyle="", markersize=7, markeredgewidth=1.4, label=f"alarm, {name}", **look)
        for name, look in VERDICTS.items()
    ]
    decided = [
        Line2D([], [], linestyle="", marker=ACTION_MARKS[action], color=INK, markersize=7, label=f"decided: {action}")
        for action in actions
    ]
    return [*marks, *decided]
