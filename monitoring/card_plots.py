"""The plot of a model card as inline SVG, in the style of `monitoring/plots.py`."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from monitoring.plots import BLUE, GREY, drawn


@drawn
def plot_reliability(bins: Sequence[dict]) -> tuple[Figure, str]:
    """What was said against what happened, a point per bin with the interval that holds 95 % of days drawn again."""
    figure = Figure(figsize=(5.4, 4))
    axes = figure.subplots()
    said = [one["mean_probability"] for one in bins]
    happened = [one["late_share"] for one in bins]
    most = 1.05 * max(*said, *(one["upper"] for one in bins))
    axes.plot([0, most], [0, most], color=GREY, linewidth=1, linestyle="--", label="means what it says")
    axes.vlines(said, [one["lower"] for one in bins], [one["upper"] for one in bins], color=BLUE, linewidth=1.2)
    axes.plot(said, happened, "o", color=BLUE, markersize=5, label="flights of a bin, with 95 % interval")
    axes.set_xlabel("mean probability of late that was said")
    axes.set_ylabel("share that was late")
    axes.set_xlim(0, most)
    axes.set_ylim(0, most)
    axes.grid()
    figure.legend(loc="outside upper left", ncols=2)
    return figure, f"Reliability in {len(bins)} bins, from {said[0]:.3f} said to {said[-1]:.3f}"
