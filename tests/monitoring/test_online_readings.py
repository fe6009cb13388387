"""What online answers must be: one that is not is enough, but for a stale one or two."""

import numpy as np
import pytest

from monitoring.online import read_answers, read_freshness, read_skew


def test_nothing_rings_where_all_is_as_it_should_be():
    said = np.array([0.1, 0.2])

    readings = [read_skew([], 9), read_answers(said, said + 1e-9), read_freshness({"fresh": 9}, "fresh")]

    assert [one.is_alarming for one in readings] == [False, False, False]


def test_one_flight_with_one_value_of_its_own_rings_and_names_the_feature_that_is_off_most_often():
    reading = read_skew([("a", "seats"), ("b", "seats"), ("b", "engines")], 1000)

    alarm = reading.as_alarm("2013-07-01")
    assert (alarm.detector, alarm.subject, alarm.value, alarm.bound) == ("skew", "seats", 0.002, 0.0)
    assert "0.002, at most 0 allowed" in alarm.reason
    assert "seats" in alarm.reason


def test_a_probability_that_is_not_the_models_rings_as_does_one_of_a_version_that_nobody_knows():
    said = np.array([0.1, 0.2, 0.3, 0.4])

    assert read_answers(said, np.array([0.1, 0.2, 0.3, 0.4 + 1e-5])).value == 0.25
    assert read_answers(said, np.array([0.1, 0.2, np.nan, np.nan])).value == 0.5


@pytest.mark.parametrize(("stale", "rings"), [(2, False), (12, False), (13, True)])
def test_more_than_one_in_a_hundred_without_fresh_features_rings(stale, rings):
    reading = read_freshness({"fresh": 1000 - stale, "stale": stale}, "fresh")

    assert (reading.is_alarming, reading.subject) == (rings, "stale")


def test_a_service_that_never_had_fresh_features_is_told_by_what_it_had_most():
    assert read_freshness({"plan_only": 80, "stale": 20}, "fresh").subject == "plan_only"
