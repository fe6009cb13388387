"""The yardsticks by hand, the folds they meet on, and who wins: the simplest within noise of the best."""

from dataclasses import replace
from datetime import timedelta

import few_days
import numpy as np
import polars as pl
import pytest

from data_checks import schema as s
from monitoring.labels import IS_LATE
from monitoring.quality import loss_per_row, measure_quality
from pipelines.contenders import (
    BASE_RATE,
    RATE_TABLE,
    SIMPLEST_FIRST,
    BaseRate,
    Judged,
    NothingLearned,
    RateTable,
    choose_contender,
    judge_contenders,
)
from pipelines.estimators import HIST_GRADIENT_BOOSTING, LIGHTGBM, LOGISTIC
from pipelines.folds import FEWEST, fit_matrix, fold_probability, fold_rows
from pipelines.training import fit_model, predict_probability

HOURS = 60.0


def departures(*rows: tuple[str, float, bool]) -> pl.DataFrame:
    """Flights by carrier, minute of the day of departure, and whether they were late."""
    return pl.DataFrame(rows, schema=[s.CARRIER, "departure_minute_of_day", IS_LATE], orient="row")


KNOWN = departures(
    *[("UA", 8 * HOURS, late) for late in (True, True, True, False)],
    *[("UA", 9 * HOURS, late) for late in (False, False)],
    *[("DL", 8 * HOURS + 59, late) for late in (True, False, False, False)],
)
"""Overall 4 of 10 late; UA 3 of 6, DL 1 of 4; UA at 8: 3 of 4, at 9: 0 of 2; DL at 8: 1 of 4."""


def test_the_base_rate_says_the_share_of_what_it_has_seen():
    assert BaseRate.fit(KNOWN).probability(KNOWN.head(2)).tolist() == [0.4, 0.4]


@pytest.mark.parametrize(
    ("carrier", "minute", "share"),
    [
        ("UA", 8 * HOURS, (3 + 2 * 0.475) / (4 + 2)),
        ("UA", 8 * HOURS + 59, (3 + 2 * 0.475) / (4 + 2)),
        ("UA", 9 * HOURS, (0 + 2 * 0.475) / (2 + 2)),
        ("DL", 8 * HOURS, (1 + 2 * 0.3) / (4 + 2)),
        ("UA", 23 * HOURS, 0.475),
        ("DL", 9 * HOURS, 0.3),
        ("B6", 8 * HOURS, 0.4),
        (None, 8 * HOURS, 0.4),
    ],
    ids=["cell", "last minute of the hour", "none late", "other carrier", "new hour", "hour of another", "new", "none"],
)
def test_a_cell_of_the_rate_table_is_drawn_to_its_carrier_and_that_to_the_whole(carrier, minute, share):
    """With m = 2: UA (3 + 2 * 0.4) / (6 + 2) = 0.475, DL (1 + 2 * 0.4) / (4 + 2) = 0.3."""
    table = RateTable.fit(KNOWN, prior_flights=2)

    asked = departures(("DL", 0.0, False), (carrier, minute, False))

    assert table.probability(asked)[1] == pytest.approx(share)


def test_without_a_prior_the_rate_table_says_the_shares_it_has_seen():
    assert RateTable.fit(KNOWN, prior_flights=0).probability(KNOWN).tolist() == [0.75] * 4 + [0.0] * 2 + [0.25] * 4


def test_a_fold_is_learned_from_before_it_and_judged_in_it():
    folded, slices = few_days.folded(), few_days.slices()

    found = [(folded.rows[learned], folded.rows[judged]) for learned, judged in folded.folds]

    assert len(found) == 3
    for fold, (learned, judged) in zip(slices.folds, found, strict=True):
        assert learned[s.SCHEDULED_DEPARTURE].max() < fold.start == judged[s.SCHEDULED_DEPARTURE].min()
        assert judged[s.SCHEDULED_DEPARTURE].max() < fold.end
        assert learned.height + judged.height == 110 * (fold.end - few_days.START).days
    assert folded.rows.height == folded.folds[-1][1].stop


def test_a_flight_without_a_label_is_in_no_fold():
    rows = few_days.flights().with_columns(
        pl.when(pl.col(s.FLIGHT_ID) == "7").then(None).otherwise(IS_LATE).alias(IS_LATE)
    )

    folded = fold_rows(rows, few_days.slices())

    assert "7" not in folded.rows[s.FLIGHT_ID]
    assert folded.rows.height == few_days.folded().rows.height - 1


@pytest.mark.parametrize(("flights", "folds"), [(FEWEST - 1, 2), (FEWEST, 3)])
def test_a_fold_of_too_few_flights_is_left_out(flights, folds):
    rows, fold = few_days.flights(), few_days.slices().folds[1]
    within = pl.col(s.SCHEDULED_DEPARTURE).is_between(fold.start, fold.end, closed="left")
    thinned = pl.concat([rows.filter(~within), rows.filter(within).head(flights)])

    assert len(fold_rows(thinned, few_days.slices()).folds) == folds


def test_a_fold_of_one_class_is_left_out():
    rows, fold = few_days.flights(), few_days.slices().folds[2]
    within = pl.col(s.SCHEDULED_DEPARTURE) >= fold.start

    assert len(fold_rows(rows.with_columns(pl.col(IS_LATE) & ~within), few_days.slices()).folds) == 2


def test_a_column_that_is_missing_in_every_row_is_not_learned_from():
    folded = few_days.folded()
    X = folded.X.copy()
    X[:, 5] = np.nan

    model = fit_matrix(X, folded.is_late, few_days.QUICK)
    X[:, 5] = 99.0

    assert np.isnan(folded.X).sum() == 0
    assert np.array_equal(model.predict_proba(X)[:, 1], model.predict_proba(folded.X)[:, 1])


def test_each_contender_is_judged_on_every_fold_by_what_it_learned_before_it():
    folded = few_days.folded()

    judged = judge_contenders(folded, few_days.QUICK)

    assert tuple(one.name for one in judged) == SIMPLEST_FIRST
    for number, (learned, _) in enumerate(folded.folds):
        assert judged[0].folds[number].mean_probability == pytest.approx(folded.is_late[learned].mean())
    for one in judged:
        assert len(one.probability) == sum(fold.flights for fold in one.folds) == len(folded.judged(folded.day))


@pytest.mark.parametrize("kind", [LOGISTIC, HIST_GRADIENT_BOOSTING, LIGHTGBM])
def test_a_fold_is_told_exactly_what_the_pipeline_of_a_training_would_say(kind):
    folded, parameters = few_days.folded(), replace(few_days.QUICK, kind=kind)
    learned, judged = folded.folds[0]

    model = fit_model(folded.rows[learned], parameters)

    expected = predict_probability(model, folded.rows[judged])
    assert np.array_equal(fold_probability(folded, 0, parameters), expected)


def test_nothing_that_leaves_after_the_folds_changes_what_is_said_of_them():
    rows, slices = few_days.flights(), few_days.slices()
    spoilt = few_days.spoil(rows, slices.calibration)

    before, after = (judge_contenders(fold_rows(table, slices), few_days.QUICK) for table in (rows, spoilt))

    assert not rows.equals(spoilt)
    for one, other in zip(before, after, strict=True):
        assert np.array_equal(one.probability, other.probability)


def test_the_labels_of_a_fold_change_nothing_of_what_is_said_of_it():
    rows, slices = few_days.flights(), few_days.slices()
    fold = slices.folds[-1]
    turned = rows.with_columns(
        pl.when(pl.col(s.SCHEDULED_DEPARTURE) >= fold.start).then(~pl.col(IS_LATE)).otherwise(IS_LATE).alias(IS_LATE)
    )

    before, after = (judge_contenders(fold_rows(table, slices), few_days.QUICK) for table in (rows, turned))

    for one, other in zip(before, after, strict=True):
        assert np.array_equal(one.probability, other.probability)


DAYS = 20
LABELS = np.tile([1, 0, 0, 0], 25 * DAYS)
DAY = np.repeat(np.arange(DAYS), 100)


def said(skill: float, noise: float = 0.0) -> np.ndarray:
    """Probabilities that lean to the truth by `skill`, and from day to day by `noise` to and fro."""
    swing = noise * np.where(DAY % 2 == 0, 1, -1)
    return 0.25 + (skill + swing) * (LABELS - 0.25)


def choose(**probabilities: np.ndarray):
    """The choice among contenders who said this."""
    judged = tuple(Judged(name, one, (measure_quality(one, LABELS),), 1.0) for name, one in probabilities.items())
    return choose_contender(judged, LABELS, DAY, confidence=0.95, seed=1)


def test_the_best_wins_when_everything_simpler_loses_more_than_noise():
    choice = choose(base_rate=said(0), logistic=said(0.2), hist_gradient_boosting=said(0.4))

    assert choice.winner == HIST_GRADIENT_BOOSTING
    assert [standing.within_noise for standing in choice.standings] == [False, False, True]
    assert "hist_gradient_boosting has the lowest log loss, 0." in choice.reason
    assert "base_rate +0." in choice.reason
    assert "logistic +0." in choice.reason


def test_the_simplest_wins_within_noise_of_the_best():
    choice = choose(base_rate=said(0), lightgbm=said(0.31), hist_gradient_boosting=said(0.30, noise=0.1))

    assert choice.winner == HIST_GRADIENT_BOOSTING
    assert choice.reason.startswith("hist_gradient_boosting is simpler than lightgbm and within noise of it: log loss")
    assert choice.standings[1].loses.mean > 0 > choice.standings[1].loses.lower


def test_of_contenders_that_say_the_same_the_simpler_wins():
    choice = choose(base_rate=said(0), lightgbm=said(0.3), hist_gradient_boosting=said(0.3), logistic=said(0.3))

    assert choice.winner == LOGISTIC
    assert [standing.loses.lower for standing in choice.standings[1:]] == [0.0, 0.0, 0.0]


def test_the_standings_are_in_order_of_simplicity_whatever_order_they_were_judged_in():
    choice = choose(lightgbm=said(0.4), rate_table=said(0.1), logistic=said(0.2), base_rate=said(0))

    assert [standing.name for standing in choice.standings] == [BASE_RATE, RATE_TABLE, LOGISTIC, LIGHTGBM]


def test_what_a_contender_loses_is_its_log_loss_less_that_of_the_best():
    choice = choose(base_rate=said(0), logistic=said(0.2), lightgbm=said(0.4))

    expected = loss_per_row(said(0.2), LABELS).mean() - loss_per_row(said(0.4), LABELS).mean()
    assert choice.standings[1].loses.mean == pytest.approx(expected)


@pytest.mark.parametrize("yardstick", [BASE_RATE, RATE_TABLE])
def test_a_yardstick_that_wins_is_refused_with_the_numbers(yardstick):
    with pytest.raises(
        NothingLearned, match=f"on 20 days of 1 folds, got: {yardstick} is simpler than .* log loss 0.5"
    ):
        choose(**{yardstick: said(0.05), "hist_gradient_boosting": said(0.06, noise=0.05)})


def test_a_yardstick_that_is_best_is_refused():
    with pytest.raises(NothingLearned, match="rate_table has the lowest log loss"):
        choose(base_rate=said(0), rate_table=said(0.3), hist_gradient_boosting=said(0.2))


def test_on_flights_that_nothing_tells_no_model_wins():
    folded = few_days.folded(steps=0.0)
    judged = judge_contenders(folded, few_days.QUICK)

    with pytest.raises(NothingLearned):
        choose_contender(judged, folded.judged(folded.is_late), folded.judged(folded.day), 0.95, seed=1)


def test_where_no_straight_line_tells_it_the_trees_win():
    folded = few_days.folded()
    judged = judge_contenders(folded, replace(few_days.QUICK, trees=20))

    choice = choose_contender(judged, folded.judged(folded.is_late), folded.judged(folded.day), 0.95, seed=1)

    assert choice.winner in (HIST_GRADIENT_BOOSTING, LIGHTGBM)
    assert not next(standing for standing in choice.standings if standing.name == LOGISTIC).within_noise


def test_the_folds_of_the_made_up_weeks_follow_each_other():
    folds = few_days.slices().folds

    assert [fold.end - fold.start for fold in folds] == [timedelta(days=7)] * 3
    assert folds[-1].end == few_days.slices().calibration
