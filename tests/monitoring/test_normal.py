"""A week against what is normal: nothing is said of one like the others, and the one thing that moved is named."""

import numpy as np
import polars as pl
import pytest

from monitoring.bands import rate_per_week
from monitoring.normal import ESTIMATE, INPUTS, MISSING, PREDICTIONS, Normal, learn_normal, read_week
from monitoring.profiles import Profile, profile_of

RATE = rate_per_week(1)
COLUMNS = ("wind", "seats", "carrier")


def week(seed: int, wind: float = 0.0, without_seats: float = 0.02) -> Profile:
    rng = np.random.default_rng(seed)
    seats = pl.Series(np.where(rng.random(600) < without_seats, np.nan, rng.normal(150, 20, 600))).fill_nan(None)
    frame = {"wind": rng.normal(wind, 1, 600), "seats": seats, "carrier": rng.choice(["UA", "AA"], 600)}
    return profile_of(pl.DataFrame(frame), ("carrier",))


def said(seed: int, strength: float = 1.0) -> np.ndarray:
    return 1 / (1 + np.exp(-(np.random.default_rng(seed).normal(-1.3, strength, 600))))


@pytest.fixture(scope="module")
def normal() -> Normal:
    return learn_normal([week(seed) for seed in range(12)], [said(seed) for seed in range(12)], RATE)


def alarming(normal: Normal, features: Profile, probability: np.ndarray) -> dict[str, str]:
    return {one.detector: one.subject for one in read_week(normal, features, probability) if one.is_alarming}


def test_a_week_like_those_before_raises_nothing(normal):
    assert alarming(normal, week(99), said(99)) == {}
    assert [one.detector for one in read_week(normal, week(99), said(99))] == [INPUTS, MISSING, PREDICTIONS, ESTIMATE]


def test_the_feature_that_moved_is_named(normal):
    assert alarming(normal, week(99, wind=1.0), said(99)) == {INPUTS: "wind"}


def test_the_feature_that_went_missing_is_named(normal):
    assert alarming(normal, week(99, without_seats=0.4), said(99)) == {MISSING: "seats"}


def test_probabilities_that_say_less_are_noticed_before_any_label(normal):
    found = alarming(normal, week(99), said(99, strength=0.2))

    assert found == {PREDICTIONS: "probability", ESTIMATE: "skill"}


def test_an_alarm_says_what_was_expected_by_how_many_weeks(normal):
    (reading,) = (one for one in read_week(normal, week(99, wind=1.0), said(99)) if one.is_alarming)

    alarm = reading.as_alarm("2013-07-01", is_provisional=True)

    assert (alarm.detector, alarm.subject, alarm.week, alarm.is_provisional) == (INPUTS, "wind", "2013-07-01", True)
    assert alarm.bound == reading.band.upper < alarm.value
    assert "expected by 12 weeks" in alarm.reason
