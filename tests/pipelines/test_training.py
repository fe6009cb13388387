"""Which rows a fit sees, when two fits are the same, and how the fitted model behaves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from data_checks import schema as s
from monitoring.decision import EXPANDING, RECENT
from monitoring.labels import IS_LATE
from pipelines.estimators import ModelParameters
from pipelines.feature_catalog import CATEGORICAL, NAMES, NUMERIC
from pipelines.protocol import Slices
from pipelines.training import (
    TooFewRows,
    fit_key,
    fit_model,
    learning_start,
    predict_probability,
    split_by_time,
)

START = datetime(2013, 1, 1, 5, tzinfo=UTC)
CUTOFF = datetime(2013, 6, 17, 4, tzinfo=UTC)
END = datetime(2013, 7, 1, 4, tzinfo=UTC)
WINDOW = Slices(START, (), CUTOFF, CUTOFF, END)
TICK = timedelta(microseconds=1)
SMALL = ModelParameters(trees=8, leaves=7)

CAUSE = "origin_departure_delay_1h_min"


def labelled(departure: datetime, rows: int = 500, late: int = 100) -> pl.DataFrame:
    """Flights that leave at one moment, the first `late` of them late."""
    return pl.DataFrame(
        {s.SCHEDULED_DEPARTURE: [departure] * rows, IS_LATE: ([True] * late + [False] * rows)[:rows]},
        schema={s.SCHEDULED_DEPARTURE: s.MOMENT, IS_LATE: pl.Boolean},
    )


def history(*more: pl.DataFrame) -> pl.DataFrame:
    """Just enough flights on either side of the cutoff, and some more."""
    return pl.concat([labelled(START), labelled(CUTOFF), *more])


def feature_rows(rows: int = 1500, seed: int = 1) -> pl.DataFrame:
    """Made-up flights on which only the delays at the airport decide: each minute of it makes lateness likelier."""
    random = np.random.default_rng(seed)
    numbers = {name: random.normal(size=rows) for name in NUMERIC} | {CAUSE: random.uniform(-15, 240, rows)}
    return pl.DataFrame(
        {
            s.CARRIER: random.choice(["UA", "B6", "DL"], rows),
            s.ORIGIN: random.choice(["EWR", "JFK"], rows),
            **numbers,
            IS_LATE: random.uniform(0, 240, rows) < numbers[CAUSE],
        }
    )


@pytest.fixture(scope="module")
def model():
    return fit_model(feature_rows(), SMALL)


def test_a_challenger_with_all_of_history_learns_from_the_first_day():
    assert learning_start(EXPANDING, START, CUTOFF, recent_weeks=4) == START


def test_a_challenger_that_forgets_learns_from_the_newest_weeks_before_the_gate():
    assert learning_start(RECENT, START, CUTOFF, recent_weeks=4) == datetime(2013, 5, 20, 4, tzinfo=UTC)


def test_a_challenger_cannot_learn_from_weeks_before_the_first_day():
    assert learning_start(RECENT, START, CUTOFF, recent_weeks=52) == START


def test_a_flight_at_the_cutoff_judges_and_one_before_it_is_learned_from():
    learned, judged = split_by_time(history(labelled(CUTOFF - TICK, 1)), WINDOW)

    assert (learned.height, judged.height) == (501, 500)


@pytest.mark.parametrize(("departure", "learned_from"), [(START - TICK, 500), (START, 501)])
def test_a_window_begins_with_its_first_moment(departure, learned_from):
    learned, _ = split_by_time(history(labelled(departure, 1)), WINDOW)

    assert learned.height == learned_from


@pytest.mark.parametrize(("departure", "judges"), [(END - TICK, 501), (END, 500)])
def test_a_window_ends_before_its_last_moment(departure, judges):
    _, judged = split_by_time(history(labelled(departure, 1)), WINDOW)

    assert judged.height == judges


def test_no_flight_judges_that_was_learned_from():
    learned, judged = split_by_time(history(), WINDOW)

    assert learned[s.SCHEDULED_DEPARTURE].max() < judged[s.SCHEDULED_DEPARTURE].min()


def test_a_flight_without_label_is_on_neither_side():
    nameless = labelled(START, 3).with_columns(pl.lit(None, dtype=pl.Boolean).alias(IS_LATE))

    learned, _ = split_by_time(history(nameless), WINDOW)

    assert learned.height == 500


@pytest.mark.parametrize(
    ("departure", "side"), [(START, "judge on"), (CUTOFF, "learn from")], ids=["none to judge on", "none to learn from"]
)
def test_a_side_without_flights_is_refused_by_its_name(departure, side):
    with pytest.raises(TooFewRows, match=f"0 labelled flights to {side}, needed 500 of both classes"):
        split_by_time(labelled(departure), WINDOW)


def test_499_flights_are_too_few_and_500_are_enough():
    with pytest.raises(TooFewRows, match="499 labelled flights to judge on"):
        split_by_time(pl.concat([labelled(START, 500), labelled(CUTOFF, 499)]), WINDOW)


@pytest.mark.parametrize("late", [0, 500])
def test_flights_of_one_class_are_refused(late):
    with pytest.raises(TooFewRows, match="500 labelled flights to learn from"):
        split_by_time(pl.concat([labelled(START, late=late), labelled(CUTOFF)]), WINDOW)


DATA = {"training": "a", "gate": "b"}


def test_the_same_rows_window_and_parameters_have_the_same_key():
    reordered = dict(reversed(DATA.items()))

    assert fit_key(WINDOW, SMALL, DATA) == fit_key(Slices(START, (), CUTOFF, CUTOFF, END), replace(SMALL), reordered)


def test_the_key_of_a_fit_is_the_same_in_another_process_and_year():
    key = fit_key(WINDOW, ModelParameters(), DATA)

    assert key == "b525971cf49ad5d63aa5e79accc84b0b81d569bd8065b1d433eb0139539a2ab0"


@pytest.mark.parametrize("change", [{"start": END}, {"calibration": END}, {"gate": END}, {"end": START}], ids=str)
def test_another_window_has_another_key(change):
    assert fit_key(replace(WINDOW, **change), SMALL, DATA) != fit_key(WINDOW, SMALL, DATA)


@pytest.mark.parametrize("name", SMALL.as_dict())
def test_another_parameter_has_another_key(name):
    other = replace(SMALL, **{name: getattr(SMALL, name) * 2 + type(getattr(SMALL, name))(1)})

    assert fit_key(WINDOW, other, DATA) != fit_key(WINDOW, SMALL, DATA)


@pytest.mark.parametrize("name", DATA)
def test_other_rows_have_another_key(name):
    assert fit_key(WINDOW, SMALL, DATA | {name: "c"}) != fit_key(WINDOW, SMALL, DATA)


def test_the_same_rows_give_the_same_model_bit_for_bit(model):
    again = fit_model(feature_rows(), SMALL)

    assert np.array_equal(
        predict_probability(again, feature_rows(300, 2)), predict_probability(model, feature_rows(300, 2))
    )


def test_another_seed_gives_another_model(model):
    other = fit_model(feature_rows(), replace(SMALL, seed=7))

    assert not np.array_equal(predict_probability(other, feature_rows()), predict_probability(model, feature_rows()))


def test_rows_in_another_order_give_the_same_model_but_for_rounding(model):
    shuffled = fit_model(feature_rows().sample(fraction=1, shuffle=True, seed=1), SMALL)

    difference = predict_probability(shuffled, feature_rows()) - predict_probability(model, feature_rows())

    assert np.abs(difference).max() < 1e-9


def test_columns_that_are_no_features_change_nothing(model):
    named = feature_rows().with_columns(pl.int_range(pl.len()).alias(s.FLIGHT_ID), pl.col(IS_LATE).alias("leak"))

    assert np.array_equal(
        predict_probability(fit_model(named, SMALL), named), predict_probability(model, feature_rows())
    )


def test_columns_in_another_order_change_nothing(model):
    backwards = feature_rows().select(reversed(feature_rows().columns))

    assert np.array_equal(predict_probability(model, backwards), predict_probability(model, feature_rows()))


def test_a_flight_has_the_same_probability_alone_as_in_a_batch(model):
    rows = feature_rows(50)

    alone = [predict_probability(model, rows[row])[0] for row in range(rows.height)]

    assert np.array_equal(alone, predict_probability(model, rows))


def test_fitting_does_not_change_the_rows():
    rows = feature_rows(600)

    fit_model(rows, replace(SMALL, trees=1))

    assert rows.equals(feature_rows(600))


def test_probabilities_lie_between_never_and_always(model):
    probability = predict_probability(model, feature_rows(500, 3))

    assert 0 < probability.min() < probability.max() < 1


def test_a_row_of_which_nothing_is_known_has_a_probability(model):
    types = {name: pl.String if name in CATEGORICAL else pl.Float64 for name in NAMES}
    nothing = pl.DataFrame([dict.fromkeys(NAMES)], schema=types)

    assert 0 < predict_probability(model, nothing)[0] < 1


@pytest.mark.parametrize("name", CATEGORICAL)
def test_a_category_that_was_never_seen_counts_as_missing(model, name):
    unseen = feature_rows(20).with_columns(pl.lit("??").alias(name))
    missing = feature_rows(20).with_columns(pl.lit(None, dtype=pl.String).alias(name))

    assert np.array_equal(predict_probability(model, unseen), predict_probability(model, missing))


def test_a_feature_that_is_missing_in_every_row_is_not_learned_from(model):
    rows = feature_rows()
    empty, constant = (rows.with_columns(pl.lit(seats).cast(pl.Float64).alias(s.SEATS)) for seats in (None, 5.0))

    probability = predict_probability(fit_model(empty, SMALL), rows)

    assert np.array_equal(probability, predict_probability(fit_model(constant, SMALL), rows))


def test_more_delay_at_the_airport_makes_a_flight_likelier_to_be_late(model):
    rows = feature_rows(200)

    quiet, jammed = (
        predict_probability(model, rows.with_columns(pl.lit(delay).alias(CAUSE))) for delay in (0.0, 200.0)
    )

    assert (jammed > quiet).all()


def test_the_model_ranks_new_flights_by_what_causes_their_delay(model):
    fresh = feature_rows(500, seed=9)

    probability = predict_probability(model, fresh)

    assert np.corrcoef(probability, fresh[CAUSE])[0, 1] > 0.9
