"""Flights of the plan by their bytes: the same flights as parsing finds, and nothing that parsing would not accept."""

import json

import orjson
import polars as pl
import pytest

from data_checks import schema as s
from infra.pseudonyms import Pseudonyms
from pipelines.clock import Week
from pipelines.state import World, prepare_state
from services.current import Current
from services.messages import MOST_FLIGHTS
from services.online import OnlineFeatures, plan_of
from services.parity import as_message
from services.parsing import parse_flight
from services.plan_index import STYLES_REMEMBERED, PlanIndex
from services.question import PREDICT, read_question

WEEK = Week.from_id("2013-03-04")


@pytest.fixture(scope="module")
def plan(feeds) -> pl.DataFrame:
    leaving = pl.col(s.SCHEDULED_DEPARTURE).is_between(WEEK.start, WEEK.end, closed="left")
    return feeds["schedule"].filter(leaving)


@pytest.fixture(scope="module")
def index(plan) -> PlanIndex:
    return PlanIndex(plan)


@pytest.fixture(scope="module")
def messages(plan) -> list[dict]:
    return [as_message(row) for row in plan.iter_rows(named=True)]


def test_every_flight_of_a_plan_is_found_as_parsing_finds_it(index, messages):
    bodies = [json.dumps(message).encode() for message in messages]

    rows = [index.find(body, is_batch=False) for body in bodies]

    assert rows == [[row] for row in range(len(messages))]
    assert [plan_of(parse_flight(body)) for body in bodies[::97]] == index.plans[::97]


def test_a_batch_is_found_in_its_order(index, messages):
    body = json.dumps({"flights": [messages[7], messages[3], messages[7]]}).encode()

    assert index.find(body, is_batch=True) == [7, 3, 7]


@pytest.mark.parametrize("separators", [(", ", ": "), (",", ":"), (",  ", ": ")])
def test_a_text_that_was_found_is_found_again_alone_and_in_batches(plan, messages, separators):
    index, body = PlanIndex(plan), json.dumps({"flights": messages[:5]}, separators=separators).encode()
    alone = json.dumps(messages[3], separators=separators).encode()

    found = [index.find(body, is_batch=True), index.find(body, is_batch=True), index.find(alone, is_batch=False)]

    assert found == [[0, 1, 2, 3, 4], [0, 1, 2, 3, 4], [3]]


def test_texts_are_remembered_of_few_styles(plan, messages):
    index, styles = PlanIndex(plan.head(1)), [" " * spaces + json.dumps(messages[0])[1:] for spaces in range(9)]

    found = [index.find(("{" + style).encode(), is_batch=False) for style in styles]

    assert found == [[0]] * 9
    assert len(index._row_of_text) == STYLES_REMEMBERED


def with_name_twice(text: str) -> str:
    return text.replace('"carrier"', '"carrier": "XX", "carrier"', 1)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda m: json.dumps(m | {"flight_number": float(m["flight_number"])}),
        lambda m: json.dumps(m | {"flight_number": str(m["flight_number"])}),
        lambda m: json.dumps(m | {"delay": 1}),
        lambda m: json.dumps({name: value for name, value in m.items() if name != "distance_miles"}),
        lambda m: json.dumps(m | {"tail_number": "N404XX"}),
        lambda m: json.dumps(m | {"carrier": ["UA"]}),
        lambda m: json.dumps(m | {"scheduled_departure": m["scheduled_departure"].replace("+00:00", "Z")}),
        lambda m: with_name_twice(json.dumps(m)),
        lambda m: with_name_twice(json.dumps(m)).replace('"carrier": "XX"', '"\\u0063arrier": "XX"'),
        lambda m: json.dumps([m]),
        lambda m: json.dumps("flights"),
        lambda m: json.dumps({"flights": [m]}),
        lambda m: json.dumps(m)[:-1],
        lambda m: json.dumps(m) + "{}",
        lambda m: "",
    ],
)
def test_whatever_is_not_word_for_word_a_flight_of_the_plan_is_left_to_parsing(index, messages, spoil):
    flown = next(message for message in messages if message["tail_number"])

    assert index.find(json.dumps(flown).encode(), is_batch=False)
    assert index.find(spoil(flown).encode(), is_batch=False) is None
    assert index.find(spoil(flown).encode(), is_batch=False) is None, "nothing of it was remembered"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda flights: {"flights": []},
        lambda flights: {"flights": flights * (MOST_FLIGHTS // 2 + 1)},
        lambda flights: {"flights": flights, "more": 1},
        lambda flights: {"flights": flights[0]},
        lambda flights: {"flights": [*flights, {}]},
        lambda flights: {"flights": None},
        lambda flights: flights,
    ],
)
def test_a_batch_that_parsing_has_to_judge_is_left_to_it(index, messages, spoil):
    assert index.find(json.dumps({"flights": messages[:2]}).encode(), is_batch=True) == [0, 1]

    assert index.find(json.dumps(spoil(messages[:2])).encode(), is_batch=True) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("}, {", "},{", 1),
        lambda text: text.replace("}, {", "} {", 1),
        lambda text: text.replace("}, {", "}, {}, {", 1),
        lambda text: text.replace('{"flights"', '{"flights": [], "flights"', 1),
        lambda text: text.replace("]}", '], "flights": []}', 1),
        lambda text: text.replace("]}", "]}]}", 1),
        lambda text: text.replace("}]}", "}, ]}", 1),
        lambda text: text.replace("}]}", "}}]}", 1),
    ],
)
def test_between_flights_that_are_remembered_nothing_is_overlooked(plan, messages, spoil):
    index, text = PlanIndex(plan), json.dumps({"flights": messages[:3]})
    assert index.find(text.encode(), is_batch=True) == [0, 1, 2]

    found = index.find(spoil(text).encode(), is_batch=True)

    assert found == PlanIndex(plan).find(spoil(text).encode(), is_batch=True)


def test_an_aircraft_that_was_forgotten_is_not_known(plan, feeds, tmp_path):
    flown = plan.filter(pl.col(s.TAIL_NUMBER).is_not_null()).head(1)
    erased = plan.with_columns(
        pl.when(pl.col(s.FLIGHT_ID) == flown[s.FLIGHT_ID][0]).then(None).otherwise(s.TAIL_NUMBER).alias(s.TAIL_NUMBER)
    )
    world = World(**{name: feeds[name].head(0) for name in s.FEEDS}, planes=feeds["planes"])
    features, names = OnlineFeatures(prepare_state(world), erased, WEEK), Pseudonyms(tmp_path)
    forgotten = frozenset([names.of(flown[s.TAIL_NUMBER][0])])
    body = json.dumps(as_message(flown.row(0, named=True))).encode()

    asked = [
        read_question(PREDICT, body, Current(None, {}, None, features, forgotten=known), names)
        for known in (frozenset(), forgotten)
    ]

    kept = [orjson.loads(orjson.dumps(question.records[0]))[2] for question in asked]
    assert kept == [names.of(flown[s.TAIL_NUMBER][0]), None]
    assert asked[1].rows.flight_ids == [flown[s.FLIGHT_ID][0]]
