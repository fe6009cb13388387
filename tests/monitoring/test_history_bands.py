"""Weeks against those before them: a week beside the others raises nothing, and spoilt weeks teach nothing."""

import numpy as np
import pytest

from monitoring.bands import rate_per_week
from monitoring.history_bands import FEWEST_WEEKS_BEFORE, read_history

RATE = rate_per_week(1)


def week(number: int, gap: float = 0.0, beyond: float = 0.0, late: float = 0.2, **facts: object) -> dict:
    """Facts that vary a little from week to week; `late` is that of carrier UA."""
    dice = np.random.default_rng(number)
    hair = dice.normal(0, 0.01, 4)
    return {
        "week": f"week {number}",
        "coverage": {"is_provisional": False},
        "estimate": {"log_loss": 0.45},
        "realised": {
            "log_loss": 0.45 + beyond + hair[0], "calibration_gap": gap + hair[1], "late_share": 0.2, "flights": 6000,
        },
        "slices": {
            "carrier=UA": {"flights": 1000, "late_share": late + hair[2], "calibration_gap": gap + 0.2 - late},
            "carrier=AA": {"flights": 1000, "late_share": 0.2, "calibration_gap": gap + hair[3]},
        },
        "flights_per_day": 900 + 1000 * hair[0],
        "rows_landed": 20_000,
        "rows_quarantined": 0,
        "alarms": [],
    } | facts  # fmt: skip


BEFORE = [week(number) for number in range(12)]


def alarming(now: dict, before: list[dict] = BEFORE) -> dict[str, str]:
    return {one.detector: one.subject for one in read_history(now, before, RATE) if one.is_alarming}


def test_a_week_like_those_before_raises_nothing():
    assert alarming(week(99)) == {}


@pytest.mark.parametrize(
    ("facts", "detector", "subject"),
    [
        ({"gap": 0.1}, "calibration", "calibration_gap"),
        ({"gap": -0.1}, "calibration", "calibration_gap"),
        ({"beyond": 0.1}, "quality", "log_loss_beyond_promise"),
        ({"flights_per_day": 700}, "volume", "flights_per_day"),
        ({"rows_quarantined": 400}, "quarantine", "share_quarantined"),
    ],
)
def test_what_left_its_band_is_named(facts, detector, subject):
    assert alarming(week(99, **facts)) == {detector: subject}


def test_labels_of_one_carrier_that_turned_round_are_seen_in_its_share_and_its_gap():
    assert alarming(week(99, late=0.8)) == {"labels": "carrier=UA", "slices": "carrier=UA"}


def test_better_than_promised_is_no_alarm():
    assert alarming(week(99, beyond=-0.1)) == {}


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_a_row_or_two_in_quarantine_are_none_too_many(rows):
    assert alarming(week(99, rows_quarantined=rows)) == {}


def test_of_too_few_weeks_nothing_is_said():
    assert read_history(week(99, gap=0.5), BEFORE[: FEWEST_WEEKS_BEFORE - 1], RATE) == []
    assert "calibration" in alarming(week(99, gap=0.5), BEFORE[:FEWEST_WEEKS_BEFORE])


def test_weeks_that_were_alarmed_or_provisional_teach_nothing():
    spoilt = [week(20 + number, gap=0.3, alarms=[{"detector": "calibration"}]) for number in range(6)]
    early = [week(40 + number, gap=-0.3, coverage={"is_provisional": True}) for number in range(6)]

    assert alarming(week(99, gap=0.1), [*BEFORE, *spoilt, *early])["calibration"] == "calibration_gap"


def test_without_labels_the_detectors_that_need_them_say_nothing():
    blind = {name: value for name, value in week(99).items() if name not in ("realised", "slices")}

    assert [one.detector for one in read_history(blind, BEFORE, RATE)] == ["volume", "quarantine"]
