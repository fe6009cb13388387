"""A change taken apart: worlds in which it is known what moved, the inputs or what they mean."""

import numpy as np
import pytest

from monitoring.attribution import Flights, attribute_change

DAYS = 40


def flights(seed: int, storms: float = 0.2, harm: float = 0.6) -> Flights:
    """Flights of which a share meets a storm, and a share of those is late; the model knows of 20 and 60 %."""
    rng = np.random.default_rng(seed)
    storm, rows = rng.random(8000) < storms, 8000
    is_late = (rng.random(rows) < np.where(storm, harm, 0.1)).astype(int)
    probability = np.where(storm, 0.6, 0.1)
    loss = -np.log(np.where(is_late == 1, probability, 1 - probability))
    features = np.column_stack([storm + rng.normal(0, 0.1, rows), rng.normal(size=rows)])
    return Flights(features, loss, is_late, probability, rng.integers(DAYS, size=rows))


def test_where_nothing_changed_nothing_is_explained_and_nothing_left():
    found = attribute_change(flights(1), flights(2), seed=1)

    assert found.log_loss.explained == pytest.approx(0, abs=0.01)
    assert found.late_share.left == pytest.approx(0, abs=0.02)
    assert found.separability == pytest.approx(0.5, abs=0.03)
    assert found.effective_share > 0.9


def test_more_storms_are_explained_by_inputs_that_moved():
    found = attribute_change(flights(1), flights(2, storms=0.6), seed=1)

    assert found.late_share.explained == pytest.approx(0.2, abs=0.02), "0.4 more storms, 0.5 later each"
    assert found.late_share.left == pytest.approx(0, abs=0.02)
    assert found.separability > 0.65


def test_storms_that_do_more_harm_are_left_for_no_input_moved():
    found = attribute_change(flights(1), flights(2, harm=0.95), seed=1)

    assert found.late_share.explained == pytest.approx(0, abs=0.02)
    assert found.late_share.left == pytest.approx(0.07, abs=0.02)
    assert found.mean_probability.left == pytest.approx(0, abs=0.02), "the model says as before"


def test_only_the_chosen_columns_are_let_move():
    moved, other = (attribute_change(flights(1), flights(2, storms=0.6), seed=1, columns=[column]) for column in (0, 1))

    assert moved.late_share.explained == pytest.approx(0.2, abs=0.02)
    assert other.late_share.explained == pytest.approx(0, abs=0.02)


def test_the_parts_make_up_the_whole():
    found = attribute_change(flights(1), flights(2, storms=0.5, harm=0.8), seed=1).log_loss

    assert found.explained + found.left == pytest.approx(found.after - found.before)
