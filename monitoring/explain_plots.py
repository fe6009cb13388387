"""The plots of what a model listens to, as inline SVG in the style of `monitoring/plots.py`."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from monitoring.plots import BLUE, GREEN, GREY, INK, LIGHT, ORANGE, RED, drawn

NARROW, THIRD = 5.4, 3.7  # inches: of two, and of three beside each other
MOST_BARS = 15
SKEWED = 5
"""So many times farther from the middle to the last decile than from the first to the middle: the axis is a log's."""


@drawn
def plot_importance(ranked: Sequence[dict], axis: str) -> tuple[Figure, str]:
    """The most important ones as bars from the top, each with its interval as a line."""
    shown = ranked[:MOST_BARS]
    figure = Figure(figsize=(NARROW, 0.9 + 0.24 * len(shown)))
    axes = figure.subplots()
    places = range(len(shown))
    axes.barh(places, [one["mean"] for one in shown], color=BLUE, alpha=0.6, height=0.65)
    for place, one in zip(places, shown, strict=True):
        axes.plot([one["lower"], one["upper"]], [place, place], color=INK, linewidth=1.2)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(places, [one["name"] for one in shown])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.grid(axis="x")
    axes.set_xlabel(axis)
    return figure, f"{axis} of {len(shown)}, the most important is {shown[0]['name']}"


@drawn
def plot_dependence(dependence: dict) -> tuple[Figure, str]:
    """Mean probability by value: firm between first and last decile of flights, dotted outside, ticks at each."""
    figure = Figure(figsize=(THIRD, 2.5))
    axes = figure.subplots()
    draw = _draw_curve if dependence["deciles"] else _draw_categories
    draw(axes, dependence)
    if dependence["mean_missing"] is not None:
        label = f"missing, {dependence['share_missing']:.0%} of flights"
        axes.axhline(dependence["mean_missing"], color=ORANGE, linestyle=":", linewidth=1.4, label=label)
        figure.legend(loc="outside upper right")
    scale = ", log scale" if axes.get_xscale() == "symlog" else ""
    axes.set_xlabel(f"{dependence['feature']} [{dependence['unit'] or 'no unit'}{scale}]")
    axes.set_ylabel("mean probability")
    axes.grid(axis="y")
    low, high = min(dependence["means"], default=0), max(dependence["means"], default=0)
    return figure, f"Mean probability by {dependence['feature']}, from {low:.3f} to {high:.3f}"


@drawn
def plot_waterfall(example: dict) -> tuple[Figure, str]:
    """From the bias by way of each group to the score of one flight, in log-odds."""
    figure = Figure(figsize=(THIRD, 2.4))
    axes = figure.subplots()
    ordered = sorted(example["groups"].items(), key=lambda group: -abs(group[1]))
    at = example["bias"]
    for place, (_, added) in enumerate(ordered):
        axes.barh(place, added, left=at, color=RED if added > 0 else GREEN, height=0.62)
        axes.plot([at + added] * 2, [place - 0.3, place + 1.3], color=GREY, linewidth=0.8)
        axes.annotate(f"{added:+.2f}", (max(at, at + added), place), (4, 0), textcoords="offset points", va="center")
        at += added
    axes.barh(len(ordered), at, color=LIGHT, height=0.62)
    axes.annotate(f"{at:+.2f}", (max(at, 0), len(ordered)), (4, 0), textcoords="offset points", va="center")
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.axvline(example["bias"], color=GREY, linewidth=0.8, linestyle="--")
    axes.set_yticks(range(len(ordered) + 1), [*(name for name, _ in ordered), "log-odds"])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.margins(x=0.14)
    axes.set_xlabel(f"log-odds of late; dashed: bias {example['bias']:+.2f}")
    told = ", ".join(f"{name} {added:+.2f}" for name, added in ordered)
    return figure, f"From bias {example['bias']:+.2f} to {at:+.2f}: {told}"


def _draw_curve(axes: Axes, dependence: dict) -> None:
    values, means, deciles = dependence["values"], dependence["means"], dependence["deciles"]
    axes.plot(values, means, color=BLUE, linewidth=1.2, linestyle=":", marker=".", markersize=4)
    inside = [(value, mean) for value, mean in zip(values, means, strict=True) if deciles[0] <= value <= deciles[-1]]
    axes.axvspan(deciles[0], deciles[-1], color=LIGHT, alpha=0.35, linewidth=0)
    if inside:
        axes.plot(*zip(*inside, strict=True), color=BLUE, linewidth=2.2)
    if deciles[8] - deciles[4] > SKEWED * (deciles[4] - deciles[0]):
        linear = max(abs(deciles[0]), 1)
        axes.set_xscale("symlog", linthresh=linear)
        seen = axes.get_xlim()
        axes.set_xticks([tick for tick in axes.get_xticks() if tick == 0 or abs(tick) >= linear / 2])  # no crowd at 0
        axes.set_xlim(seen)
        axes.xaxis.set_major_formatter("{x:g}")
    axes.plot(deciles, [0] * len(deciles), "|", color=INK, markersize=9, transform=axes.get_xaxis_transform())


def _draw_categories(axes: Axes, dependence: dict) -> None:
    names, places = dependence["values"], range(len(dependence["values"]))
    shades = [BLUE if share else LIGHT for share in dependence["shares"]]
    axes.bar(places, dependence["means"], color=shades, width=0.7)
    axes.set_xticks(places, [str(name) for name in names])
