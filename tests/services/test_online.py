"""Online features are the offline ones: same flights, same rules, same values."""

import subprocess
import sys
from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data_checks import schema as s
from pipelines.clock import Week
from pipelines.snapshot import read_snapshot
from pipelines.state import prepare_state
from services.messages import FlightRequest
from services.online import PLAN_DAYS, OnlineFeatures, OutsideOfState, as_features
from services.parity import SkewError, as_message, compare


@pytest.fixture(scope="module")
def week(lived) -> Week:
    return lived.context.scored_weeks()[-1]


@pytest.fixture(scope="module")
def online(lived, week):
    state = prepare_state(lived.context.world(week))
    return OnlineFeatures(state, lived.context.accepted(s.SCHEDULE, week, 1), week)


@pytest.fixture(scope="module")
def plan(lived, week) -> pl.DataFrame:
    return lived.context.accepted(s.SCHEDULE, week, 1)


def served_by(online: OnlineFeatures, flights: list[FlightRequest]) -> pl.DataFrame:
    """The features that a model is asked with, by name."""
    return as_features([online.rows(flights)])


def requests(plan: pl.DataFrame, **changed: object) -> list[FlightRequest]:
    return [FlightRequest(**{**as_message(row), **changed}) for row in plan.iter_rows(named=True)]


def test_a_week_asked_online_has_the_features_it_was_scored_with(lived, week, online, plan):
    offline = lived.context.store.read_table("features", week.id).drop(s.SCHEDULED_DEPARTURE)

    assert_frame_equal(served_by(online, requests(plan)), offline, check_exact=True)


def test_one_flight_asked_alone_has_the_features_of_the_batch(online, plan):
    together = served_by(online, requests(plan.head(200)))

    alone = pl.concat([served_by(online, requests(plan[row])) for row in range(0, 200, 40)])

    assert_frame_equal(alone, together[::40], check_exact=True)


def test_a_flight_that_is_looked_up_has_the_features_that_are_computed_for_it(online, plan):
    asked = requests(plan)

    assert_frame_equal(online.computed(asked), served_by(online, asked), check_exact=True)


def test_a_flight_with_another_aircraft_than_planned_is_computed_for_that_aircraft(online, plan):
    (known,) = requests(plan.filter(pl.col(s.TAIL_NUMBER).is_not_null()).head(1))
    changed = known.model_copy(update={"tail_number": "N404XX"})

    assert served_by(online, [changed])["aircraft_left_hours_ago"].to_list() == [None]
    assert_frame_equal(served_by(online, [changed, known])[1], served_by(online, [known]))


def test_the_snapshot_on_disk_gives_the_features_of_the_feeds(lived, week, online, plan):
    kept = OnlineFeatures(read_snapshot(lived.context.store, week), plan, week)

    assert_frame_equal(kept.computed(requests(plan)), served_by(online, requests(plan)), check_exact=True)


def test_a_distance_left_out_is_that_of_the_route(online, plan):
    with_distance = served_by(online, requests(plan.head(50)))

    assert_frame_equal(served_by(online, requests(plan.head(50), distance_miles=None)), with_distance)


def test_a_route_never_flown_has_no_distance_rather_than_a_guess(online, plan):
    (row,) = requests(plan.head(1), destination="ZZZ", distance_miles=None)

    assert served_by(online, [row])[s.DISTANCE].to_list() == [None]


def test_a_flight_before_the_week_or_of_no_published_plan_is_refused_with_both_bounds(online, plan):
    end = online.end + timedelta(days=PLAN_DAYS)
    late = requests(plan.head(1))[0].model_copy(update={"scheduled_departure": end})
    last = late.model_copy(update={"scheduled_departure": end - timedelta(minutes=1)})
    early = late.model_copy(update={"scheduled_departure": online.start - timedelta(minutes=1)})
    first = late.model_copy(update={"scheduled_departure": online.start})

    assert served_by(online, [first, last]).height == 2
    for flight in (late, early):
        with pytest.raises(OutsideOfState, match="1 of 2 flights leave outside of 2013-03-04 05:00 to 2013-03-18 04"):
            served_by(online, [first, flight])


def batch(*probabilities: float) -> pl.DataFrame:
    return pl.DataFrame({s.FLIGHT_ID: [f"flight-{n}" for n in range(len(probabilities))], "probability": probabilities})


def served(*probabilities: float) -> pl.DataFrame:
    return batch(*probabilities).rename({"probability": "served"})


def test_a_difference_at_the_tolerance_is_parity_and_above_it_is_skew():
    assert compare(batch(0.5, 0.25), served(0.5, 0.5), tolerance=0.25).largest_difference == 0.25
    with pytest.raises(SkewError, match=r"1 of 2 flights differ by more than 0\.2, the most is flight-1"):
        compare(batch(0.5, 0.25), served(0.5, 0.5), tolerance=0.2)


@pytest.mark.parametrize("answers", [served(0.5), served(0.5, 0.5, 0.5), pl.concat([served(0.5, 0.5), served(0.5)])])
def test_a_flight_that_was_lost_or_answered_twice_is_skew(answers):
    with pytest.raises(SkewError, match="batch scored 2 flights"):
        compare(batch(0.5, 0.5), answers)


def test_the_service_imports_none_of_the_heavy_tools():
    code = "import sys, services.service; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert {"prefect", "great_expectations", "evidently", "mlflow"}.isdisjoint(loaded)
