"""What the page makes of monitor events: verdicts of alarms, old homes, and pictures that need no colour."""

import re

import pytest
from watched_year import alarm, eventful_year, lived_before, metrics, monday, monitored

from monitoring.alarms import DETECTORS
from monitoring.watch import FALSE, PROVISIONAL, RIGHT, UNMARKED, read_week, record_of, watch_year
from monitoring.watch_plots import VERDICTS, draw_watch, monthly_gap


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        ({"is_true": True}, RIGHT),
        ({"is_true": False}, FALSE),
        ({}, UNMARKED),
        ({"is_true": None}, UNMARKED),
        ({"is_provisional": True, "is_true": False}, PROVISIONAL),
    ],
)
def test_an_alarm_is_right_or_false_only_by_later_labels_and_never_while_provisional(told, verdict):
    week = read_week(monitored(alarms=(alarm(**told),)), "watch")

    assert [(raised.verdict, raised.action) for raised in week.alarms] == [(verdict, "watch")]


def test_a_detector_is_as_precise_as_its_judged_alarms():
    told = ({"is_true": True}, {"is_true": False}, {"is_true": True}, {}, {"is_provisional": True})
    alarms = read_week(monitored(alarms=tuple(alarm(**facts) for facts in told)), "").alarms

    record = record_of("estimate", alarms, 40)

    assert (record.alarms, record.right, record.false, record.unjudged, record.provisional) == (5, 2, 1, 1, 1)
    assert record.precision == pytest.approx(2 / 3)


def test_a_detector_of_which_nothing_was_judged_has_no_precision():
    assert record_of("estimate", read_week(monitored(alarms=(alarm(),)), "").alarms, 1).precision is None


def test_the_error_of_the_estimate_is_the_mean_over_the_weeks_that_have_both():
    first = monitored(monday(0), estimate={"log_loss": 0.40}, realised=metrics(log_loss=0.45))
    second = monitored(monday(1), estimate={"log_loss": 0.50}, realised=metrics(log_loss=0.49))

    watch = watch_year([first, second, lived_before(monday(2))], decided=[])

    assert watch.estimate_error == pytest.approx(0.03)


def test_a_home_lived_before_there_were_detectors_still_shows_its_quality_and_coverage():
    watch = watch_year([lived_before(monday(number)) for number in range(5)], decided=[])

    assert not watch.is_recorded
    assert set(draw_watch(watch)) == {
        *("watch_log_loss", "watch_late_share", "watch_roc_auc"),
        *("watch_calibration", "watch_coverage"),
    }


def test_a_year_that_was_not_monitored_draws_nothing():
    assert draw_watch(watch_year([], decided=[])) == {}


def test_the_gap_of_a_month_counts_each_week_by_its_labels():
    few = monitored(coverage={"labelled": 100, "share": 0.9}, realised=metrics(gap=0.10))
    many = monitored(coverage={"labelled": 300, "share": 0.9}, realised=metrics(gap=0.02))

    assert monthly_gap([read_week(few, ""), read_week(many, "")], "realised") == pytest.approx(0.04)


def test_verdicts_differ_in_shape_and_not_in_colour_alone():
    shapes = [look["marker"] for look in VERDICTS.values()]

    assert len(set(shapes)) == len(VERDICTS)


def test_an_eventful_year_draws_every_plot_with_a_name_for_those_who_cannot_see_it():
    plots = draw_watch(watch_year(eventful_year(), decided=[{"week": monday(0), "action": "retrain"}]))

    assert len(plots) == 6
    assert all(re.search(r'<svg [^>]*role="img" aria-label="[^"]{20,}"', plot) for plot in plots.values())


def test_every_detector_has_a_row_in_the_timeline_also_where_it_was_silent():
    timeline = draw_watch(watch_year(eventful_year(), decided=[]))["watch_alarms"]

    assert all(re.search(rf">{detector}( \*)?<", timeline) for detector in DETECTORS)


def test_the_same_events_give_the_same_bytes():
    first, second = (draw_watch(watch_year(eventful_year(6), decided=[])) for _ in range(2))

    assert first == second


@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_short_year_has_all_its_plots(number):
    assert len(draw_watch(watch_year(eventful_year(number), decided=[]))) == 6
