"""Lead: days between two alarms over the same windows, and what a label delay adds."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from monitoring.bands import rate_per_week
from monitoring.lead import Day, leads

FIRST, RATE = date(2013, 4, 1), rate_per_week(1)
GOOD, WOBBLE = 0.35, (0.0, 0.004, -0.004)


def week_of(day: date) -> str:
    return (day - timedelta(days=day.weekday())).isoformat()


def year(promised_from: int | None, real_from: int | None, days: int = 70) -> list[Day]:
    """Days of 1,000 flights, a fifth of them late; from a day on nothing is promised or kept but the base rate."""
    return [
        Day(
            day=FIRST + timedelta(days=number),
            week=week_of(FIRST + timedelta(days=number)),
            flights=1000,
            promised=1000 * (0.5 if promised_from is not None and number >= promised_from else GOOD),
            probability=200.0,
            labelled=1000,
            lost=1000 * (0.5 if real_from is not None and number >= real_from else GOOD + WOBBLE[number // 7 % 3]),
            late=200,
        )
        for number in range(days)
    ]


def lead_of(days: list[Day], delay: int = 0):
    weeks = list(dict.fromkeys(day.week for day in days))
    worse = {week: place >= 7 for place, week in enumerate(weeks)}
    (lead,) = leads(days, worse, dict.fromkeys(weeks, 0.2), RATE, delay)
    return lead


def test_an_estimate_that_falls_before_the_labels_do_leads_by_the_days_between():
    lead = lead_of(year(promised_from=49, real_from=54))

    assert lead.estimate is not None
    assert lead.labels is not None
    assert 0 < lead.days <= 7


@pytest.mark.parametrize("delay", [7, 30])
def test_what_labels_take_is_added_to_the_lead(delay):
    days = year(promised_from=49, real_from=54)

    assert lead_of(days, delay).days == lead_of(days).days + delay


def test_what_never_rang_leads_nothing():
    assert lead_of(year(promised_from=None, real_from=49)).days is None
    assert lead_of(year(promised_from=49, real_from=None)).days is None


def test_labels_that_ring_first_are_a_lead_below_zero():
    assert lead_of(year(promised_from=56, real_from=49)).days < 0


def test_alarms_outside_of_the_worse_weeks_do_not_count():
    days = year(promised_from=20, real_from=None, days=49)
    weeks = list(dict.fromkeys(day.week for day in days))
    only_first = {week: place == 0 for place, week in enumerate(weeks)}

    (lead,) = leads(days, only_first, dict.fromkeys(weeks, 0.2), RATE, 0)

    assert lead.estimate is None


def test_flights_without_a_label_are_promised_and_not_lost():
    days = year(promised_from=None, real_from=None)
    half = [replace(day, labelled=500, lost=day.lost / 2, late=100) for day in days]

    assert lead_of(half) == lead_of(days)
