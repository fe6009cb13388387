"""One flight, one arm: in every process, at every share above, and whatever another rollout did."""

from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from data_checks import schema as s
from services.routing import AB, CANARY, CHALLENGER, CHAMPION, NONE, SHADOW, Plan, PlanError, arm_of

KEYS = st.text(max_size=40)
SHARES = st.floats(0, 1)


def canary(share: float, salt: str = "9-2013-07-01") -> Plan:
    return Plan(CANARY, 9, share, salt)


@pytest.fixture(scope="module")
def flight_ids(feeds: dict[str, pl.DataFrame]) -> list[str]:
    return feeds[s.SCHEDULE.name][s.FLIGHT_ID].head(50_000).to_list()


def chosen(keys: list[str], plan: Plan) -> list[bool]:
    return [arm_of(key, plan) == CHALLENGER for key in keys]


@pytest.mark.parametrize(
    ("key", "salt", "arms"),
    [
        ("2013-07-01-UA2-EWR", "9-2013-07-01", "tttt"),
        ("2013-07-01-AA701-JFK", "9-2013-07-01", "cttt"),
        ("2013-07-01-UA332-EWR", "9-2013-07-01", "cctt"),
        ("2013-07-01-DL1-LGA", "9-2013-07-01", "ccct"),
        ("2013-07-01-AA701-JFK", "8-2013-07-01", "ccct"),
        ("2013-07-01-DL1-LGA", "8-2013-07-01", "cttt"),
    ],
)
def test_the_arms_of_these_flights_are_what_they_were_when_this_was_written(key, salt, arms):
    """Worked out in another process: nothing of the machine, the process or the day goes into it."""
    found = [arm_of(key, canary(share, salt)) for share in (0.05, 0.25, 0.5, 1.0)]

    assert "".join("t" if arm == CHALLENGER else "c" for arm in found) == arms


@given(KEYS, SHARES, SHARES, st.text(min_size=1, max_size=10))
def test_a_larger_share_never_moves_a_flight_back_to_the_champion(key, one, other, salt):
    smaller, larger = sorted([one, other])

    if arm_of(key, canary(smaller, salt)) == CHALLENGER:
        assert arm_of(key, canary(larger, salt)) == CHALLENGER


@given(KEYS)
def test_a_share_of_nothing_is_nobody_and_of_all_is_everybody(key):
    assert (arm_of(key, canary(0.0)), arm_of(key, canary(1.0))) == (CHAMPION, CHALLENGER)


@given(KEYS)
def test_a_shadow_answers_nobody(key):
    assert arm_of(key, Plan(SHADOW, 9)) == CHAMPION


@given(KEYS)
def test_without_a_rollout_the_champion_answers(key):
    assert arm_of(key, Plan()) == CHAMPION


@given(KEYS, SHARES)
def test_a_canary_and_an_ab_of_one_salt_divide_alike(key, share):
    assert arm_of(key, canary(share)) == arm_of(key, Plan(AB, 9, share, "9-2013-07-01"))


def test_real_flights_fall_evenly_into_twenty_slices_of_the_share(flight_ids):
    edges = [sum(chosen(flight_ids, canary(twentieth / 20))) for twentieth in range(21)]

    slices = [after - before for before, after in pairwise(edges)]

    assert sum(slices) == len(flight_ids)
    assert chisquare(slices).pvalue > 0.001


def test_two_salts_of_one_length_divide_independently(flight_ids):
    one, other = (chosen(flight_ids, canary(0.5, salt)) for salt in ("8-2013-07-01", "9-2013-07-01"))

    both = [0, 0, 0, 0]
    for ours, theirs in zip(one, other, strict=True):
        both[2 * ours + theirs] += 1

    assert chisquare(both).pvalue > 0.001


@pytest.mark.parametrize(
    ("plan", "problem"),
    [
        ({"mode": "blue-green"}, "expected a mode of none, shadow, canary, ab, got 'blue-green'"),
        ({"mode": CANARY, "share": 0.1}, "expected a challenger exactly when there is a rollout, got None for canary"),
        ({"mode": NONE, "challenger": 9}, "expected a challenger exactly when there is a rollout, got 9 for none"),
        ({"mode": AB, "challenger": 9, "share": 1.01}, "expected a share from 0 to 1, got 1.01"),
        ({"mode": AB, "challenger": 9, "share": -0.01}, "expected a share from 0 to 1, got -0.01"),
        ({"mode": AB, "challenger": 9, "share": float("nan")}, "expected a share from 0 to 1, got nan"),
        ({"mode": SHADOW, "challenger": 9, "share": 0.5}, "expected no share of requests for shadow, got 0.5"),
        ({"mode": AB, "challenger": 9, "salt": ""}, "expected a salt of 1 to 64 bytes, got 0"),
        ({"mode": AB, "challenger": 9, "salt": "ü" * 33}, "expected a salt of 1 to 64 bytes, got 66"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused_with_what_to_do(plan, problem):
    with pytest.raises(PlanError, match=problem):
        Plan(**plan)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_ends_of_the_share_are_plans(share):
    assert canary(share).share == share


def test_a_salt_of_64_bytes_divides():
    assert arm_of("any", canary(1.0, "ü" * 32)) == CHALLENGER
