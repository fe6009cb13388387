"""A calibration never turns the order of two flights round, and is kept with all that it is."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.calibration_map import IDENTITY, CalibrationError, CalibrationMap

AFFINE = CalibrationMap("affine", 2.0, -1.0)
ISOTONIC = CalibrationMap("isotonic", x=(-1.0, 0.0, 2.0), y=(0.1, 0.1, 0.5))


@pytest.mark.parametrize(
    ("calibration", "log_odds", "probability"),
    [
        (IDENTITY, 0.0, 0.5),
        (AFFINE, 0.5, 0.5),
        (AFFINE, 1.0, 0.7310585786300049),
        (ISOTONIC, -5.0, 0.1),
        (ISOTONIC, -1.0, 0.1),
        (ISOTONIC, 1.0, 0.3),
        (ISOTONIC, 2.0, 0.5),
        (ISOTONIC, 9.0, 0.5),
    ],
)
def test_a_probability_by_hand(calibration, log_odds, probability):
    assert calibration.apply(np.array([log_odds])) == pytest.approx([probability], abs=1e-15)


@pytest.mark.parametrize("calibration", [IDENTITY, AFFINE, ISOTONIC], ids=lambda map: map.kind)
@given(log_odds=st.lists(st.floats(-1e6, 1e6), min_size=2))
def test_the_order_of_flights_stays(calibration, log_odds):
    probability = calibration.apply(np.sort(log_odds))

    assert (np.diff(probability) >= 0).all()
    assert (probability >= 0).all()
    assert (probability <= 1).all()


@pytest.mark.parametrize("calibration", [IDENTITY, AFFINE, ISOTONIC], ids=lambda map: map.kind)
def test_a_calibration_comes_back_from_json_as_it_was(calibration):
    assert CalibrationMap.from_dict(json.loads(json.dumps(calibration.as_dict()))) == calibration


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": "affine", "slope": 0.0}, "a slope above 0, got 0.0"),
        ({"kind": "affine", "intercept": float("inf")}, "finite numbers"),
        ({"kind": "identity", "slope": 2.0}, "no numbers but"),
        ({"kind": "affine", "x": (0.0, 1.0), "y": (0.0, 1.0)}, "no numbers but"),
        ({"kind": "beta"}, "expected identity, affine or isotonic"),
        ({"kind": "isotonic", "x": (0.0,), "y": (0.5,)}, "two knots or more"),
        ({"kind": "isotonic", "x": (0.0, 1.0), "y": (0.5,)}, "got 2 and 1"),
        ({"kind": "isotonic", "x": (0.0, 0.0), "y": (0.1, 0.2)}, "knots of rising log-odds"),
        ({"kind": "isotonic", "x": (0.0, 1.0), "y": (0.3, 0.2)}, "never fall"),
        ({"kind": "isotonic", "x": (0.0, 1.0), "y": (-0.1, 0.2)}, "from 0 to 1"),
        ({"kind": "isotonic", "x": (0.0, 1.0), "y": (0.1, 1.1)}, "from 0 to 1"),
    ],
)
def test_a_map_that_is_no_calibration_is_refused(values, words):
    with pytest.raises(CalibrationError, match=f"{values['kind']} calibration: .*{words}"):
        CalibrationMap(**values)


def test_values_of_something_else_are_refused():
    with pytest.raises(CalibrationError, match=r"got \['kind'\]"):
        CalibrationMap.from_dict({"kind": "identity"})
