"""Figures of groups, worked out by hand; and of a lived year, where each group's flights add up."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from data_checks import schema as s
from monitoring.labels import IS_LATE
from practice import groups as g
from practice.figures import read_figures, wrong_quotes

DOCS = Path(__file__).resolve().parents[2] / "docs"
ROWS = [
    dict(zip(g.COLUMNS, (cell.strip() for cell in line.strip("|").split("|")), strict=True))
    for line in (DOCS / "groups.md").read_text().splitlines()
    if line.split(" | ")[0].removeprefix("| ") in g.FAMILIES
]


def flights(late: list[int], said: list[float], days: int = 10, **families: str) -> pl.DataFrame:
    """The same few flights on each day, enough of them to be measured; families that are not given are unknown."""
    per_day = -(-3 * g.FEWEST_FLIGHTS // (days * len(late)))
    copies = days * per_day
    count = copies * len(late)
    return pl.DataFrame(
        {
            s.FLIGHT_ID: [f"{row:06}" for row in range(count)],
            g.DAY: [date(2013, 7, 1 + row * days // count) for row in range(count)],
            g.PROBABILITY: np.tile(said, copies),
            IS_LATE: np.tile(late, copies).astype(bool),
            **{name: pl.Series([families.get(name)] * count, dtype=pl.String) for name in g.FAMILIES},
        }
    )


def test_errors_and_gap_of_a_group_are_those_worked_out_by_hand():
    """Three late of five: one warned of, two not; two in time: one warned of, at the threshold, one not."""
    rows = flights([1, 1, 1, 0, 0], [0.5, 0.1, 0.1, 0.25, 0.15], carrier="UA")

    (group,), _ = g.measure_groups(rows, 0.25)

    assert (group.missed, group.false_alarms, group.precision) == (pytest.approx(2 / 3), 0.5, 0.5)
    assert group.quality.calibration_gap == pytest.approx(0.22 - 0.6)
    assert group.gap_lower == pytest.approx(-0.38) == group.gap_upper  # every day is the same


def test_a_group_that_is_too_small_is_named_and_not_measured():
    rows = pl.concat([flights([1, 0], [0.5, 0.5], carrier="UA"), flights([1, 0], [0.5, 0.5], carrier="OO").head(20)])

    measured, left_out = g.measure_groups(rows, 0.25)

    assert [one.name for one in measured] == ["UA"]
    assert left_out == ["carrier OO"]


def test_without_a_warning_there_is_no_share_of_warnings_that_were_right():
    (group,), _ = g.measure_groups(flights([1, 0], [0.1, 0.1], origin="EWR"), 0.25)

    assert (group.missed, group.false_alarms, group.precision) == (1.0, 0.0, None)
    assert group.cells()[-1] == "-"


def test_equal_calibration_with_other_base_rates_is_unequal_errors():
    """Both groups are told the truth in two bins, one has more flights in the upper: its errors differ all the same."""
    often = flights([1, 0, 1, 0, 0, 0, 0, 0], [0.5] * 4 + [0.0] * 4, carrier="UA")
    rarely = flights([1, 0] + [0] * 14, [0.5, 0.5] + [0.0] * 14, carrier="WN")

    (first, second), _ = g.measure_groups(pl.concat([often, rarely]), 0.25)

    assert first.quality.calibration_gap == second.quality.calibration_gap == 0
    assert first.precision == second.precision
    assert first.missed == second.missed
    assert first.false_alarms > second.false_alarms


def test_the_groups_of_a_lived_year_hold_its_labelled_flights_once_per_family(run_here, lived):
    ended = run_here(lived.settings.home, "figures", "--groups", "--json")
    told = json.loads(ended.stdout)["groups"]

    by_origin = sum(int(one["flights"].replace(",", "")) for one in told if one["family"] == "origin")
    by_aircraft = sum(int(one["flights"].replace(",", "")) for one in told if one["family"] == "aircraft")

    assert by_origin == by_aircraft > 0


def test_the_page_of_groups_is_of_the_life_of_the_figures():
    figures = read_figures((DOCS / "figures.md").read_text())
    scored, unlabelled = (int(figures[name].replace(",", "")) for name in ("flights_scored", "flights_unlabelled"))

    by_origin = sum(int(row["flights"].replace(",", "")) for row in ROWS if row["family"] == "origin")

    assert by_origin == scored - unlabelled


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['family']}-{row['group']}")
def test_errors_of_each_group_of_the_page_obey_chouldechovas_identity(row):
    late, missed, false_alarms, precision = (
        float(row[name].rstrip("%")) / 100 for name in ("late", "missed", "false alarms", "warned and late")
    )

    assert late / (1 - late) * (1 - precision) / precision * (1 - missed) == pytest.approx(false_alarms, abs=0.004)


def test_numbers_of_fairness_and_privacy_stand_where_they_point():
    assert wrong_quotes(DOCS / "fairness-and-privacy.md", read_figures((DOCS / "figures.md").read_text())) == []
