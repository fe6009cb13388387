"""Every feature worked out by hand in a small world. UA 1545 leaves Newark at 12:00 on Monday 1 July 2013."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from data_checks import schema as s
from pipelines.as_of import AS_OF
from pipelines.feature_catalog import CATEGORIES, FEATURES, NAMES, NUMERIC
from pipelines.features import build_features, fill_distances
from pipelines.state import World, prepare_state

LEAVES = datetime(2013, 7, 1, 16, tzinfo=UTC)
NOW = datetime(2013, 7, 1, 14, tzinfo=UTC)
"""Two hours before it leaves: what becomes known later does not count."""

TICK = timedelta(seconds=1)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def plan(*changes: dict) -> pl.DataFrame:
    """Schedule rows, one per dict of changes: UA 1545, aircraft N1, Newark to Atlanta, 12:00 to 14:30."""
    usual = {
        s.FLIGHT_ID: "ours", s.CARRIER: "UA", s.FLIGHT_NUMBER: 1545, s.TAIL_NUMBER: "N1", s.ORIGIN: "EWR",
        s.DESTINATION: "ATL", s.SCHEDULED_DEPARTURE: LEAVES, s.SCHEDULED_ARRIVAL: LEAVES + hours(2.5),
        s.DISTANCE: 746.0, s.KNOWN_AT: LEAVES - timedelta(days=7),
    }  # fmt: skip
    return pl.DataFrame([usual | change for change in changes or ({},)], schema=s.SCHEDULE.polars_schema)


def happened(*events: tuple[str, str, int | None, datetime]) -> pl.DataFrame:
    """Outcome rows: flight, event, delay, and from when it is known; the first word where no revision follows."""
    rows = [(*event, 0)[: len(s.OUTCOMES.columns)] for event in events]
    return pl.DataFrame(rows, schema=s.OUTCOMES.polars_schema, orient="row")


def reports(*changes: dict) -> pl.DataFrame:
    """Weather reports, one per dict of changes; by default one of Newark, known now."""
    usual = dict.fromkeys(s.WEATHER.polars_schema) | {s.ORIGIN: "EWR", s.PRESSURE: 1015.0, s.KNOWN_AT: NOW}
    return pl.DataFrame([usual | change for change in changes], schema=s.WEATHER.polars_schema)


def aircraft(*rows: tuple[str, int, int]) -> pl.DataFrame:
    """Planes: tail number, year built, seats."""
    return pl.DataFrame([(*row, 2) for row in rows], schema=s.PLANES, orient="row")


OTHER = {s.FLIGHT_ID: "other", s.FLIGHT_NUMBER: 7, s.TAIL_NUMBER: "N7"}


def features_of(flights: pl.DataFrame | None = None, **feeds: pl.DataFrame) -> dict:
    """The features of UA 1545, or of the first of `flights`, in a world that is empty but for these feeds."""
    rows = plan() if flights is None else flights
    world = World(
        **{"schedule": rows, "outcomes": happened(), "weather": reports(), "planes": aircraft()} | feeds,
    )
    return build_features(rows.head(1), prepare_state(world)).row(0, named=True)


def feature(name: str, flights: pl.DataFrame | None = None, **feeds: pl.DataFrame) -> object:
    return features_of(flights, **feeds)[name]


def test_features_are_as_of_two_hours_before_departure():
    assert feature(AS_OF) == NOW


def test_a_row_is_the_flight_the_moment_and_every_feature_of_the_catalog_in_its_order():
    assert tuple(features_of()) == (s.FLIGHT_ID, AS_OF, *NAMES)


def test_the_catalog_names_each_feature_once():
    assert len(set(NAMES)) == len(FEATURES)


def test_categories_are_text_and_everything_else_is_a_number():
    built = build_features(plan(), prepare_state(World(plan(), happened(), reports(), aircraft())))

    assert {name: built[name].dtype for name in NAMES} == {
        **dict.fromkeys(CATEGORIES, pl.String),
        **dict.fromkeys(NUMERIC, pl.Float64),
    }


def test_in_an_empty_world_only_the_plan_is_known():
    known = {name for name, value in features_of().items() if value is not None}

    assert known == {
        s.FLIGHT_ID, AS_OF, s.CARRIER, s.ORIGIN, s.DISTANCE, "departure_minute_of_day", "departure_weekday",
        "days_from_holiday", "scheduled_block_min", "departures_same_hour", "origin_waiting_flights",
        "precipitation_6h_in",
    }  # fmt: skip


def test_the_plan_is_read_on_the_clocks_of_new_york():
    found = features_of()

    assert (found["departure_minute_of_day"], found["departure_weekday"], found["scheduled_block_min"]) == (720, 1, 150)


def test_a_departure_late_on_sunday_is_a_monday_in_utc_and_a_sunday_here():
    late = plan({s.SCHEDULED_DEPARTURE: datetime(2013, 7, 8, 3, 30, tzinfo=UTC)})

    assert (feature("departure_weekday", late), feature("departure_minute_of_day", late)) == (7, 23 * 60 + 30)


def test_the_same_moment_of_day_has_another_hour_in_winter():
    assert feature("departure_minute_of_day", plan({s.SCHEDULED_DEPARTURE: LEAVES.replace(month=1)})) == 11 * 60


def test_a_flight_is_crowded_by_the_others_of_its_airport_and_clock_hour():
    same_hour, next_hour = LEAVES + timedelta(minutes=59), LEAVES + hours(1)
    flights = plan(
        {},
        OTHER | {s.FLIGHT_ID: "a"},
        OTHER | {s.FLIGHT_ID: "b", s.SCHEDULED_DEPARTURE: same_hour},
        OTHER | {s.FLIGHT_ID: "c", s.SCHEDULED_DEPARTURE: next_hour},
        OTHER | {s.FLIGHT_ID: "d", s.ORIGIN: "JFK"},
    )

    assert feature("departures_same_hour", flights) == 2


def test_a_flight_that_is_not_of_the_plan_is_crowded_by_all_of_it():
    assert feature("departures_same_hour", plan(), schedule=plan(OTHER)) == 1


def test_an_aircraft_has_seats_and_an_age():
    found = features_of(planes=aircraft(("N1", 1999, 149)))

    assert (found[s.SEATS], found["plane_age_years"]) == (149, 14)


@pytest.mark.parametrize(
    ("departs", "days"),
    [("2013-07-01", -3), ("2013-07-04", 0), ("2013-07-11", 7), ("2013-07-12", 8), ("2013-08-05", -8)],
)
def test_a_departure_is_so_many_days_from_the_nearest_holiday(departs, days):
    day = datetime.fromisoformat(f"{departs}T16:00:00+00:00")

    assert feature("days_from_holiday", plan({s.SCHEDULED_DEPARTURE: day})) == days


def test_the_holiday_is_the_one_on_the_clocks_of_new_york():
    new_years_eve_here = datetime(2014, 1, 1, 4, 59, tzinfo=UTC)

    assert feature("days_from_holiday", plan({s.SCHEDULED_DEPARTURE: new_years_eve_here})) == -1


def test_an_aircraft_has_engines():
    assert feature(s.ENGINES, planes=aircraft(("N1", 1999, 149))) == 2


def test_an_aircraft_listed_twice_is_the_first_one():
    assert feature(s.SEATS, planes=aircraft(("N1", 1999, 149), ("N1", 2001, 200))) == 149


@pytest.mark.parametrize("tail", [None, "N404"])
def test_an_aircraft_that_nobody_knows_has_no_seats_and_no_age(tail):
    found = features_of(plan({s.TAIL_NUMBER: tail}), planes=aircraft(("N1", 1999, 149)))

    assert (found[s.SEATS], found["plane_age_years"]) == (None, None)


def test_a_carrier_that_nobody_knows_is_passed_on_and_has_no_history():
    found = features_of(plan({s.CARRIER: "ZZ"}, OTHER), outcomes=happened(("other", s.ARRIVED, 20, NOW - hours(1))))

    assert (found[s.CARRIER], found["carrier_late_share_24h"], found["carrier_late_share_30d"]) == ("ZZ", None, None)


BEFORE = OTHER | {s.TAIL_NUMBER: "N1", s.SCHEDULED_DEPARTURE: NOW - hours(4), s.SCHEDULED_ARRIVAL: NOW - hours(1)}
"""An earlier flight of the same aircraft: due an hour ago."""


def test_an_aircraft_that_landed_says_how_late_and_when():
    found = features_of(plan({}, BEFORE), outcomes=happened(("other", s.ARRIVED, 30, NOW - hours(0.5))))

    assert (found["aircraft_last_arrival_delay_min"], found["aircraft_landed_hours_ago"]) == (30, 0.5)


def test_a_landing_heard_of_late_happened_when_it_did():
    found = features_of(plan({}, BEFORE), outcomes=happened(("other", s.ARRIVED, 0, NOW - hours(0.25))))

    assert found["aircraft_landed_hours_ago"] == 1


@pytest.mark.parametrize(("heard_after", "mean"), [(hours(24), 8), (hours(24) + TICK, None)])
def test_what_is_heard_of_a_day_after_it_happened_is_no_news(heard_after, mean):
    happened_at = NOW - heard_after
    flights = plan({}, OTHER | {s.SCHEDULED_DEPARTURE: happened_at - timedelta(minutes=8)})

    found = feature("origin_departure_delay_1h_min", flights, outcomes=happened(("other", s.DEPARTED, 8, NOW)))

    assert found == mean


def test_an_old_report_that_comes_late_is_not_the_weather():
    weather = reports(
        {s.TEMPERATURE: 70.0, s.OBSERVED_AT: NOW - hours(2), s.KNOWN_AT: NOW - hours(1)},
        {s.TEMPERATURE: 50.0, s.OBSERVED_AT: NOW - hours(4), s.KNOWN_AT: NOW},
    )

    assert feature(s.TEMPERATURE, weather=weather) == 70


def test_an_aircraft_that_left_says_how_late_when_and_when_it_is_due():
    flights = plan({}, BEFORE | {s.SCHEDULED_ARRIVAL: NOW + hours(1)})

    found = features_of(flights, outcomes=happened(("other", s.DEPARTED, 30, NOW - hours(3.5))))

    assert (
        found["aircraft_last_departure_delay_min"], found["aircraft_left_hours_ago"], found["aircraft_due_hours_ago"],
    ) == (30, 3.5, -1)  # fmt: skip


LEFT = ("other", s.DEPARTED, 30, NOW - hours(3.5))
"""The earlier flight left half an hour late, is expected out there half an hour late, and was planned to take 3 h."""


def test_the_slack_of_a_turn_reckons_with_the_landing_that_the_departure_promises():
    flights = plan({}, BEFORE | {s.SCHEDULED_ARRIVAL: NOW - hours(1)})

    slack = feature("aircraft_turn_slack_min", flights, outcomes=happened(LEFT))

    assert slack == (2 * 60) - 0 - (3 * 60)  # it should have landed by now, so it lands now at the earliest


def test_the_slack_of_a_turn_reckons_with_the_landing_itself_once_it_is_known():
    outcomes = happened(LEFT, ("other", s.ARRIVED, -15, NOW - hours(1.25)))

    slack = feature("aircraft_turn_slack_min", plan({}, BEFORE), outcomes=outcomes)

    assert slack == (2 + 1.25 - 3) * 60


def test_an_aircraft_still_on_its_way_out_is_expected_as_late_as_it_left():
    flights = plan({}, BEFORE | {s.SCHEDULED_ARRIVAL: NOW + hours(1)})

    slack = feature("aircraft_turn_slack_min", flights, outcomes=happened(LEFT))

    assert slack == 2 * 60 - 90 - 5 * 60


def test_the_landing_of_an_earlier_flight_is_not_that_of_the_one_still_out():
    older = BEFORE | {s.FLIGHT_ID: "older", s.SCHEDULED_DEPARTURE: NOW - hours(9), s.SCHEDULED_ARRIVAL: NOW - hours(7)}
    flights = plan({}, BEFORE | {s.SCHEDULED_ARRIVAL: NOW + hours(1)}, older)
    outcomes = happened(LEFT, ("older", s.ARRIVED, 0, NOW - hours(7)))

    assert feature("aircraft_turn_slack_min", flights, outcomes=outcomes) == 2 * 60 - 90 - 5 * 60


@pytest.mark.parametrize(("known_at", "delay"), [(NOW - TICK, 25), (NOW, 25), (NOW + TICK, None)])
def test_a_landing_counts_from_the_very_moment_it_is_known(known_at, delay):
    outcomes = happened(("other", s.ARRIVED, 25, known_at))

    assert feature("aircraft_last_arrival_delay_min", plan({}, BEFORE), outcomes=outcomes) == delay


@pytest.mark.parametrize(("age", "delay"), [(timedelta(days=7), 25), (timedelta(days=7, seconds=1), None)])
def test_a_landing_is_forgotten_after_a_week(age, delay):
    outcomes = happened(("other", s.ARRIVED, 25, NOW - age))

    assert feature("aircraft_last_arrival_delay_min", plan({}, BEFORE), outcomes=outcomes) == delay


def test_the_newest_landing_of_an_aircraft_counts():
    flights = plan({}, BEFORE, BEFORE | {s.FLIGHT_ID: "older"})
    outcomes = happened(("other", s.ARRIVED, 25, NOW - hours(1)), ("older", s.ARRIVED, 90, NOW - hours(9)))

    assert feature("aircraft_last_arrival_delay_min", flights, outcomes=outcomes) == 25


def test_the_landings_of_another_aircraft_do_not_count():
    outcomes = happened(("other", s.ARRIVED, 25, NOW - hours(1)))

    assert feature("aircraft_last_arrival_delay_min", plan({}, OTHER), outcomes=outcomes) is None


def test_aircraft_without_a_name_are_not_the_same_aircraft():
    flights = plan({s.TAIL_NUMBER: None}, BEFORE | {s.TAIL_NUMBER: None})
    outcomes = happened(("other", s.ARRIVED, 25, NOW - hours(1)))

    assert feature("aircraft_last_arrival_delay_min", flights, outcomes=outcomes) is None


def test_the_last_report_of_the_airport_is_its_weather():
    weather = reports(
        {s.TEMPERATURE: 70.0, s.KNOWN_AT: NOW - hours(1)},
        {s.TEMPERATURE: 71.0, s.KNOWN_AT: NOW},
        {s.TEMPERATURE: 72.0, s.KNOWN_AT: NOW + TICK},
        {s.TEMPERATURE: 40.0, s.ORIGIN: "JFK"},
    )

    assert feature(s.TEMPERATURE, weather=weather) == 71


def test_a_report_without_temperature_gives_none_and_not_an_older_one():
    weather = reports({s.TEMPERATURE: 70.0, s.KNOWN_AT: NOW - hours(1)}, {s.TEMPERATURE: None})

    assert feature(s.TEMPERATURE, weather=weather) is None


@pytest.mark.parametrize(("age", "temperature"), [(hours(12), 70), (hours(12) + TICK, None)])
def test_a_report_is_forgotten_after_twelve_hours(age, temperature):
    weather = reports({s.TEMPERATURE: 70.0, s.KNOWN_AT: NOW - age})

    assert feature(s.TEMPERATURE, weather=weather) == temperature


def test_pressure_is_compared_with_three_hours_before():
    weather = reports(
        {s.PRESSURE: 1020.0, s.KNOWN_AT: NOW - hours(4)},
        {s.PRESSURE: 1015.0, s.KNOWN_AT: NOW - hours(3)},
        {s.PRESSURE: 1012.0, s.KNOWN_AT: NOW - hours(2)},
        {s.PRESSURE: 1010.0},
    )

    assert feature("pressure_change_3h_mbar", weather=weather) == -5


def test_rain_is_added_up_over_six_hours_the_sixth_left_out():
    ages = {6: 5.0, 5: 0.25, 3: None, 0: 0.1, -1: 7.0}
    weather = reports(*({s.PRECIPITATION: rain, s.KNOWN_AT: NOW - hours(age)} for age, rain in ages.items()))

    assert feature("precipitation_6h_in", weather=weather) == pytest.approx(0.35)


def due(hours_ago: float) -> dict:
    """Another flight of Newark that should have left so many hours ago."""
    return OTHER | {s.SCHEDULED_DEPARTURE: NOW - hours(hours_ago)}


def test_a_flight_past_its_time_that_has_not_left_is_waiting():
    assert feature("origin_waiting_flights", plan({}, due(0.5))) == 1


@pytest.mark.parametrize(("hours_ago", "waiting"), [(-0.1, 0), (0, 1), (23.9, 1), (24, 0), (48, 0)])
def test_a_flight_waits_from_its_time_for_a_day_at_the_longest(hours_ago, waiting):
    assert feature("origin_waiting_flights", plan({}, due(hours_ago))) == waiting


@pytest.mark.parametrize(("known_at", "waiting"), [(NOW - TICK, 0), (NOW, 0), (NOW + TICK, 1)])
def test_a_flight_waits_until_it_is_known_to_have_left(known_at, waiting):
    outcomes = happened(("other", s.DEPARTED, 30, known_at))

    assert feature("origin_waiting_flights", plan({}, due(0.5)), outcomes=outcomes) == waiting


@pytest.mark.parametrize("hours_ago", [0.5, -0.1], ids=["past its time", "before its time"])
def test_a_flight_that_left_early_never_waits(hours_ago):
    outcomes = happened(("other", s.DEPARTED, -6, NOW - hours(hours_ago + 0.2)))

    assert feature("origin_waiting_flights", plan({}, due(hours_ago)), outcomes=outcomes) == 0


def test_a_cancelled_flight_does_not_wait():
    outcomes = happened(("other", s.CANCELLED, None, NOW - hours(0.5)))

    assert feature("origin_waiting_flights", plan({}, due(0.5)), outcomes=outcomes) == 0


def test_a_flight_waits_at_its_own_airport():
    assert feature("origin_waiting_flights", plan({}, due(0.5) | {s.ORIGIN: "JFK"})) == 0


def several(events: list[tuple[str, int | None, float]], **changes: object) -> dict[str, pl.DataFrame]:
    """Our flight and others with one event each: what happened, delay, and hours before now."""
    names = [f"other {number}" for number in range(len(events))]
    return {
        "flights": plan({}, *(due(2) | {s.FLIGHT_ID: name} | changes for name in names)),
        "outcomes": happened(
            *((name, event, delay, NOW - hours(ago)) for name, (event, delay, ago) in zip(names, events, strict=True))
        ),
    }


def test_departure_delays_of_the_airport_are_averaged_over_one_three_and_24_hours():
    found = features_of(
        **several([(s.DEPARTED, 10, 0.5), (s.DEPARTED, 20, 2), (s.DEPARTED, 60, 20), (s.DEPARTED, 100, 30)])
    )

    assert [found[f"origin_departure_delay_{span}h_min"] for span in (1, 3, 24)] == [10, 15, 30]


@pytest.mark.parametrize(("delay", "counted"), [(-60, -15), (-15, -15), (240, 240), (1300, 240)])
def test_one_departure_counts_for_no_more_than_four_hours_and_no_less_than_15_minutes_early(delay, counted):
    assert feature("origin_departure_delay_1h_min", **several([(s.DEPARTED, delay, 0.5)])) == counted


@pytest.mark.parametrize(("delay", "counted"), [(-60, -30), (-30, -30), (240, 240), (1300, 240)])
def test_one_landing_counts_for_no_more_than_four_hours_and_no_less_than_30_minutes_early(delay, counted):
    assert feature("destination_arrival_delay_6h_min", **several([(s.ARRIVED, delay, 0.5)])) == counted


def test_cancellations_are_a_share_of_the_departures_due_and_have_no_delay():
    found = features_of(**several([(s.CANCELLED, None, 1), (s.DEPARTED, 8, 1), (s.DEPARTED, 8, 2), (s.DEPARTED, 8, 2)]))

    assert (found["origin_cancelled_share_3h"], found["origin_departure_delay_3h_min"]) == (0.25, 8)


def test_a_diversion_is_neither_a_departure_nor_a_landing():
    found = features_of(**several([(s.DIVERTED, None, 1)]))

    assert (found["origin_cancelled_share_3h"], found["carrier_late_share_24h"]) == (None, None)


@pytest.mark.parametrize(("delay", "share"), [(14, 0), (15, 1)])
def test_a_landing_is_late_from_15_minutes_on(delay, share):
    assert feature("carrier_late_share_24h", **several([(s.ARRIVED, delay, 1)])) == share


def test_the_carrier_is_judged_by_its_landings_of_a_day_and_of_thirty_days():
    found = features_of(**several([(s.ARRIVED, 30, 1), (s.ARRIVED, 0, 100), (s.ARRIVED, 0, 719), (s.ARRIVED, 90, 721)]))

    assert (found["carrier_late_share_24h"], found["carrier_late_share_30d"]) == (1, pytest.approx(1 / 3))


def test_the_landings_of_another_carrier_do_not_count():
    assert feature("carrier_late_share_24h", **several([(s.ARRIVED, 30, 1)], **{s.CARRIER: "DL"})) is None


def test_the_departures_of_the_carrier_at_this_airport_are_averaged_over_six_hours():
    assert feature("carrier_origin_departure_delay_6h_min", **several([(s.DEPARTED, 8, 1), (s.DEPARTED, 4, 5)])) == 6


@pytest.mark.parametrize("changes", [{s.CARRIER: "DL"}, {s.ORIGIN: "JFK"}])
def test_departures_of_another_carrier_or_airport_do_not_count(changes):
    assert feature("carrier_origin_departure_delay_6h_min", **several([(s.DEPARTED, 8, 1)], **changes)) is None


def test_landings_at_the_destination_are_averaged_over_six_hours_and_shared_over_a_day():
    found = features_of(**several([(s.ARRIVED, 20, 1), (s.ARRIVED, 10, 5), (s.ARRIVED, 0, 7)], **{s.CARRIER: "DL"}))

    assert (found["destination_arrival_delay_6h_min"], found["destination_late_share_24h"]) == (
        15,
        pytest.approx(1 / 3),
    )


def test_the_route_is_judged_by_its_landings_of_a_day_whoever_flies():
    changes = {s.CARRIER: "DL"}

    assert feature("route_arrival_delay_24h_min", **several([(s.ARRIVED, 20, 1), (s.ARRIVED, 90, 25)], **changes)) == 20


@pytest.mark.parametrize("changes", [{s.ORIGIN: "JFK"}, {s.DESTINATION: "LAX"}])
def test_landings_of_another_route_do_not_count(changes):
    assert feature("route_arrival_delay_24h_min", **several([(s.ARRIVED, 20, 1)], **changes)) is None


def test_cancellations_of_a_day_are_a_share_of_the_departures_due_in_it():
    assert feature("origin_cancelled_share_24h", **several([(s.CANCELLED, None, 20), (s.DEPARTED, 8, 2)])) == 0.5


def test_a_flight_announced_after_the_moment_crowds_nobody():
    late = due(-2.5) | {s.KNOWN_AT: NOW + TICK}

    assert feature("departures_same_hour", plan({}, late)) == 0


def test_landings_elsewhere_do_not_count():
    assert feature("destination_late_share_24h", **several([(s.ARRIVED, 20, 1)], **{s.DESTINATION: "LAX"})) is None


def test_the_flight_number_is_judged_by_its_landings_of_two_weeks():
    same_number = {s.FLIGHT_NUMBER: 1545}

    found = feature(
        "flight_number_arrival_delay_14d_min",
        **several([(s.ARRIVED, 20, 24), (s.ARRIVED, 10, 335), (s.ARRIVED, 90, 337)], **same_number),
    )

    assert found == 15


def test_the_same_number_of_another_carrier_does_not_count():
    another = {s.FLIGHT_NUMBER: 1545, s.CARRIER: "DL"}

    assert feature("flight_number_arrival_delay_14d_min", **several([(s.ARRIVED, 20, 24)], **another)) is None


def test_what_happened_to_a_flight_without_a_plan_is_left_out():
    outcomes = happened(("unplanned", s.DEPARTED, 30, NOW - hours(0.5)))

    assert feature("origin_departure_delay_1h_min", outcomes=outcomes) is None


def test_no_flights_have_no_features():
    built = build_features(plan().clear(), prepare_state(World(plan(), happened(), reports(), aircraft())))

    assert (built.height, built.columns) == (0, [s.FLIGHT_ID, AS_OF, *NAMES])


@pytest.mark.parametrize(("days", "distance"), [(31, 746), (32, None)])
def test_a_distance_left_out_is_one_that_every_allowed_history_knows(days, distance):
    asked = plan({s.DISTANCE: None})
    planned = plan(OTHER | {s.KNOWN_AT: NOW - timedelta(days=days)})

    filled = fill_distances(asked, prepare_state(World(planned, happened(), reports(), aircraft())))

    assert filled[s.DISTANCE].to_list() == [distance]
