"""What a group of features is worth: the monthly protocol, paired intervals, and a verdict on both sides of zero."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from data_checks import schema as s
from monitoring.labels import IS_LATE, LABEL_KNOWN_AT
from pipelines.estimators import ModelParameters
from pipelines.feature_catalog import CATEGORIES, FEATURES, NAMES, NUMERIC
from pipelines.worth import (
    HARMFUL,
    KEEP,
    NO_EVIDENCE,
    Gain,
    NothingToScore,
    decide_worth,
    groups,
    month_starts,
    names_without,
    score_month,
    weigh_group,
    with_labels,
)

QUICK = ModelParameters(trees=10)
MAY = date(2013, 5, 1)
TELLING = "origin_waiting_flights"
SPREAD = {"above": Gain(0.01, 0.001, 0.02), "on": Gain(0.0, -0.01, 0.01), "below": Gain(-0.01, -0.02, -0.001)}


def labelled(flights: int = 3000) -> pl.DataFrame:
    """Flights of April and May whose lateness one airport feature tells, and the others do not."""
    dice = np.random.default_rng(0)
    departure = [datetime(2013, 4, 1, 12, tzinfo=UTC) + timedelta(minutes=29 * number) for number in range(flights)]
    telling = dice.normal(size=flights)
    values = {name: telling if name == TELLING else dice.normal(size=flights) for name in NUMERIC}
    return pl.DataFrame(
        {
            s.FLIGHT_ID: [str(number) for number in range(flights)],
            s.SCHEDULED_DEPARTURE: departure,
            **{name: dice.choice(domain, flights) for name, domain in CATEGORIES.items()},
            **values,
            IS_LATE: telling + dice.normal(size=flights) > 1,
            LABEL_KNOWN_AT: [moment + timedelta(hours=3) for moment in departure],
        }
    ).with_columns(pl.col(s.SCHEDULED_DEPARTURE, LABEL_KNOWN_AT).cast(s.MOMENT))


@pytest.mark.parametrize(
    ("auc", "loss", "verdict"),
    [
        ("above", "above", KEEP),
        ("above", "on", KEEP),
        ("on", "above", KEEP),
        ("on", "on", NO_EVIDENCE),
        ("above", "below", NO_EVIDENCE),
        ("below", "above", NO_EVIDENCE),
        ("below", "on", HARMFUL),
        ("on", "below", HARMFUL),
        ("below", "below", HARMFUL),
    ],
)
def test_a_verdict_needs_an_interval_that_excludes_zero_and_none_that_objects(auc, loss, verdict):
    assert decide_worth(SPREAD[auc], SPREAD[loss])[0] == verdict


def test_an_interval_that_touches_zero_holds_it():
    touching = Gain(0.01, 0.0, 0.02), Gain(-0.01, -0.02, 0.0)

    assert [gain.sign for gain in touching] == [0, 0]


def test_a_reason_names_the_measures_that_speak():
    assert decide_worth(SPREAD["above"], SPREAD["above"]) == (KEEP, "worse AUC and log loss without it")
    assert decide_worth(SPREAD["on"], SPREAD["below"]) == (HARMFUL, "better log loss without it")


def test_the_months_are_those_that_begin_between_two_days():
    assert month_starts(date(2013, 11, 1), date(2014, 1, 31)) == [
        date(2013, 11, 1),
        date(2013, 12, 1),
        date(2014, 1, 1),
    ]
    assert month_starts(date(2013, 11, 2), date(2013, 12, 1)) == [date(2013, 12, 1)]


def test_every_feature_is_in_one_group_and_goes_with_it():
    left_out = [set(NAMES) - set(names_without(group)) for group in groups()]

    assert sum(map(len, left_out)) == len(FEATURES) == len(set().union(*left_out))
    assert names_without(None) == NAMES


def test_a_month_is_scored_by_a_model_that_saw_only_labels_known_when_it_began():
    rows = labelled()
    begins = datetime(2013, 5, 1, 4, tzinfo=UTC)
    known_later = rows.select((pl.col(LABEL_KNOWN_AT) > begins) & (pl.col(s.SCHEDULED_DEPARTURE) < begins)).to_series()
    flipped = rows.with_columns(pl.when(known_later).then(~pl.col(IS_LATE)).otherwise(IS_LATE).alias(IS_LATE))

    month = score_month(rows, MAY, QUICK)

    assert known_later.sum() > 0
    assert month.learned == (rows[LABEL_KNOWN_AT] <= begins).sum()
    assert month.quality.flights == rows.filter(pl.col(s.SCHEDULED_DEPARTURE) >= begins).height
    assert score_month(flipped, MAY, QUICK).quality == month.quality


@pytest.mark.parametrize("group", groups())
def test_only_the_group_that_tells_is_missed(group):
    rows = labelled()

    full, without = (score_month(rows, MAY, QUICK, names_without(left_out)) for left_out in (None, group))
    worth = weigh_group(group, [full], [without], seed=1)

    assert worth.roc_auc.mean == pytest.approx(full.quality.roc_auc - without.quality.roc_auc)
    assert worth.log_loss.mean == pytest.approx(without.quality.log_loss - full.quality.log_loss)
    assert worth.roc_auc.lower <= worth.roc_auc.mean <= worth.roc_auc.upper
    assert (worth.roc_auc.sign > 0) == (group == "airport")


def test_a_group_that_changes_nothing_is_worth_exactly_nothing():
    month = score_month(labelled(), MAY, QUICK)

    worth = weigh_group("plan", [month, month], [month, month], seed=1)

    assert worth.roc_auc == worth.log_loss == Gain(0.0, 0.0, 0.0)
    assert worth.verdict == NO_EVIDENCE


def test_a_month_without_labels_says_what_it_needs():
    with pytest.raises(NothingToScore, match=r"2013-04 has \d+ labelled flights and 0 known before it"):
        score_month(labelled(), date(2013, 4, 1), QUICK)


def test_only_flights_that_landed_are_labelled():
    outcomes = pl.DataFrame(
        [
            ("a", s.ARRIVED, 15, datetime(2013, 4, 1, tzinfo=UTC), 0),
            ("b", s.CANCELLED, None, datetime(2013, 4, 1, tzinfo=UTC), 0),
        ],
        schema=s.OUTCOMES.polars_schema,
        orient="row",
    )

    found = with_labels(pl.DataFrame({s.FLIGHT_ID: ["a", "b", "c"]}), outcomes)

    assert found.select(s.FLIGHT_ID, IS_LATE).rows() == [("a", True)]
