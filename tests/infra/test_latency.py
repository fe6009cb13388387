"""Percentiles of latencies."""

import numpy as np
import pytest

from infra.latency import Latency


def test_percentiles_are_latencies_that_were_observed():
    latencies_ms = np.random.default_rng(7).permutation(np.arange(1.0, 101.0))

    assert Latency.of(latencies_ms) == Latency(count=100, p50_ms=50, p95_ms=95, p99_ms=99, max_ms=100)


@pytest.mark.parametrize(
    ("latencies_ms", "expected"),
    [([3.0], (3, 3, 3, 3)), ([1.0, 9.0], (1, 9, 9, 9)), ([1.0] * 99 + [500.0], (1, 1, 1, 500))],
)
def test_few_latencies_give_the_one_at_their_rank_and_one_in_a_hundred_is_not_the_p99(latencies_ms, expected):
    found = Latency.of(np.array(latencies_ms))

    assert (found.p50_ms, found.p95_ms, found.p99_ms, found.max_ms) == expected
