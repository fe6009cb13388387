"""Trials of the gate in which nobody is better: who challenges whom, what is counted, and how sure the rate is."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_checks import schema as s
from monitoring.decision_cost import CostTable
from pipelines.evidence import JudgedFlights, Looking
from pipelines.gate_trials import Bench, NothingToTry, Trial, failed_at, judge_twin, rate_of, try_twins
from pipelines.promotion import GateRules

MONDAY = date(2013, 2, 25)
BENCH = Bench(GateRules(), Looking(), CostTable(), seed=1)
PER_DAY = 120


def flights(seed: int = 1) -> tuple[np.ndarray, JudgedFlights]:
    """What is true of 14 days of flights, and the flights."""
    dice = np.random.default_rng(seed)
    day = np.repeat(np.arange(14), PER_DAY)
    truth = np.clip(0.25 + 0.2 * dice.normal(size=day.size), 0.02, 0.98)
    names = ["JFK"] * day.size
    places = pl.DataFrame({s.CARRIER: names, s.DESTINATION: names})
    judged = JudgedFlights((dice.random(day.size) < truth).astype(int), day, pl.DataFrame({"origin": names}), places)
    return truth, judged


def trial(promoted: bool = False, monday: date = MONDAY, failed: str | None = "enough days") -> Trial:
    return Trial(monday, "seeds", promoted, 0.0, None if promoted else failed)


def of_windows(*promoted: int, each: int = 12) -> list[Trial]:
    """So many trials of each window, so many of them promoted."""
    return [
        trial(number < wins, MONDAY + timedelta(weeks=2 * window))
        for window, wins in enumerate(promoted)
        for number in range(each)
    ]


def test_every_pair_comes_before_the_gate_once():
    truth, judged = flights()

    found = try_twins(MONDAY, "seeds", [truth, truth, truth, truth], judged, BENCH)

    assert (len(found), {one.promoted for one in found}, {one.gain for one in found}) == (6, {False}, {0.0})
    assert {one.failed for one in found} == {"not yesterday's model"} or {one.failed for one in found} == {
        "lowers log loss with confidence"
    }


def test_who_challenges_whom_is_drawn_and_both_ways_occur():
    truth, judged = flights()
    worse = np.full(truth.size, 0.25)

    gains = [
        try_twins(MONDAY + timedelta(weeks=week), "seeds", [truth, worse], judged, BENCH)[0].gain for week in range(12)
    ]

    assert {gain > 0 for gain in gains} == {True, False}
    assert len({abs(gain) for gain in gains}) == 1


def test_the_gates_own_rules_decide():
    truth, judged = flights()
    base = np.full(truth.size, judged.is_late.mean())

    assert judge_twin(truth, base, judged, BENCH).promote
    assert not judge_twin(base, truth, judged, BENCH).promote


def test_a_leak_is_refused_here_as_well():
    truth, judged = flights()

    decision = judge_twin(np.where(judged.is_late == 1, 0.9, 0.1), truth, judged, BENCH)

    assert [check.name for check in decision.checks if not check.passed] == ["not too good to be true"]


def test_the_rate_is_the_share_promoted_with_wilsons_interval():
    """Wilson 1927 for 5 of 100: 2.15 % to 11.18 %."""
    rate = rate_of([trial(number < 5) for number in range(100)], seed=1)

    assert (rate.promoted, rate.trials, rate.share) == (5, 100, 0.05)
    assert rate.wilson == (pytest.approx(0.0215, abs=1e-4), pytest.approx(0.1118, abs=1e-4))


def test_promotions_that_crowd_in_few_windows_make_the_rate_less_sure():
    spread, crowded = (rate_of(of_windows(*wins), seed=1) for wins in ([1] * 12, [12] + [0] * 11))

    assert spread.share == crowded.share
    assert spread.by_window == (spread.share, spread.share)
    assert crowded.by_window[1] > crowded.wilson[1]


@given(st.lists(st.integers(0, 12), min_size=1, max_size=12))
def test_the_share_lies_within_both_intervals(wins):
    rate = rate_of(of_windows(*wins), seed=1)

    assert rate.wilson[0] <= rate.share + 1e-12
    assert rate.share - 1e-12 <= rate.wilson[1]
    assert rate.by_window[0] - 1e-9 <= rate.share <= rate.by_window[1] + 1e-9


def test_no_trial_has_no_rate():
    with pytest.raises(NothingToTry, match="expected one trial of the gate or more, got none"):
        rate_of([], seed=1)


def test_the_refused_are_counted_by_the_first_check_that_failed():
    found = failed_at([trial(), trial(failed="b"), trial(failed="b"), trial(promoted=True)])

    assert list(found.items()) == [("b", 2), ("enough days", 1)]
