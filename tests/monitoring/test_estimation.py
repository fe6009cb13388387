"""Quality told without labels: by hand on two flights, and by drawing labels that the probabilities promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from monitoring.estimation import estimate_quality, expected_auc
from monitoring.quality import measure_quality

some = arrays(float, st.integers(2, 40), elements=st.floats(0.01, 0.99))


def test_two_flights_by_hand():
    estimate = estimate_quality(np.array([0.2, 0.8]))

    assert estimate.roc_auc == pytest.approx(0.64 / 0.68), "of the pairs of a late and a timely flight, .8*.8 and .2*.2"
    assert estimate.log_loss == pytest.approx(0.5004, abs=1e-4)
    assert estimate.brier == pytest.approx(0.16)
    assert estimate.late_share == pytest.approx(0.5)


def test_flights_that_look_alike_cannot_be_ranked():
    assert expected_auc(np.full(5, 0.3)) == pytest.approx(0.5)
    assert estimate_quality(np.full(5, 0.3)).skill == pytest.approx(0)


@pytest.mark.parametrize("sure", [0.0, 1.0])
def test_where_no_pair_can_be_there_is_no_auc(sure):
    estimate = estimate_quality(np.full(3, sure))

    assert estimate.roc_auc is None
    assert "roc_auc" not in estimate.as_metrics()


def test_no_flights_are_refused():
    with pytest.raises(ValueError, match="at least one probability"):
        estimate_quality(np.array([]))


def test_labels_drawn_as_promised_keep_the_promise():
    rng = np.random.default_rng(2013)
    probability = rng.beta(1.2, 4, size=100_000)

    kept = measure_quality(probability, (rng.random(len(probability)) < probability).astype(int))
    promised = estimate_quality(probability)

    assert promised.roc_auc == pytest.approx(kept.roc_auc, abs=0.005)
    assert promised.log_loss == pytest.approx(kept.log_loss, abs=0.005)
    assert promised.brier == pytest.approx(kept.brier, abs=0.003)
    assert promised.skill == pytest.approx(kept.skill, abs=0.01)


@given(some)
def test_the_order_of_the_flights_means_nothing(probability):
    assert expected_auc(probability) == pytest.approx(expected_auc(probability[::-1]))


@given(some)
def test_the_expected_auc_is_that_of_every_pair(probability):
    late, timely = np.meshgrid(probability, 1 - probability, indexing="ij")
    above = (probability[:, None] > probability[None, :]) + 0.5 * (probability[:, None] == probability[None, :])
    pairs = late * timely * (1 - np.eye(len(probability)))

    assert expected_auc(probability) == pytest.approx((pairs * above).sum() / pairs.sum(), abs=1e-9)
