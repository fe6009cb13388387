"""Some weeks of made-up flights in which a few features tell who is late, and the folds of a short protocol."""

from datetime import date

import numpy as np
import polars as pl

from data_checks import schema as s
from monitoring.labels import IS_LATE
from pipelines.clock import midnight
from pipelines.estimators import ModelParameters
from pipelines.feature_catalog import CATEGORIES, NUMERIC
from pipelines.folds import FoldedRows, fold_rows
from pipelines.protocol import Protocol, Slices, slice_time

PROTOCOL = Protocol(gate_days=7, calibration_days=7, fold_days=7, folds=3)
START, END = midnight(date(2013, 4, 1)), midnight(date(2013, 5, 20))
QUICK = ModelParameters(trees=8, leaves=15, smallest_leaf=20)


def slices() -> Slices:
    """Seven weeks: two to learn from at least, three folds, one to calibrate, one for the gate."""
    return slice_time(PROTOCOL, START, END)


def flights(per_day: int = 110, seed: int = 1, steps: float = 2.0) -> pl.DataFrame:
    """Flights of the seven weeks. Lateness depends on a sum of two features and a step of a third; no straight line
    tells it all when `steps` is large, and nothing does when it is 0."""
    dice = np.random.default_rng(seed)
    count = per_day * (END - START).days
    departure = [START + (END - START) * (number / count) for number in range(count)]
    numbers = {name: dice.normal(size=count) for name in NUMERIC}
    told = numbers["origin_waiting_flights"] * np.sign(numbers["visibility_miles"]) + numbers["seats"]
    return pl.DataFrame(
        {
            s.FLIGHT_ID: [str(number) for number in range(count)],
            **{name: dice.choice(domain, count) for name, domain in CATEGORIES.items()},
            **numbers | {"departure_minute_of_day": dice.integers(0, 1440, count).astype(float)},
            s.SCHEDULED_DEPARTURE: departure,
            IS_LATE: steps * told + dice.normal(size=count) > 1,
        }
    ).with_columns(pl.col(s.SCHEDULED_DEPARTURE).cast(s.MOMENT))


def folded(**how: float) -> FoldedRows:
    """The made-up flights, cut into folds."""
    return fold_rows(flights(**how), slices())


def spoil(rows: pl.DataFrame, moment: object) -> pl.DataFrame:
    """The same flights, every label and number of those from `moment` on turned round."""
    later = pl.col(s.SCHEDULED_DEPARTURE) >= moment
    return rows.with_columns(
        pl.when(later).then(~pl.col(IS_LATE)).otherwise(IS_LATE).alias(IS_LATE),
        *(pl.when(later).then(-pl.col(name)).otherwise(name).alias(name) for name in NUMERIC),
    )
