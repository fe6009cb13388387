"""The fits of a bake-off: what they learn from, what they may be asked, and that one which was made is never lost."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from infra.storage import Store
from monitoring.labels import IS_LATE, LABEL_KNOWN_AT
from pipelines.bakeoff_fits import AskedAboutThePast, Fit, Fits, LabelledYear
from pipelines.clock import midnight
from pipelines.estimators import ModelParameters
from pipelines.training import TooFewRows, fit_model
from tests.pipelines.tiny_year import FLIGHTS_A_DAY, NAMES, tiny_settings, tiny_year

FIRST, CUTOFF = midnight(date(2013, 1, 1)), midnight(date(2013, 2, 4))
QUICK = ModelParameters(trees=3)
FIT = Fit(FIRST, CUTOFF, QUICK)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return tiny_year(tiny_settings(tmp_path_factory.mktemp("settings")))


@pytest.fixture(scope="module")
def year(rows):
    return LabelledYear(rows)


def fits(year: LabelledYear, home, **options: object) -> Fits:
    return Fits(year, Store(home), NAMES, **options)


def test_a_label_that_is_known_at_the_cutoff_is_learned_from_and_a_later_one_is_not(rows):
    three = rows.head(3).with_columns(
        pl.Series(LABEL_KNOWN_AT, [CUTOFF, CUTOFF + timedelta(microseconds=1), CUTOFF - timedelta(hours=1)])
    )

    assert LabelledYear(three).learned(FIRST, CUTOFF)["flight_id"].to_list() == ["000000", "000002"]


def test_flights_before_the_start_are_not_learned_from(year):
    start = midnight(date(2013, 1, 8))

    assert year.learned(start, CUTOFF).height == year.learned(FIRST, CUTOFF).height - 7 * FLIGHTS_A_DAY


def test_the_flights_of_a_month_are_those_of_its_local_days(year):
    found = year.day[year.in_month(date(2013, 2, 1))]

    assert (str(found[0]), str(found[-1]), len(found)) == ("2013-02-01", "2013-02-28", 28 * FLIGHTS_A_DAY)


def test_what_is_kept_is_what_the_model_says(year, tmp_path):
    rows = slice(year.place(CUTOFF), len(year.is_late))
    model = fit_model(year.learned(FIRST, CUTOFF), QUICK, NAMES)

    said = fits(year, tmp_path).probability(FIT, rows)

    assert np.array_equal(said, model.predict_proba(year.rows[rows].select(NAMES))[:, 1])


def test_a_part_of_the_flights_is_answered_as_all_of_them_are(year, tmp_path):
    first, made = year.place(CUTOFF), fits(year, tmp_path)

    part = made.probability(FIT, slice(first + 100, first + 200))

    assert np.array_equal(part, made.probability(FIT, slice(first, len(year.is_late)))[100:200])


def test_a_model_is_never_asked_about_flights_before_its_cutoff(year, tmp_path):
    first = year.place(CUTOFF)

    with pytest.raises(AskedAboutThePast, match="2013-02-04 was asked about 1 flights before that day"):
        fits(year, tmp_path).probability(FIT, slice(first - 1, first + 10))


def test_a_fit_is_made_once_by_any_number_of_runs(year, tmp_path):
    rows, told = slice(year.place(CUTOFF), len(year.is_late)), []

    said = [fits(year, tmp_path, fitted=told.append).probability(FIT, rows) for _ in range(2)]

    assert told == ["learned from 01 Jan to 04 Feb"]
    assert np.array_equal(*said)


def test_a_damaged_file_is_made_again(year, tmp_path):
    rows, told = slice(year.place(CUTOFF), len(year.is_late)), []
    said = fits(year, tmp_path).probability(FIT, rows)
    (file,) = tmp_path.glob("bakeoff/fits/*.npz")
    file.write_bytes(file.read_bytes()[:100])

    again = fits(year, tmp_path, fitted=told.append).probability(FIT, rows)

    assert len(told) == 1
    assert np.array_equal(again, said)


@pytest.mark.parametrize(
    "other",
    [
        Fit(midnight(date(2013, 1, 2)), CUTOFF, QUICK),
        Fit(FIRST, midnight(date(2013, 2, 5)), QUICK),
        Fit(FIRST, CUTOFF, ModelParameters(trees=4)),
        Fit(FIRST, CUTOFF, QUICK, learn=lambda rows, parameters, names: None),
    ],
    ids=["start", "cutoff", "parameters", "learn"],
)
def test_whatever_differs_gives_a_fit_another_name(other):
    assert other.key("data", NAMES) != FIT.key("data", NAMES)


def test_other_rows_and_other_features_give_a_fit_another_name():
    names = {FIT.key("data", NAMES), FIT.key("others", NAMES), FIT.key("data", NAMES[:2])}

    assert len(names) == 3


def test_seconds_are_those_of_the_fit_whenever_it_was_made(year, tmp_path):
    ticks = iter([10.0, 12.5])
    fits(year, tmp_path, watch=lambda: next(ticks)).seconds(FIT)

    assert fits(year, tmp_path).seconds(FIT) == 2.5


def test_rows_of_one_class_say_what_they_need(year, tmp_path):
    in_time = LabelledYear(year.rows.with_columns(pl.lit(False).alias(IS_LATE)))

    with pytest.raises(TooFewRows, match="known on 2013-02-04, needed late ones and others"):
        fits(in_time, tmp_path).seconds(FIT)
