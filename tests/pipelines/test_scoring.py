"""From features to predictions, and the champion that must not answer about its own past."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from data_checks import schema as s
from monitoring.quality import NotAProbability
from pipelines.as_of import AS_OF
from pipelines.clock import Week
from pipelines.feature_catalog import CATEGORICAL, NAMES
from pipelines.scoring import LeakingChampion, refuse_future_champion, score_flights, score_yardsticks

WEEK = Week.holding(date(2013, 7, 1))
NOON = datetime(2013, 7, 1, 16, tzinfo=UTC)


class ByDistance:
    """A model that says a hundredth of the distance."""

    def probability(self, encoded: np.ndarray) -> np.ndarray:
        return encoded[:, NAMES.index(s.DISTANCE)] / 100


def features(*distances: float) -> pl.DataFrame:
    """One row of features per distance."""
    rows = len(distances)
    types = {name: pl.String if name in CATEGORICAL else pl.Float64 for name in NAMES}
    return pl.DataFrame(
        {
            **{name: pl.Series([None] * rows, dtype=dtype) for name, dtype in types.items()},
            s.DISTANCE: distances,
            s.FLIGHT_ID: [str(number) for number in range(rows)],
            s.SCHEDULED_DEPARTURE: [NOON] * rows,
            AS_OF: [NOON - timedelta(hours=2)] * rows,
        }
    )


def test_every_flight_gets_one_prediction_in_its_place():
    scored = score_flights(ByDistance(), 4, features(30, 10, 20))

    assert scored.select(s.FLIGHT_ID, "probability").rows() == [("0", 0.3), ("1", 0.1), ("2", 0.2)]


def test_a_prediction_says_which_version_made_it_and_as_of_when():
    scored = score_flights(ByDistance(), 4, features(30))

    assert scored.select("version", AS_OF, s.SCHEDULED_DEPARTURE).row(0) == (4, NOON - timedelta(hours=2), NOON)


def test_a_model_sees_the_features_of_the_catalog_in_their_order():
    seen = []

    class Looking(ByDistance):
        def probability(self, encoded: np.ndarray) -> np.ndarray:
            seen.extend(encoded[0])
            return super().probability(encoded)

    numbered = features(30).with_columns(pl.lit(float(place)).alias(name) for place, name in enumerate(NAMES[2:], 2))
    score_flights(Looking(), 4, numbered)

    assert seen[2:] == [float(place) for place in range(2, len(NAMES))]


@pytest.mark.parametrize("distance", [float("nan"), float("inf"), 101.0, -1.0])
def test_a_prediction_that_is_no_probability_is_refused_before_it_is_kept(distance):
    with pytest.raises(NotAProbability, match="1 of 2 predictions"):
        score_flights(ByDistance(), 4, features(30.0, distance))
    with pytest.raises(NotAProbability, match="1 of 2 predictions"):
        score_yardsticks(ByDistance(), 0.25, features(30.0, distance))


def test_yardsticks_are_the_frozen_model_and_one_rate_for_all():
    found = score_yardsticks(ByDistance(), 0.25, features(30, 10))

    assert found.rows() == [("0", 0.3, 0.25), ("1", 0.1, 0.25)]


@pytest.mark.parametrize("early", [timedelta(days=30), timedelta(microseconds=1), timedelta(0)])
def test_a_champion_that_has_seen_nothing_of_the_week_may_score_it(early):
    refuse_future_champion({"end": (WEEK.start - early).isoformat()}, 4, WEEK)


@pytest.mark.parametrize("late", [timedelta(microseconds=1), timedelta(days=7)])
def test_a_champion_that_has_seen_into_the_week_is_refused(late):
    with pytest.raises(LeakingChampion, match=r"version 4 has seen data up to 2013-07-.*scoring week 2013-07-01"):
        refuse_future_champion({"end": (WEEK.start + late).isoformat()}, 4, WEEK)
