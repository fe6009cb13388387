"""`preflight gate`: every bound is told, and the page says what was measured."""

import json
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest

from monitoring.gate_plots import plot_power
from pipelines.gate_power import WINDOWS, Power
from pipelines.gate_trials import Trial, rate_of
from pipelines.promotion import GateRules
from preflight.gate import RULES
from preflight.gate_page import PICTURE, Calibration, outcome, page, tables


def measured(promoted: int = 4) -> Calibration:
    """A hundred trials in two windows, and the power at two gains."""
    trials = [
        Trial(date(2013, 3, 4 + 14 * (number % 2)), "seeds" if number < 50 else "days", number < promoted, 0.0,
              None if number < promoted else "lowers log loss with confidence")
        for number in range(100)
    ]  # fmt: skip
    kinds = {kind: rate_of([trial for trial in trials if trial.kind == kind], 1) for kind in ("seeds", "days")}
    power = dict.fromkeys(WINDOWS, 0.5)
    powers = [Power(0.0, power, None), Power(0.005, power, 61.2), Power(0.002, power, 190.0)]
    return Calibration(rate_of(trials, 1), kinds, trials, powers, pairs=7, gate_days=14, size="2 forests of 60 trees")


def test_every_bound_of_the_gate_has_its_meaning():
    assert list(RULES) == [field.name for field in fields(GateRules)]


def test_the_bounds_are_those_of_the_settings(run_here, tmp_path):
    ended = run_here(tmp_path, "gate", "--json", gate_least_gain=0.001)

    document = json.loads(ended.stdout)
    assert ended.returncode == 0
    assert (document["rules"]["least_gain"], document["rules"]["largest_auc"]) == (0.001, 0.88)


def test_a_page_is_only_written_of_what_was_measured(run_here, tmp_path):
    assert run_here(tmp_path, "gate", "--write", "page.md").returncode == 2


def test_too_short_a_life_is_refused_before_anything_is_fitted(run_here, tmp_path):
    ended = run_here(tmp_path, "gate", "--calibrate")

    assert ended.returncode == 1
    assert "expected 70 days or more after the first 8 weeks, which are learned from, got 14;" in ended.stderr


@pytest.mark.parametrize(("promoted", "word"), [(4, "at most"), (5, "at most"), (6, "ABOVE")])
def test_the_outcome_says_whether_false_promotions_are_few_enough(promoted, word):
    assert outcome(measured(promoted)).startswith(
        f"{promoted} of 100 A/A trials promoted, {promoted}.0% ({word} the 5% allowed; "
    )


def test_the_tables_count_every_trial_once():
    (_, _, rates), (_, _, failed), (_, _, powers) = tables(measured())

    assert [row[1:3] for row in rates] == [("50", "4"), ("50", "0")]
    assert failed == [("lowers log loss with confidence", "96")]
    assert [row[-1] for row in powers] == ["-", "61", "190 (extrapolated)"]


def test_the_page_holds_outcome_tables_and_picture():
    written = page(measured(), Path("docs/gate.md"))

    assert f"**{outcome(measured())}.**" in written
    assert f"]({PICTURE})" in written
    assert "| another seed | 50 | 4 | 8.0% |" in written
    assert "at 2 Mondays" in written


def test_the_picture_is_the_same_every_time_and_says_what_it_shows():
    curves = {0.0: {7: 0.05, 14: 0.05}, 0.01: {7: 0.4, 14: 0.8}}

    assert plot_power(curves, 14) == plot_power(curves, 14)
    assert 'aria-label="Share of promotions by days of flights, for gains of 0, 0.01"' in plot_power(curves, 14)
    assert 'xmlns="http://www.w3.org/2000/svg"' in plot_power(curves, 14)
