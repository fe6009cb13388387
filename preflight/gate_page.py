"""The error rates of the gate as tables and as a page of the documents."""

from dataclasses import dataclass
from pathlib import Path

from monitoring.figures import markdown_table
from pipelines.gate_fits import DAYS, SEEDS
from pipelines.gate_power import BLOCK, ENOUGH, ROUNDS, WINDOWS, Power
from pipelines.gate_trials import Rate, Trial, failed_at

PICTURE = "images/gate-power.svg"
LARGEST_RATE = 0.05
SAID = {SEEDS: "another seed", DAYS: "other days drawn to learn from"}


@dataclass(frozen=True)
class Calibration:
    """Everything that was measured: trials in which nobody was better, and the power at some gains.

    `rate` and `trials` are of twins that differ by nothing but the seed, the A/A trials proper.
    """

    rate: Rate
    by_kind: dict[str, Rate]
    trials: list[Trial]
    powers: list[Power]
    pairs: int
    gate_days: int
    size: str


def outcome(measured: Calibration) -> str:
    """The line the tables stand beside."""
    rate = measured.rate
    enough = "at most" if rate.share <= LARGEST_RATE else "ABOVE"
    return (
        f"{rate.promoted} of {rate.trials} A/A trials promoted, {rate.share:.1%} ({enough} the {LARGEST_RATE:.0%} "
        f"allowed; 95 % intervals {_range(rate.wilson)} of trials, {_range(rate.by_window)} of windows)"
    )


def tables(measured: Calibration) -> list[tuple[str, dict[str, str], list[tuple[str, ...]]]]:
    """Title, columns and rows of each table."""
    rates = {"twins differ by": "left", "trials": "right", "promoted": "right", "share": "right",
             "of trials": "right", "of windows": "right"}  # fmt: skip
    failed = {"first check that failed": "left", "trials": "right"}
    power = {"true gain": "left", **{f"{days} days": "right" for days in WINDOWS}, f"days for {ENOUGH:.0%}": "right"}
    return [
        ("A/A trials: nobody is better", rates, rate_rows(measured)),
        ("Why the others were refused", failed, [(name, str(n)) for name, n in failed_at(measured.trials).items()]),
        ("Share promoted, by days of flights that judge", power, [_power_row(power) for power in measured.powers]),
    ]


def rate_rows(measured: Calibration) -> list[tuple[str, ...]]:
    """One row per kind of twins."""
    named = {SAID[kind]: rate for kind, rate in measured.by_kind.items()}
    return [
        (name, str(rate.trials), str(rate.promoted), f"{rate.share:.1%}", _range(rate.wilson), _range(rate.by_window))
        for name, rate in named.items()
    ]


def page(measured: Calibration, path: Path) -> str:
    """The page, in Markdown."""
    windows = len({trial.monday for trial in measured.trials})
    head = f"""# How often the gate is wrong

Made by `preflight gate --calibrate --write {path}` with {measured.size}; run it again to refresh. Do not edit.
What is checked, and where each bound comes from: [0015](decisions/0015-gate.md).

**{outcome(measured)}.**

Models are fitted at {windows} Mondays, as far apart as the gate is long ({measured.gate_days} days), on all that is
known; those of one Monday, the twins, are of one recipe and the same rows and differ by the seed alone: these are the
A/A trials. A second kind of twins drew their days, with replacement, from the same days: that is harsher, for one of
two may well have drawn the days that teach more, and it is not counted in the line above. Every pair of twins of one
kind comes before the gate once, on the days that follow, who challenges whom being drawn. All checks are made but those
of a file, and calibration is left out. Trials of one window share its days: the interval of windows drawn again is the
honest one.
"""
    power = f"""
The gain of a later fit over one at least four weeks older has real ups and downs from day to day ({measured.pairs}
pairs, each followed for up to 14 weeks). Their mean is set to that of the row, days are drawn in blocks of {BLOCK}, so
that neighbours stay neighbours, {ROUNDS} times for each pair, and judged by the two checks of the gain. The first row
says how often a gain is seen that is not there, between models that do differ.

![Share promoted by days of flights, for each gain]({PICTURE})
"""
    (_, *rates), (_, *failed), (_, *powers) = tables(measured)
    after = ["", "## What gain is seen after how many days", power]
    parts = [head, *markdown_table(*rates), "", *markdown_table(*failed), *after]
    return "\n".join([*parts, *markdown_table(*powers), ""])


def _power_row(power: Power) -> tuple[str, ...]:
    needed = "-" if power.days_needed is None else f"{power.days_needed:.0f}"
    far = " (extrapolated)" if power.days_needed and power.days_needed > WINDOWS[-1] else ""
    return (f"{power.gain:g}", *(f"{share:.1%}" for share in power.share.values()), f"{needed}{far}")


def _range(interval: tuple[float, float]) -> str:
    return f"{interval[0]:.1%} to {interval[1]:.1%}"
