"""Model faults: each spoils what it says and nothing else."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from data_checks import schema as s
from pipelines.feature_catalog import CATEGORIES, NAMES
from pipelines.model_faults import BROKEN_CARRIER, CARRIER, DEFAULTED, MOVING, Answered, ModelFault, model_faults

ROWS = 60


@pytest.fixture
def answered() -> Answered:
    rng = np.random.default_rng(1)
    carriers = [("UA", CARRIER, BROKEN_CARRIER)[row % 3] for row in range(ROWS)]
    names = [f"2013-07-01-{carrier}{row}-EWR" for row, carrier in enumerate(carriers)]
    columns = {name: rng.normal(size=ROWS) for name in NAMES if name not in CATEGORIES}
    leaving = [datetime(2013, 7, 1, tzinfo=UTC) + timedelta(hours=row) for row in range(ROWS)]
    features = pl.DataFrame(
        {
            s.FLIGHT_ID: names,
            s.SCHEDULED_DEPARTURE: leaving,
            s.CARRIER: carriers,
            s.ORIGIN: ["EWR", "JFK"] * 30,
            **columns,
        }
    )
    labels = pl.DataFrame({s.FLIGHT_ID: names, "is_late": [row % 2 == 0 for row in range(ROWS)]})
    return Answered(features, labels, rng.uniform(0.05, 0.6, ROWS))


def fault(name: str) -> ModelFault:
    return next(one for one in model_faults() if one.name == name)


def changed(before: pl.DataFrame, after: pl.DataFrame) -> set[str]:
    return {name for name in before.columns if not before[name].equals(after[name])}


@pytest.mark.parametrize(
    ("name", "columns"),
    [("stale online features", set(MOVING)), ("frozen encoder", {s.CARRIER}), ("feature defaulted", {DEFAULTED})],
)
def test_features_are_spoilt_where_it_says_before_the_model_answers(answered, name, columns):
    spoilt = fault(name).spoil_features(answered.features)

    assert changed(answered.features, spoilt) == columns
    assert spoilt.columns == answered.features.columns
    assert fault(name).spoil(answered) is answered


def test_a_stale_snapshot_says_of_each_airport_what_it_said_first(answered):
    spoilt = fault("stale online features").spoil_features(answered.features)

    assert spoilt.group_by(s.ORIGIN).agg(pl.col(MOVING[0]).n_unique())[MOVING[0]].to_list() == [1, 1]
    assert spoilt[MOVING[0]][0] == answered.features[MOVING[0]][0]


def test_a_scale_that_is_off_keeps_the_order(answered):
    said = fault("probability scale").spoil(answered).probability

    assert (said > answered.probability).all()
    assert (said.argsort() == answered.probability.argsort()).all()


def test_one_slice_gets_answers_of_others(answered):
    said = fault("one slice broken").spoil(answered).probability

    broken = (answered.features[s.CARRIER] == BROKEN_CARRIER).to_numpy()
    assert (said[~broken] == answered.probability[~broken]).all()
    assert set(said[broken]) <= set(answered.probability[~broken])


def test_labels_of_one_carrier_are_turned_round(answered):
    labels = fault("labels flipped").spoil(answered).labels

    turned = labels["is_late"] != answered.labels["is_late"]
    assert (turned == (answered.features[s.CARRIER] == CARRIER)).all()
