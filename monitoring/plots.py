"""The plots of the year as inline SVG, and how every plot is drawn; equal data gives equal bytes."""

import hashlib
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import wraps
from html import escape
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from monitoring.decision import PAGE, RECENT, RETRAIN, ROLL_BACK, WAIT, WATCH
from monitoring.summary import PeriodRow
from monitoring.windows import DRIFT_THRESHOLD

BLUE, ORANGE, GREY, LIGHT, GREEN, RED, AMBER, INK = (
    "#1f5fa8", "#c85a11", "#6b7280", "#cfd6df", "#1a7f4b", "#b3261e", "#d99a00", "#1f2937",
)  # fmt: skip
WIDE = 11.0

STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "preflight",
    "text.parse_math": False,
    "figure.constrained_layout.use": True,
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "axes.axisbelow": True,
    "grid.color": "#e5e7eb",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
}


@dataclass(frozen=True)
class Metric:
    """How a metric is named, and which end is good: `sign` is +1 where higher is better, -1 where lower is."""

    name: str
    better: str
    sign: int
    answers: tuple[str, ...]


RANKING, PROBABLE = ("live", "frozen"), ("live", "frozen", "base_rate")  # saying the same of all ranks nothing
METRICS = {
    "roc_auc": Metric("ROC-AUC", "higher is better", 1, RANKING),
    "log_loss": Metric("log loss", "lower is better", -1, PROBABLE),
}
ANSWERS = {
    "live": {"label": "live champion", "color": BLUE, "linewidth": 2, "marker": "o", "markersize": 3.5, "zorder": 3},
    "frozen": {"label": "frozen champion", "color": ORANGE, "linewidth": 1.5, "marker": "s", "markersize": 3},
    "base_rate": {"label": "base rate", "color": GREY, "linewidth": 1.2, "linestyle": "--", "marker": "_"},
}
ACTIONS = {PAGE: RED, ROLL_BACK: INK, RETRAIN: BLUE, WATCH: AMBER, WAIT: LIGHT}
DRIFT_BOUNDS = (0, DRIFT_THRESHOLD / 2, DRIFT_THRESHOLD, *(DRIFT_THRESHOLD * 2**power for power in range(1, 5)))
DRIFT_COLOURS = ("#f5f6f8", "#dfe3e8", "#c6dbef", "#93bfdd", "#5d8fc4", "#4c5fa8", "#3b2a6b")


def drawn(draw: Callable[..., tuple[Figure, str]]) -> Callable[..., str]:
    """Draw in the house style; what the function returns, a figure and what it shows, becomes inline SVG."""

    @wraps(draw)
    def as_inline_svg(*args: object, **options: object) -> str:
        with matplotlib.rc_context(STYLE):
            figure, shows = draw(*args, **options)
            file = io.StringIO()
            figure.savefig(file, format="svg")
        return _inline(file.getvalue(), shows)

    return as_inline_svg


@drawn
def plot_quality(rows: Sequence[PeriodRow], metric: str) -> tuple[Figure, str]:
    """One metric of the three answers by period, and below it what retraining gained over the frozen champion."""
    figure = Figure(figsize=(5.4, 4))
    levels, gains = figure.subplots(2, 1, sharex=True, height_ratios=(2.5, 1))
    known = METRICS[metric]
    places = range(len(rows))
    values = {answer: _values(rows, answer, metric) for answer in known.answers}
    for answer, line in values.items():
        levels.plot(places, line, **ANSWERS[answer])
    levels.set_ylabel(f"{known.name} ({known.better})")
    gain = known.sign * (values["live"] - values["frozen"])
    gains.bar(places, np.nan_to_num(gain), color=np.where(gain < 0, ORANGE, BLUE), width=0.7)
    gains.axhline(0, color=INK, linewidth=0.8)
    gains.set_ylabel("gain")
    for axes in (levels, gains):
        axes.grid(axis="y")
    name_months(gains, [row.period for row in rows])
    figure.align_ylabels()
    figure.legend(*levels.get_legend_handles_labels(), loc="outside upper left", ncols=3)
    named = ", ".join(str(ANSWERS[answer]["label"]) for answer in known.answers)
    return figure, f"{known.name} of {named} over {len(rows)} periods"


@drawn
def plot_drift(measured: Sequence[dict]) -> tuple[Figure, str]:
    """Distance of every feature in every week from the window its champion learned from, the farthest on top."""
    features = rank_features(measured)
    grid = np.array([[event["drift"].get(name, np.nan) for event in measured] for name in features])
    figure = Figure(figsize=(WIDE, 1.6 + 0.2 * len(features)))
    axes = figure.subplots()
    colours = ListedColormap(DRIFT_COLOURS)
    mesh = axes.pcolormesh(
        grid, cmap=colours, norm=BoundaryNorm(DRIFT_BOUNDS, colours.N, extend="max"), edgecolor="white", linewidth=0.6
    )
    axes.set_yticks(np.arange(len(features)) + 0.5, features)
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    name_months(axes, [event["week"] for event in measured], offset=0.5)
    _mark_versions(axes, [event["version"] for event in measured])
    bar = figure.colorbar(mesh, location="top", aspect=60, shrink=0.6, anchor=(0, 0), format="{x:g}")
    bar.set_label(f"distance; grey: below {DRIFT_THRESHOLD:g}", loc="left")
    bar.outline.set_visible(False)
    return figure, f"Heat map of the drift of {len(features)} features over {len(measured)} weeks"


@drawn
def plot_versions(
    gates: Sequence[dict], scores: Sequence[dict], decisions: Sequence[dict], refits: Mapping[int, int]
) -> tuple[Figure, str]:
    """Which version was champion when, every verdict of the gate, and every weekly decision, on one clock.

    `refits` leads from a version that was judged to the one it is served as, which has no line of its own.
    """
    judged = {refit: version for version, refit in refits.items()}
    weeks = sorted({event["week"] for event in (*gates, *scores, *decisions)})
    place = {week: number for number, week in enumerate(weeks)}
    lines = {version: number for number, version in enumerate(sorted({event["version"] for event in gates}))}
    figure = Figure(figsize=(WIDE, 2.2 + 0.22 * len(lines)))
    served, decided = figure.subplots(2, 1, sharex=True, height_ratios=(max(len(lines), 3), 3))
    for event in scores:
        line = judged.get(event["version"], event["version"])
        served.broken_barh([(place[event["week"]], 1)], (lines[line] - 0.3, 0.6), color=BLUE)
    for event in gates:
        _mark_verdict(served, place[event["week"]] + 1, lines[event["version"]], event)
    served.set_yticks(list(lines.values()), [_line_name(version, refits) for version in lines])
    served.set_ylim(len(lines) - 0.3, -0.7)
    rows = {action: number for number, action in enumerate(ACTIONS)}
    for event in decisions:
        left, row = place[event["week"]], rows[event["action"]]
        decided.broken_barh([(left + 0.1, 0.8)], (row - 0.35, 0.7), color=ACTIONS[event["action"]])
    decided.set_yticks(range(len(ACTIONS)), list(ACTIONS))
    decided.set_ylim(len(ACTIONS) - 0.4, -0.6)
    for axes in (served, decided):
        axes.grid(axis="x" if axes is decided else "both")
    decided.set_xlim(0, len(weeks) + 1)
    name_months(decided, weeks)
    figure.legend(handles=_version_legend(), loc="outside upper left", ncols=4)
    return figure, f"Timeline of {len(lines)} versions, their verdicts and {len(decisions)} weekly decisions"


@drawn
def plot_feeds(validated: Sequence[dict]) -> tuple[Figure, str]:
    """Rows of each feed by week: accepted as bars, quarantined and warnings as marks above the week."""
    feeds = sorted({feed for event in validated for feed in event["feeds"]})
    figure = Figure(figsize=(WIDE, 0.8 + 1.25 * len(feeds)))
    panels = figure.subplots(len(feeds), 1, sharex=True, squeeze=False)[:, 0]
    for axes, feed in zip(panels, feeds, strict=True):
        counts = {number: event["feeds"][feed] for number, event in enumerate(validated) if feed in event["feeds"]}
        axes.bar(list(counts), [count["accepted"] for count in counts.values()], color=LIGHT, width=0.8)
        for number, count in counts.items():
            _mark_trouble(axes, number, count)
        axes.set_title(f"{feed}, rows per week")
        axes.margins(x=0.01)
        axes.set_ylim(0, 1.35 * max(count["landed"] for count in counts.values()))
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.grid(axis="y")
    name_months(panels[-1], [event["week"] for event in validated])
    figure.legend(handles=_feed_legend(), loc="outside upper left", ncols=3)
    return figure, f"Rows of {', '.join(feeds)} over {len(validated)} weeks, with quarantined rows and warnings"


def rank_features(measured: Sequence[dict]) -> list[str]:
    """The features by their mean drift over the weeks, the farthest first."""
    names = {name for event in measured for name in event["drift"]}
    mean = {name: np.mean([event["drift"][name] for event in measured if name in event["drift"]]) for name in names}
    return sorted(names, key=lambda name: (-mean[name], name))


def _values(rows: Sequence[PeriodRow], answer: str, metric: str) -> np.ndarray:
    """One metric of one answer by period, (n_periods,), NaN where it does not exist."""
    return np.array([getattr(getattr(row, answer), metric) for row in rows], dtype=float)


def name_months(axes: Axes, periods: Sequence[str], offset: float = 0.0) -> None:
    """A tick at the first period of each month, with the year at the first tick and in January."""
    months = [_month_of(period) for period in periods]
    firsts = [number for number, month in enumerate(months) if number == 0 or month != months[number - 1]]
    if len(firsts) < len(months) and firsts[1:2] == [1]:
        firsts = firsts[1:]  # a month of one week has no room for its name
    names = [f"{months[number]:%b\n%Y}" if months[number].month == 1 else f"{months[number]:%b}" for number in firsts]
    names[0] = f"{months[firsts[0]]:%b\n%Y}"
    axes.set_xticks([number + offset for number in firsts], names)


def _month_of(period: str) -> date:
    """First day of a month `2013-07`, or of the month that holds most of the week from Monday `2013-07-01`."""
    if len(period) == len("2013-07"):
        return date.fromisoformat(f"{period}-01")
    return (date.fromisoformat(period) + timedelta(days=3)).replace(day=1)


def _mark_versions(axes: Axes, versions: Sequence[int]) -> None:
    """A line where another version became champion, with its name above."""
    for number, version in enumerate(versions):
        if number == 0 or version != versions[number - 1]:
            axes.axvline(number, color=INK, linewidth=1)
            axes.annotate(f"v{version}", (number, 0), (2, 3), textcoords="offset points", fontsize=8)


def _line_name(version: int, refits: Mapping[int, int]) -> str:
    return f"version {version}, served as {refits[version]}" if version in refits else f"version {version}"


def _mark_verdict(axes: Axes, moment: int, line: int, event: dict) -> None:
    colour = GREEN if event["promote"] else RED
    shape = "D" if event["window"] == RECENT else "o"
    filled = colour if event["promote"] else "white"
    look: dict[str, Any] = {
        "color": colour,
        "markerfacecolor": filled,
        "markersize": 7,
        "markeredgewidth": 1.8,
        "zorder": 4,
    }
    axes.plot(moment, line, shape, **look)


def _mark_trouble(axes: Axes, number: int, count: dict) -> None:
    if count["quarantined"]:
        axes.plot(number, count["landed"], "v", color=RED, markersize=6)
        axes.annotate(
            f"{count['quarantined']:,}", (number, count["landed"]), (0, 5), textcoords="offset points", ha="center"
        )
    if count["warnings"]:
        axes.plot(number, count["landed"], "^", color=AMBER, markersize=6)


def _version_legend() -> list[Patch | Line2D]:
    def mark(shape: str, edge: str, face: str, label: str) -> Line2D:
        return Line2D([], [], linestyle="", marker=shape, color=edge, markerfacecolor=face, markersize=7, label=label)

    return [
        Patch(color=BLUE, label="champion of the week"),
        mark("o", GREEN, GREEN, "promoted"),
        mark("o", RED, "white", "refused"),
        mark("D", GREY, "white", "diamond: learned from the newest weeks alone"),
    ]


def _feed_legend() -> list[Patch | Line2D]:
    return [
        Patch(color=LIGHT, label="accepted"),
        Line2D([], [], linestyle="", marker="v", color=RED, label="quarantined, with their number"),
        Line2D([], [], linestyle="", marker="^", color=AMBER, label="warning"),
    ]


def _inline(document: str, shows: str) -> str:
    """The SVG element of a document: no metadata, which holds a date, no foreign namespace, ids of no other plot."""
    svg = document[document.index("<svg") :].strip()
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "").replace("xlink:href", "href")
    name = hashlib.sha256(svg.encode()).hexdigest()[:8]
    svg = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(shows)}" ', 1)
