"""Which flights stand for a model: ten of them, none twice, the ones that are named."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.settings import Settings
from pipelines.context import Context
from pipelines.model_story import NothingToExplain, choose_examples, newest_flights


def test_ten_flights_worked_out_by_hand():
    probability = np.arange(101) / 101
    loss = np.where(np.arange(101) == 50, 9.0, np.where(np.arange(101) < 3, 5.0, 0.1))

    found = choose_examples(probability, loss)

    assert found == [
        ("highest", 100), ("highest", 99), ("highest", 98),
        ("usual, 20% lie below", 20), ("usual, 40% lie below", 40), ("usual, 60% lie below", 60),
        ("usual, 80% lie below", 80),
        ("most wrong", 50), ("most wrong", 0), ("most wrong", 1),
    ]  # fmt: skip


@given(st.lists(st.floats(0, 1), min_size=10, max_size=40))
def test_no_flight_stands_for_two_things(probability):
    found = choose_examples(np.array(probability), 1 - np.array(probability))

    assert len({place for _, place in found}) == len(found) == 10


def test_without_a_week_that_was_lived_there_is_nothing_to_explain(tmp_path):
    with pytest.raises(NothingToExplain, match="run: preflight replay"):
        newest_flights(Context(Settings(home=tmp_path)), 14)
