"""Calibration sees the days before the gate that the model behind it has not learned from, and nothing else."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from data_checks import schema as s
from monitoring.labels import IS_LATE
from pipelines.estimators import ModelParameters
from pipelines.feature_catalog import CATEGORICAL, CATEGORIES, NUMERIC
from pipelines.fitting import NOT_CALIBRATED, calibrate
from pipelines.protocol import Slices

START = datetime(2013, 1, 1, 5, tzinfo=UTC)
SMALL = ModelParameters(trees=4, leaves=5)


def moment(day: int) -> datetime:
    return START + timedelta(days=day)


def labelled(days: int, seed: int = 1) -> pl.DataFrame:
    """A hundred made-up flights a day; one number decides."""
    dice = np.random.default_rng(seed)
    rows = 100 * days
    numbers = {name: dice.normal(size=rows) for name in NUMERIC}
    codes = {name: dice.choice(CATEGORIES[name], rows) for name in CATEGORICAL}
    departs = [moment(row // 100) + timedelta(minutes=row % 100) for row in range(rows)]
    return pl.DataFrame({s.SCHEDULED_DEPARTURE: departs, **codes, **numbers}).with_columns(
        pl.Series(IS_LATE, dice.random(rows) < 1 / (1 + np.exp(-2 * numbers[NUMERIC[0]]))),
    )


SLICES = Slices(START, (), calibration=moment(20), gate=moment(30), end=moment(40))


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    return labelled(40)


def test_rows_of_the_gate_do_not_change_the_calibration(rows):
    spoilt = rows.with_columns(
        pl.when(pl.col(s.SCHEDULED_DEPARTURE) >= SLICES.gate).then(~pl.col(IS_LATE)).otherwise(pl.col(IS_LATE))
    )
    assert not spoilt.equals(rows)

    assert calibrate(spoilt, SLICES, SMALL, 0.95) == calibrate(rows, SLICES, SMALL, 0.95)


def test_rows_of_the_slice_do_change_it(rows):
    inside = pl.col(s.SCHEDULED_DEPARTURE).is_between(SLICES.calibration, SLICES.gate, closed="left")
    spoilt = rows.with_columns(pl.when(inside).then(~pl.col(IS_LATE)).otherwise(pl.col(IS_LATE)))

    assert calibrate(spoilt, SLICES, SMALL, 0.95) != calibrate(rows, SLICES, SMALL, 0.95)


def test_without_a_slice_nothing_is_calibrated(rows):
    none = Slices(START, (), calibration=moment(30), gate=moment(30), end=moment(40))

    assert calibrate(rows, none, SMALL, 0.95) == NOT_CALIBRATED
