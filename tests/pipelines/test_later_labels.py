"""A verdict of the gate held against the labels of the weeks after it, which the gate did not have."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import log_loss

from data_checks import schema as s
from monitoring.labels import IS_LATE, known_labels
from pipelines.clock import Week, midnight
from pipelines.context import Context, open_context
from pipelines.later_labels import judge_later, say_later
from pipelines.training import predict_probability


@pytest.fixture
def context(lived_copy) -> Context:
    return open_context(lived_copy.settings)


@pytest.fixture
def records(context) -> list[dict]:
    """Every record of the gate, the oldest first."""
    return [context.registry.gate_record(event["version"]) for event in context.journal.events("gate")]


def flights_after(context: Context, day: date) -> pl.DataFrame:
    """Features and labels of the four weeks from a day on, read from the tables themselves."""
    newest = Week.from_id(context.journal.events("monitor")[-1]["week"])
    weeks = [week for week in context.all_weeks() if week <= newest]
    features = pl.concat([context.store.read_table("features", week.id) for week in weeks])
    departs = pl.col(s.SCHEDULED_DEPARTURE)
    inside = features.filter(departs >= midnight(day), departs < midnight(day + timedelta(weeks=4)))
    labels = known_labels(context.accepted(s.OUTCOMES, newest), newest.end)
    return inside.join(labels, on=s.FLIGHT_ID).filter(pl.col(IS_LATE).is_not_null())


def test_candidate_and_champion_are_compared_on_the_labelled_flights_after_the_verdict(context, records):
    record = next(one for one in records if one["champion"] is not None and judge_later(context, one))
    rows = flights_after(context, date.fromisoformat(record["decided_on"]))

    found = judge_later(context, record)

    losses = [
        log_loss(rows[IS_LATE].cast(pl.Int8), predict_probability(context.registry.load(version), rows))
        for version in (record["version"], record["champion"])
    ]
    assert found.flights == rows.height > 0
    assert np.allclose([found.challenger_loss, found.champion_loss], losses, rtol=0, atol=1e-9)
    assert found.gain.mean == pytest.approx(losses[1] - losses[0])
    assert (found.decided_on, found.promoted) == (record["decided_on"], record["promote"])


def test_the_first_champion_had_no_rival_to_be_compared_with(context, records):
    assert judge_later(context, records[0]) is None


def test_a_verdict_that_nothing_came_after_waits_for_labels(context, records):
    newest = Week.from_id(context.journal.events("monitor")[-1]["week"])
    last = {**records[-1], "champion": 1, "decided_on": newest.plus(1).monday.isoformat()}

    assert judge_later(context, last) is None


def test_the_sentence_says_whether_the_verdict_stands_and_how_surely(context, records):
    found = judge_later(context, {**records[0], "champion": records[0]["version"], "promote": False})
    worse = replace(found, gain=replace(found.gain, mean=-0.01, lower=-0.02, upper=-0.001))

    assert say_later(worse).endswith("a gain of -0.0100 [-0.0200, -0.0010]: the verdict was right")
    assert say_later(replace(worse, promoted=True)).endswith("the verdict was wrong")
    assert say_later(replace(worse, gain=replace(worse.gain, upper=0.001))).endswith("do not show with confidence")
