"""The plot of what the gate can see."""

from collections.abc import Mapping

from monitoring.plots import AMBER, BLUE, GREEN, GREY, ORANGE, Figure, drawn

COLOURS = (GREY, ORANGE, AMBER, BLUE, GREEN)


@drawn
def plot_power(curves: Mapping[float, Mapping[int, float]], gate_days: int) -> tuple[Figure, str]:
    """Share of promotions by days of flights, a line per true gain in log loss; the gate's own length is marked.

    `curves` maps a gain to the share, 0 to 1, of each number of days.
    """
    figure = Figure(figsize=(6.4, 3.8))
    axes = figure.subplots()
    for colour, (gain, share) in zip(COLOURS, curves.items(), strict=False):
        label = f"gain {gain:g}" if gain else "no gain: a false promotion"
        axes.plot(list(share), [100 * value for value in share.values()], color=colour, marker="o", label=label)
    axes.axvline(gate_days, color=GREY, linewidth=1, linestyle="--")
    axes.axhline(80, color=GREY, linewidth=0.8, linestyle=":")
    axes.set(xlabel="days of flights that judge", ylabel="promoted, %", ylim=(0, 102))
    axes.set_xticks(sorted({days for share in curves.values() for days in share}))
    axes.grid(axis="y")
    figure.legend(loc="outside upper left", ncols=len(curves))
    return figure, f"Share of promotions by days of flights, for gains of {', '.join(f'{gain:g}' for gain in curves)}"
