"""The rollout benchmarks measure what they say: power at a set gain, equal models, sound and broken challengers."""

import numpy as np
import pytest

from benchmarks.ab_power import GAINS, SHARES, Way, days_needed, divided, seen, ways_to_compare
from benchmarks.canary_stops import stopped_after, stopped_by_answers, stopped_by_latency
from benchmarks.rival_pairs import RivalPair

DAYS, PER_DAY = 28, 400


def rivals(apart: float = 0.05, shift: float = 0.0) -> RivalPair:
    """Two models that differ a little on each flight, the challenger by a shift more."""
    dice = np.random.default_rng(1)
    count = DAYS * PER_DAY
    truth = dice.uniform(0.1, 0.5, count)
    return RivalPair(
        champion_version=8,
        challenger_version=9,
        flight_id=[f"flight-{number}" for number in range(count)],
        day=np.repeat(np.arange(DAYS), PER_DAY),
        is_late=(dice.random(count) < truth).astype(int),
        champion=truth,
        challenger=np.clip(truth + shift + dice.normal(0, apart, count), 0.01, 0.99),
    )


@pytest.fixture(scope="module")
def ways() -> list[Way]:
    return list(ways_to_compare(rivals()))


def test_a_shadow_needs_the_fewest_flights_and_the_smallest_share_the_most(ways):
    assert [way.variance for way in ways] == sorted(way.variance for way in ways)


def test_an_ab_of_halves_has_twice_the_deviation_of_one_flight(ways):
    deviation = np.std(-np.log(np.where(rivals().is_late == 1, rivals().champion, 1 - rivals().champion)))

    assert np.sqrt(ways[1].variance) == pytest.approx(2 * deviation, rel=0.1)


def test_a_share_of_the_flights_is_the_challengers():
    assert [divided(rivals(), share, 1).mean() for share in SHARES] == pytest.approx(SHARES, abs=0.03)


@pytest.mark.parametrize("place", [0, 1])
def test_a_gain_is_seen_about_as_often_as_planned_after_the_days_that_are_needed(ways, place):
    pair = rivals()
    days = days_needed([pair], {pair.name: ways}, place, GAINS[0])

    assert 0.74 < seen(ways[place], GAINS[0], days) <= 1


def test_a_gain_that_is_not_there_is_seen_seldom(ways):
    assert seen(ways[1], 0.0, 56) < 0.09


def test_a_challenger_that_always_fails_is_stopped_by_the_first_look_at_three_of_its_requests():
    assert 3 <= stopped_after(1.0, np.random.default_rng(1)) <= 20


def test_a_challenger_that_fails_as_seldom_as_the_champion_is_let_through():
    assert [stopped_after(0.001, np.random.default_rng(seed)) for seed in range(5)] == [None] * 5


@pytest.mark.parametrize(("times", "stopped"), [(1.0, False), (3.0, True)])
def test_a_challenger_is_stopped_for_being_slow_alone(times, stopped):
    assert stopped_by_latency(times, np.random.default_rng(1)) == stopped


@pytest.mark.parametrize(("shift", "stopped"), [(0.0, False), (0.4, True)])
def test_a_challenger_is_stopped_for_saying_something_else_alone(shift, stopped):
    assert set(stopped_by_answers(rivals(shift=shift))) == {stopped}
