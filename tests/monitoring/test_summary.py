"""The year in tables, from a handful of predictions made by hand."""

from datetime import UTC, datetime

import polars as pl
import pytest

from data_checks import schema as s
from data_checks.times import NEW_YORK
from monitoring.decision_cost import CostTable
from monitoring.labels import IS_LATE
from monitoring.summary import Year, mean_of, summarise_year

JUNE_30, JULY_1, JULY_9 = (datetime(2013, *day, tzinfo=UTC) for day in ((6, 30, 16), (7, 1, 16), (7, 9, 16)))


def flight(departure: datetime, is_late: bool | None, live: float = 0.5, version: int = 1) -> dict:
    """A scored flight; without label when `is_late` is None."""
    return {"departure": departure, "is_late": is_late, "live": live, "version": version}


def gate(week: str, decided_on: str, promote: bool) -> dict:
    return {"stage": "gate", "week": week, "decided_on": decided_on, "promote": promote}


def summarise(flights: list[dict], events: list[dict] = ()) -> Year:
    ids = [str(number) for number in range(len(flights))]
    labelled = [number for number, each in enumerate(flights) if each["is_late"] is not None]
    return summarise_year(
        predictions=pl.DataFrame(
            {
                s.FLIGHT_ID: ids,
                s.SCHEDULED_DEPARTURE: [each["departure"] for each in flights],
                "version": [each["version"] for each in flights],
                "probability": [each["live"] for each in flights],
            }
        ),
        yardsticks=pl.DataFrame({s.FLIGHT_ID: ids, "frozen": [0.3] * len(ids), "base_rate": [0.2] * len(ids)}),
        labels=pl.DataFrame(
            {s.FLIGHT_ID: [ids[number] for number in labelled],
             IS_LATE: [flights[number]["is_late"] for number in labelled]},
            schema={s.FLIGHT_ID: pl.String, IS_LATE: pl.Boolean},
        ),
        events=list(events),
        digest="abc",
        zone=NEW_YORK,
        costs=CostTable(missed_late=3, false_alarm=1),
    )  # fmt: skip


BOTH = [flight(JULY_1, True, 0.75), flight(JULY_1, False, 0.25)]


def test_a_month_counts_its_flights_and_those_with_a_label():
    (july,) = summarise([*BOTH, flight(JULY_9, None)]).months

    assert (july.period, july.flights, july.labelled) == ("2013-07", 3, 2)


def test_a_month_counts_what_decisions_have_cost():
    missed, warned_in_vain = flight(JULY_1, True, 0.24), flight(JULY_1, False, 0.25)

    (july,) = summarise([missed, warned_in_vain, *BOTH]).months

    assert july.cost_per_thousand == {"live": 1000 * (3 + 1 + 1) / 4, "frozen": 1000 * 2 / 4, "base_rate": 1000 * 6 / 4}


def test_months_and_weeks_are_those_of_new_york():
    still_june = datetime(2013, 7, 1, 3, 59, tzinfo=UTC)

    year = summarise([flight(still_june, True)])

    assert (year.months[0].period, year.weeks[0].period) == ("2013-06", "2013-06-24")


def test_a_week_is_named_after_its_monday():
    year = summarise([flight(JUNE_30, True), flight(JULY_1, True), flight(JULY_9, True)])

    assert [week.period for week in year.weeks] == ["2013-06-24", "2013-07-01", "2013-07-08"]


def test_a_period_without_labels_is_left_out():
    year = summarise([flight(JUNE_30, None), *BOTH])

    assert [month.period for month in year.months] == ["2013-07"]


def test_three_answers_are_judged_on_the_same_labelled_flights():
    (july,) = summarise([*BOTH, flight(JULY_1, None, 0.99)]).months

    assert [answer.mean_probability for answer in (july.live, july.frozen, july.base_rate)] == [
        0.5, pytest.approx(0.3), pytest.approx(0.2),
    ]  # fmt: skip


def test_the_live_model_is_measured_by_what_it_said_then():
    (july,) = summarise(BOTH).months

    assert (july.live.roc_auc, july.live.brier) == (1.0, 0.0625)


def test_a_period_names_every_version_that_answered_in_it():
    (july,) = summarise([flight(JULY_1, True, version=3), flight(JULY_9, False, version=2)]).months

    assert july.versions == (2, 3)


def test_verdicts_of_the_gate_count_in_the_month_in_which_they_were_given():
    events = [gate("2013-06-24", "2013-07-01", True), gate("2013-07-01", "2013-07-08", False)]

    (july,) = summarise(BOTH, events).months

    assert (july.promoted, july.refused) == (1, 1)


def test_verdicts_of_the_gate_count_in_the_week_that_led_to_them():
    events = [gate("2013-06-24", "2013-07-01", True), gate("2013-07-01", "2013-07-08", False)]

    weeks = summarise([flight(JUNE_30, True), *BOTH], events).weeks

    assert [(week.promoted, week.refused) for week in weeks] == [(1, 0), (0, 1)]


def test_other_events_are_no_verdicts():
    (july,) = summarise(BOTH, [{"stage": "score", "week": "2013-07-01"}]).months

    assert (july.promoted, july.refused) == (0, 0)


def test_events_of_a_stage_keep_their_order():
    events = [gate("2013-06-24", "2013-07-01", True), {"stage": "score"}, gate("2013-07-01", "2013-07-08", False)]

    assert [event["promote"] for event in summarise(BOTH, events).of("gate")] == [True, False]


def test_months_count_the_same_in_the_mean_of_the_year():
    year = summarise([*BOTH * 5, flight(JUNE_30, True, 0.5), flight(JUNE_30, False, 0.5)])

    assert mean_of(year.months, "live", "brier") == pytest.approx((0.0625 + 0.25) / 2)


def test_a_month_without_auc_is_left_out_of_its_mean():
    year = summarise([flight(JUNE_30, True), *BOTH])

    assert mean_of(year.months, "live", "roc_auc") == 1


def test_the_mean_of_nothing_is_nothing():
    assert mean_of((), "live", "roc_auc") is None


def test_the_headline_holds_the_means_and_the_hash_of_the_year():
    headline = summarise(BOTH).as_dict()

    assert (headline["mean_roc_auc"]["live"], headline["event_log_sha256"]) == (1, "abc")
