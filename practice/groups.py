"""How each group of flights fared over a lived year: base rate, calibration and both kinds of error, on one page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from data_checks import schema as s
from monitoring.decision_cost import decide_warnings
from monitoring.figures import count, markdown_table, metric, share, signed
from monitoring.gain_interval import gain_interval
from monitoring.labels import IS_LATE
from monitoring.quality import Quality, measure_quality
from pipelines.clock import local_day
from pipelines.slices import REGION, slice_names

FAMILIES = ("origin", "carrier", "aircraft", "hours", "weather")
SMALL_SEATS = 100
"""Aircraft with fewer seats are regional ones."""
FEWEST_FLIGHTS, FEWEST_LATE, CONFIDENCE = 300, 30, 0.95
"""A group with fewer flights or late ones is named and not measured: the gate asks as much of a slice."""
PROBABILITY, DAY = "probability", "day"
COLUMNS = {
    "family": "left",
    "group": "left",
    **dict.fromkeys(
        ("flights", "late", "said less late", "95 %", "log loss", "skill", "missed", "false alarms", "warned and late"),
        "right",
    ),
}


@dataclass(frozen=True)
class Group:
    """One group: how good its answers were, and what became of late flights, of others, and of warnings.

    `missed` is of its late flights the share nobody was warned of, `false_alarms` of the others the share that was,
    `precision` of the warned the share that was late; None where there is none of them. `gap_lower` and `gap_upper`
    hold 95 % of the gap, mean probability less late share, by how days differ.
    """

    family: str
    name: str
    quality: Quality
    gap_lower: float
    gap_upper: float
    missed: float | None
    false_alarms: float | None
    precision: float | None

    def cells(self) -> tuple[str, ...]:
        """The row of a table."""
        quality, rates = self.quality, (self.missed, self.false_alarms, self.precision)
        return (
            *(self.family, self.name, count(quality.flights), share(quality.late_share)),
            *(signed(quality.calibration_gap), f"{signed(self.gap_lower)} to {signed(self.gap_upper)}"),
            *(metric(quality.log_loss), metric(quality.skill)),
            *("-" if rate is None else share(rate) for rate in rates),
        )


def with_groups(features: pl.DataFrame) -> pl.DataFrame:
    """The rows of features with their group of each family and their day in New York; null where it is not known."""
    seats = pl.col(s.SEATS)
    sized = pl.when(seats < SMALL_SEATS).then(pl.lit(f"under {SMALL_SEATS} seats"))
    aircraft = sized.when(seats >= SMALL_SEATS).then(pl.lit(f"{SMALL_SEATS} seats or more"))
    names = slice_names(features.with_columns(pl.lit(None, pl.String).alias(REGION))).drop("region")
    rows = features.select(
        s.FLIGHT_ID,
        local_day(s.SCHEDULED_DEPARTURE).alias(DAY),
        aircraft.otherwise(pl.lit("not in the register")).alias("aircraft"),
    )
    return pl.concat([rows, names], how="horizontal")


def measure_groups(rows: pl.DataFrame, threshold: float) -> tuple[list[Group], list[str]]:
    """Every group with enough flights, and the names of those without.

    `rows` has `probability`, the label, the day, and a column of names per family.
    """
    measured, left_out = [], []
    for family in FAMILIES:
        for (name,), part in sorted(rows.drop_nulls(family).group_by(family)):
            if part.height < FEWEST_FLIGHTS or part[IS_LATE].sum() < FEWEST_LATE:
                left_out.append(f"{family} {name}")
            else:
                measured.append(_measure(family, name, part.sort(DAY, s.FLIGHT_ID), threshold))
    return measured, left_out


def groups_page(groups: Sequence[Group], left_out: Sequence[str], threshold: float, digest: str) -> str:
    """The page, which says of which life it is."""
    return "\n".join([*_head(left_out, threshold, digest), *markdown_table(COLUMNS, map(Group.cells, groups)), ""])


def _measure(family: str, name: str, part: pl.DataFrame, threshold: float) -> Group:
    probability, is_late, day = part[PROBABILITY].to_numpy(), part[IS_LATE].to_numpy().astype(int), part[DAY].to_numpy()
    warned, off = decide_warnings(probability, threshold), probability - is_late
    two_sided = (1 + CONFIDENCE) / 2
    return Group(
        family,
        name,
        measure_quality(probability, is_late),
        gap_lower=gain_interval(off, day, two_sided).lower,
        gap_upper=-gain_interval(-off, day, two_sided).lower,
        missed=_share(~warned, is_late == 1),
        false_alarms=_share(warned, is_late == 0),
        precision=_share(is_late == 1, warned),
    )


def _share(of: np.ndarray, among: np.ndarray) -> float | None:
    return float(of[among].mean()) if among.any() else None


def _head(left_out: Sequence[str], threshold: float, digest: str) -> Iterator[str]:
    yield from (
        "# How each group of flights fared",
        "",
        "Made by `preflight figures --groups --write docs/groups.md`; run it again to refresh. Do not edit. What it is",
        "for, and what it does not say: [fairness and privacy](fairness-and-privacy.md).",
        f"Event log of the year: `{digest[:12]}`.",
        "",
        f"All labelled flights scored live, each by the champion of its week; warned of from {threshold:g} on.",
        "*Said less late* is the mean probability less the share late, with what holds 95 % of it by how days differ",
        "(Newey and West, as the gate does). *Skill* is 1 less the log loss over that of always saying the group's own",
        "late share. *Missed* is of the late flights, *false alarms* of those in time, *warned and late* of warnings.",
        f"A group needs {FEWEST_FLIGHTS} flights and {FEWEST_LATE} late ones;",
        f"left out: {', '.join(left_out) or 'none'}.",
        "",
    )
