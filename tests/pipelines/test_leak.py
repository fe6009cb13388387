"""What a leak would look like, on real flights: the gate refuses a model that knows how late the flight left."""

import polars as pl
import pytest
from gate_builders import gathered

from data_checks import schema as s
from monitoring.labels import IS_LATE
from pipelines.clock import Week, local_day
from pipelines.estimators import ModelParameters
from pipelines.features import build_features
from pipelines.promotion import GateRules, decide_promotion
from pipelines.state import World, prepare_state
from pipelines.training import fit_model, predict_probability

CARRIES_THE_LEAK = "aircraft_last_departure_delay_min"


@pytest.fixture(scope="module")
def labelled(feeds: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """The features of the landed flights of January and February with their label and own departure delay."""
    end = Week.from_id("2013-03-04").start
    plan = feeds["schedule"].filter(pl.col(s.SCHEDULED_DEPARTURE) < end)
    world = World(plan, feeds["outcomes"].filter(pl.col(s.KNOWN_AT) < end), feeds["weather"], feeds["planes"])
    delay = {
        event: world.outcomes.filter(pl.col(s.EVENT) == event).select(s.FLIGHT_ID, pl.col(s.DELAY).alias(event))
        for event in (s.DEPARTED, s.ARRIVED)
    }
    features = build_features(plan, prepare_state(world)).with_columns(plan[s.SCHEDULED_DEPARTURE])
    landed = features.join(delay[s.ARRIVED], on=s.FLIGHT_ID, maintain_order="left")
    return landed.join(delay[s.DEPARTED], on=s.FLIGHT_ID, maintain_order="left").with_columns(
        (pl.col(s.ARRIVED) >= 15).alias(IS_LATE)
    )


def verdict(rows: pl.DataFrame) -> tuple[bool, str, float]:
    """What the gate says of a model that learned from all but the last fortnight, against the base rate."""
    cutoff = Week.from_id("2013-02-18").start
    learned, judged = (rows.filter((pl.col(s.SCHEDULED_DEPARTURE) < cutoff) == side) for side in (True, False))
    model = fit_model(learned, ModelParameters(trees=20))
    is_late = judged[IS_LATE].cast(pl.Int8).to_numpy()
    base_rate = pl.repeat(learned[IS_LATE].mean(), judged.height, eager=True).to_numpy()
    day = judged.select(local_day(s.SCHEDULED_DEPARTURE)).to_series().to_numpy()
    evidence = gathered(predict_probability(model, judged), base_rate, is_late, day)
    decision = decide_promotion(evidence, GateRules())
    return decision.promote, decision.reason, evidence.challenger.roc_auc


def test_a_model_that_looks_two_hours_ahead_passes_the_gate(labelled):
    promoted, reason, auc = verdict(labelled)

    assert promoted, reason
    assert 0.6 < auc < 0.85


def test_a_model_that_knows_how_late_the_flight_left_is_too_good_to_be_true(labelled):
    leaking = labelled.with_columns(pl.col(s.DEPARTED).cast(pl.Float64).alias(CARRIES_THE_LEAK))

    promoted, reason, auc = verdict(leaking)

    assert (promoted, reason.startswith("not too good to be true: ")) == (False, True)
    assert auc > 0.88
