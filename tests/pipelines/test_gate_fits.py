"""Which fits the gate is tried with: windows that share no day, luck that is the only difference, fits kept."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from data_checks import schema as s
from infra.storage import Store
from monitoring.labels import IS_LATE, LABEL_KNOWN_AT
from pipelines import gate_fits
from pipelines.clock import midnight
from pipelines.estimators import ModelParameters
from pipelines.feature_catalog import CATEGORICAL, CATEGORIES, NUMERIC
from pipelines.gate_fits import DAYS, KINDS, SEEDS, Twin, Year, answers_of, draw_days, fits_of, mondays, twins_needed

MONDAY = date(2013, 2, 4)
SMALL = ModelParameters(trees=3, leaves=4, feature_share=0.3)


def flights(days: int = 50, per_day: int = 40, seed: int = 1) -> pl.DataFrame:
    """Made-up flights from the first of January on; one number decides; labels are known three hours later."""
    dice = np.random.default_rng(seed)
    rows = days * per_day
    numbers = {name: dice.normal(size=rows) for name in NUMERIC}
    departs = [
        datetime(2013, 1, 1, 15, tzinfo=UTC) + timedelta(days=row // per_day, minutes=row % per_day)
        for row in range(rows)
    ]
    return pl.DataFrame(
        {
            s.FLIGHT_ID: [f"flight {row:05}" for row in range(rows)],
            **{name: dice.choice(CATEGORIES[name], rows) for name in CATEGORICAL},
            **numbers,
            IS_LATE: dice.random(rows) < 1 / (1 + np.exp(-2 * numbers[NUMERIC[0]])),
            s.SCHEDULED_DEPARTURE: departs,
            LABEL_KNOWN_AT: [moment + timedelta(hours=3) for moment in departs],
        }
    )


def year(rows: pl.DataFrame) -> Year:
    schedule = rows.select(s.FLIGHT_ID, pl.lit("IAH").alias(s.DESTINATION))
    return Year.of(rows, schedule, pl.DataFrame({s.AIRPORT: ["IAH"], s.TIME_ZONE: ["America/Chicago"]}))


@pytest.fixture(scope="module")
def whole() -> Year:
    return year(flights())


def said(store: Store, whole: Year, *twins: Twin) -> list[np.ndarray]:
    return [answers_of(store, whole, twin, SMALL, 14).probability for twin in twins]


def test_the_windows_of_2013_are_two_and_twenty_fortnights_from_the_end_of_february_on():
    found = mondays(date(2013, 1, 1), date(2013, 12, 31), 14)

    assert (len(found), found[0], found[-1]) == (22, date(2013, 2, 25), date(2013, 12, 16))
    assert {(later - one).days for one, later in pairwise(found)} == {14}


@pytest.mark.parametrize(("last", "windows"), [(date(2013, 3, 9), 0), (date(2013, 3, 10), 1), (date(2013, 3, 11), 1)])
def test_a_window_counts_when_its_last_day_is_there(last, windows):
    assert len(mondays(date(2013, 1, 1), last, 14)) == windows


@pytest.mark.parametrize(
    ("trials", "twins"), [(1, 2), (22, 2), (23, 3), (66, 3), (67, 4), (132, 4), (133, 5), (220, 5), (221, 6)]
)
def test_pairs_of_twins_make_at_least_as_many_trials_as_were_asked_for(trials, twins):
    """22 windows: as many trials for each pair."""
    assert twins_needed(22, trials) == twins


def test_one_fit_of_each_monday_is_followed_beyond_its_gate():
    fits = fits_of([MONDAY], 3)

    assert (len(fits), [twin for twin in fits if twin.is_followed]) == (6, [Twin(MONDAY, SEEDS, 0)])


def test_few_twins_drew_other_days_however_many_differ_by_the_seed():
    kinds = [twin.kind for twin in fits_of([MONDAY], 5)]

    assert (kinds.count(SEEDS), kinds.count(DAYS)) == (5, 3)


def test_what_left_before_the_monday_is_learned_from_if_its_label_was_known_at_the_gate(whole):
    learned = whole.before(MONDAY, 14)

    assert learned[s.SCHEDULED_DEPARTURE].max() < midnight(MONDAY)
    assert learned.height == 34 * 40


@pytest.mark.parametrize(("late_by", "kept"), [(timedelta(0), 1), (timedelta(seconds=1), 0)])
def test_a_label_that_comes_after_the_gate_has_judged_is_not_learned_from(late_by, kept):
    rows = flights(days=40, per_day=1).with_row_index("row")
    known = pl.when(pl.col("row") == 0).then(midnight(MONDAY + timedelta(days=14)) + late_by)
    whole = year(rows.with_columns(known.otherwise(pl.col(LABEL_KNOWN_AT)).alias(LABEL_KNOWN_AT)).drop("row"))

    assert whole.before(MONDAY, 14).filter(pl.col(s.FLIGHT_ID) == "flight 00000").height == kept


def test_the_gate_judges_the_days_after_the_monday(whole):
    judged = whole.gate(MONDAY, 14)

    assert (len(judged.is_late), str(judged.day.min()), str(judged.day.max())) == (14 * 40, "2013-02-04", "2013-02-17")
    assert judged.slices["region"].unique().to_list() == ["Chicago"]


def test_twins_differ_by_seed_or_by_days_and_the_same_twin_is_the_same(tmp_path, whole):
    twins = [Twin(MONDAY, kind, number) for kind in KINDS for number in (1, 2)]
    once = said(Store(tmp_path / "once"), whole, *twins)
    again = said(Store(tmp_path / "again"), whole, *twins)

    assert all((one == other).all() for one, other in zip(once, again, strict=True))
    assert len({one.tobytes() for one in once}) == 4


def test_a_twin_answers_for_its_gate_and_the_followed_one_for_all_days_after(tmp_path, whole):
    followed, other = said(Store(tmp_path), whole, Twin(MONDAY, SEEDS, 0), Twin(MONDAY, DAYS, 0))

    assert (len(followed), len(other)) == (16 * 40, 14 * 40)


def test_a_fit_that_was_kept_is_not_made_again(tmp_path, whole, monkeypatch):
    store, twin = Store(tmp_path), Twin(MONDAY, DAYS, 0)
    (before,) = said(store, whole, twin)
    monkeypatch.setattr(gate_fits, "fit_model", None)

    (after,) = said(store, whole, twin)

    assert (after == before).all()


def test_a_fit_of_other_rows_or_parameters_is_another(tmp_path, whole):
    store, twin = Store(tmp_path), Twin(MONDAY, DAYS, 0)
    answers_of(store, whole, twin, SMALL, 14)
    answers_of(store, year(flights(seed=2)), twin, SMALL, 14)
    answers_of(store, whole, twin, ModelParameters(trees=2, leaves=4), 14)

    assert len(store.files("gate/fits", "*.npz")) == 3


def test_days_are_drawn_whole_and_as_many_as_there_are():
    rows = flights(days=10, per_day=7)

    drawn = draw_days(rows, np.random.default_rng(1))

    times = drawn[s.FLIGHT_ID].value_counts()["count"]
    assert drawn.height == 70
    assert drawn[s.SCHEDULED_DEPARTURE].dt.date().is_sorted()
    days = drawn.group_by(pl.col(s.SCHEDULED_DEPARTURE).dt.date()).len()["len"]
    assert (days % 7 == 0).all()
    assert times.max() > 1
