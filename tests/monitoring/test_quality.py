"""Metrics against scikit-learn and by hand, and the interval that resamples whole days."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from monitoring.quality import (
    NotAProbability,
    day_block_interval,
    loss_per_row,
    measure_quality,
    require_probabilities,
)


def predictions(rows: int = 400, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and labels that follow them."""
    random = np.random.default_rng(seed)
    probability = random.uniform(0.01, 0.99, rows)
    return probability, (random.random(rows) < probability).astype(int)


SOME = np.array([0.9, 0.2, 0.6, 0.1]), np.array([1, 0, 0, 0])


@pytest.mark.parametrize(
    ("metric", "of_sklearn"), [("roc_auc", roc_auc_score), ("log_loss", log_loss), ("brier", brier_score_loss)]
)
def test_a_metric_is_that_of_scikit_learn(metric, of_sklearn):
    probability, is_late = predictions()

    assert getattr(measure_quality(probability, is_late), metric) == pytest.approx(of_sklearn(is_late, probability))


def test_metrics_worked_out_by_hand():
    quality = measure_quality(*SOME)

    assert (quality.flights, quality.late_share, quality.mean_probability, quality.roc_auc, quality.brier) == (
        4, 0.25, pytest.approx(0.45), 1.0, pytest.approx((0.01 + 0.04 + 0.36 + 0.01) / 4),
    )  # fmt: skip


@pytest.mark.parametrize("said", [math.nan, math.inf, -math.inf, -1e-9, 1 + 1e-9])
def test_what_is_no_probability_is_refused_with_how_many_there_are(said):
    with pytest.raises(NotAProbability, match=r"^1 of 4 predictions are no probabilities"):
        measure_quality(np.array([0.9, said, 0.6, 0.1]), SOME[1])


def test_nought_and_one_are_probabilities():
    assert require_probabilities(np.array([0.0, 1.0])).tolist() == [0.0, 1.0]


def test_a_gloomy_model_has_a_calibration_gap_above_nothing():
    assert measure_quality(*SOME).calibration_gap == pytest.approx(0.2)


def test_always_saying_the_late_share_has_no_skill():
    _, is_late = predictions()

    assert measure_quality(np.full(is_late.size, is_late.mean()), is_late).skill == pytest.approx(0)


def test_knowing_the_answer_is_the_whole_skill():
    assert measure_quality(np.array([1.0, 0.0]), np.array([1, 0])).skill == pytest.approx(1)


def test_being_wrong_with_conviction_is_less_than_no_skill():
    assert measure_quality(np.array([0.1, 0.9]), np.array([1, 0])).skill < 0


@pytest.mark.parametrize("label", [0, 1])
def test_flights_of_one_class_have_no_auc(label):
    assert measure_quality(np.array([0.2, 0.4]), np.array([label, label])).roc_auc is None


@pytest.mark.parametrize("label", [0, 1])
def test_flights_of_one_class_have_a_finite_skill(label):
    assert math.isfinite(measure_quality(np.array([0.2, 0.4]), np.array([label, label])).skill)


@pytest.mark.parametrize(("probabilities", "labels"), [(0, 0), (3, 2), (0, 2), (2, 0)])
def test_no_rows_or_sides_of_unequal_length_are_refused(probabilities, labels):
    with pytest.raises(ValueError, match=f"above 0; got {labels} and {probabilities}"):
        measure_quality(np.full(probabilities, 0.5), np.zeros(labels))


def test_metrics_have_a_prefix_and_leave_out_what_does_not_exist():
    metrics = measure_quality(np.array([0.2, 0.4]), np.array([0, 0])).as_metrics("gate_")

    assert set(metrics) == {
        "gate_flights", "gate_late_share", "gate_mean_probability", "gate_log_loss", "gate_brier", "gate_skill",
        "gate_calibration_gap",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("probability", "label", "loss"),
    [(0.5, 1, math.log(2)), (0.5, 0, math.log(2)), (0.25, 1, math.log(4)), (1.0, 1, 0), (0.0, 0, 0)],
)
def test_the_loss_of_a_row_is_the_surprise_at_its_label(probability, label, loss):
    assert loss_per_row(np.array([probability]), np.array([label]))[0] == pytest.approx(loss)


@pytest.mark.parametrize(("probability", "label"), [(0.0, 1), (1.0, 0)])
def test_the_loss_of_a_certain_mistake_is_large_and_finite(probability, label):
    assert loss_per_row(np.array([probability]), np.array([label]))[0] == pytest.approx(-math.log(1e-9))


@given(st.integers(0, 1000))
def test_shuffling_the_rows_changes_no_metric(seed):
    probability, is_late = predictions()
    order = np.random.default_rng(seed).permutation(probability.size)

    shuffled = measure_quality(probability[order], is_late[order]).as_metrics()

    assert shuffled == pytest.approx(measure_quality(probability, is_late).as_metrics())


def daily(days: int = 20, per_day: int = 50, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Gains that all flights of a day share, but for a little of their own."""
    random = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), per_day)
    return random.normal(0.01, 0.05, days)[day] + random.normal(0, 0.01, day.size), day


def test_flights_that_share_the_weather_of_a_day_say_less_than_as_many_alone():
    gain, day = daily()

    by_day, by_row = (day_block_interval(gain, block, 0.95, seed=1) for block in (day, np.arange(gain.size)))

    assert gain.mean() - by_day.lower > 3 * (gain.mean() - by_row.lower)


def test_flights_that_share_nothing_say_as_much_by_day_as_alone():
    gain, day = daily()
    shuffled = np.random.default_rng(1).permutation(gain)

    by_day, by_row = (day_block_interval(shuffled, block, 0.95, seed=1) for block in (day, np.arange(gain.size)))

    assert gain.mean() - by_day.lower == pytest.approx(gain.mean() - by_row.lower, rel=0.5)


def test_the_interval_holds_the_mean_the_days_and_its_bound_below_the_mean():
    gain, day = daily()

    interval = day_block_interval(gain, day, 0.95, seed=1)

    assert (interval.mean, interval.days, interval.lower < interval.mean) == (pytest.approx(gain.mean()), 20, True)


def test_the_bound_is_exceeded_as_often_as_the_confidence_says():
    truth, covered = 0.01, []

    for seed in range(200):
        gain, day = daily(seed=seed)
        covered.append(day_block_interval(gain, day, 0.95, seed=1, rounds=300).lower <= truth)

    assert np.mean(covered) == pytest.approx(0.95, abs=0.05)


def test_the_same_seed_gives_the_same_interval():
    gain, day = daily()

    assert day_block_interval(gain, day, 0.95, seed=1) == day_block_interval(gain, day, 0.95, seed=1)


def test_gains_that_are_all_the_same_are_certain():
    interval = day_block_interval(np.full(40, 0.25), np.arange(40) // 10, 0.95, seed=1)

    assert (interval.lower, interval.share_positive) == (0.25, 1)


def test_one_day_alone_cannot_say_how_days_differ():
    interval = day_block_interval(np.array([0.1, 0.2, 0.3]), np.zeros(3), 0.95, seed=1)

    assert (interval.lower, interval.days) == (pytest.approx(0.2), 1)


def test_no_gain_at_all_is_never_above_nothing():
    interval = day_block_interval(np.zeros(40), np.arange(40) // 10, 0.95, seed=1)

    assert (interval.lower, interval.share_positive) == (0, 0)


def test_days_count_by_their_flights_and_not_each_the_same():
    gain, day = np.array([1.0] * 9 + [0.0]), np.array([0] * 9 + [1])

    assert day_block_interval(gain, day, 0.95, seed=1).mean == 0.9


def test_days_may_be_dates():
    gain, day = daily()
    dates = np.datetime64("2013-07-01") + day

    assert day_block_interval(gain, dates, 0.95, seed=1) == day_block_interval(gain, day, 0.95, seed=1)
