"""What may be asked: bodies that are one valid message, each field once; all others are refused, every field named."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_checks import schema as s
from services.messages import EARLIEST, LATEST, LONGEST_FLIGHT, MOST_FLIGHTS
from services.parsing import parse_batch, parse_flight
from services.problems import LONGEST_WORDS, MOST_PROBLEMS, Refused

FLIGHT = {
    "carrier": "UA",
    "flight_number": 1545,
    "tail_number": "N14228",
    "origin": "EWR",
    "destination": "IAH",
    "scheduled_departure": "2013-12-20T05:15:00-05:00",
    "scheduled_arrival": "2013-12-20T08:19:00-06:00",
    "distance_miles": 1400.0,
}
TEXT = json.dumps(FLIGHT).encode()


def body(**changed: object) -> bytes:
    return json.dumps(FLIGHT | changed).encode()


def without(name: str) -> bytes:
    return json.dumps({other: value for other, value in FLIGHT.items() if other != name}).encode()


def written(name: str, text: str) -> bytes:
    """The flight with a value that is written just so."""
    return TEXT.replace(json.dumps(FLIGHT[name]).encode(), text.encode())


def refusal(content: bytes, parse=parse_flight) -> tuple[int, list[str | None]]:
    """Status and fields of what is said to a body that must be refused."""
    with pytest.raises(Refused) as refused:
        parse(content)
    return refused.value.status, [field for field, _, _ in refused.value.problems]


def from_contract(name: str) -> s.Column:
    return s.SCHEDULE.column(name)


def moments(offset_hours: int = -5) -> st.SearchStrategy[datetime]:
    zone = timezone(timedelta(hours=offset_hours))
    latest = LATEST - LONGEST_FLIGHT - timedelta(days=1)
    return st.datetimes(datetime(2000, 1, 2), latest.replace(tzinfo=None), timezones=st.just(zone))


@st.composite
def messages(draw: st.DrawFn) -> dict:
    """Any valid message: values from the contract, the optional ones there, null or left out, keys in any order."""
    departure = draw(moments(draw(st.integers(-12, 14))))
    number, distance = from_contract(s.FLIGHT_NUMBER), from_contract(s.DISTANCE)
    message = {
        "carrier": draw(st.sampled_from(from_contract(s.CARRIER).domain)),
        "flight_number": draw(st.integers(number.minimum, number.maximum)),
        "origin": draw(st.sampled_from(from_contract(s.ORIGIN).domain)),
        "destination": draw(st.from_regex(r"\A[A-Z]{3}\Z")),
        "scheduled_departure": departure.isoformat(),
        "scheduled_arrival": (departure + draw(st.timedeltas(timedelta(minutes=1), LONGEST_FLIGHT))).isoformat(),
    }
    if draw(st.booleans()):
        message["tail_number"] = draw(st.none() | st.from_regex(r"\A[A-Z0-9]{2,8}\Z"))
    if draw(st.booleans()):
        message["distance_miles"] = draw(st.none() | st.floats(distance.minimum, distance.maximum))
    return dict(draw(st.permutations(list(message.items()))))


def doubled(message: dict, name: str, first: object) -> bytes:
    """The message with a field written twice, `first` before what it says."""
    return f"{{{json.dumps(name)}: {json.dumps(first)}, {json.dumps(message)[1:]}".encode()


@given(messages(), st.sampled_from([None, 1]), st.booleans())
def test_any_valid_message_says_what_was_written(message, indent, ascii_only):
    flight = parse_flight(json.dumps(message, indent=indent, ensure_ascii=ascii_only).encode())

    for name, value in message.items():
        said = getattr(flight, name)
        assert (said.isoformat() if isinstance(said, datetime) else said) == value


@given(messages(), st.data())
def test_a_message_with_any_field_twice_is_refused_by_its_name(message, data):
    name = data.draw(st.sampled_from(sorted(message)))
    first = data.draw(st.sampled_from([message[name], None, 0, "x", [], {"a": "b"}]))

    status, fields = refusal(doubled(message, name, first))

    assert (status, fields) == (422, [name])


@given(st.lists(messages(), min_size=1, max_size=4), st.data())
def test_in_a_batch_a_field_twice_in_any_flight_is_refused(flights, data):
    place = data.draw(st.integers(0, len(flights) - 1))
    name = data.draw(st.sampled_from(sorted(flights[place])))
    texts = [json.dumps(flight) for flight in flights]
    assert len(parse_batch(f'{{"flights": [{",".join(texts)}]}}'.encode())) == len(flights)

    texts[place] = doubled(flights[place], name, flights[place][name]).decode()

    assert refusal(f'{{"flights": [{",".join(texts)}]}}'.encode(), parse_batch) == (422, [name])


@pytest.mark.parametrize(
    ("name", "least", "below", "most", "above"),
    [("flight_number", 1, 0, 9999, 10_000), ("distance_miles", 50, 49.999, 5000, 5000.001)],
)
def test_a_number_has_the_range_of_the_contract(name, least, below, most, above):
    column = from_contract(name)
    assert (column.minimum, column.maximum) == (least, most)

    assert [getattr(parse_flight(body(**{name: value})), name) for value in (least, most)] == [least, most]
    assert [refusal(body(**{name: value})) for value in (below, above)] == [(422, [name])] * 2


@pytest.mark.parametrize("name", ["carrier", "origin"])
def test_carriers_and_origins_are_those_of_the_contract(name):
    known = from_contract(name).domain

    assert [getattr(parse_flight(body(**{name: value})), name) for value in known] == list(known)
    for wrong in ("XX", known[0].lower(), known[0] + " ", "", known[0] + "\n"):
        assert refusal(body(**{name: wrong})) == (422, [name])


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        (
            "tail_number",
            ["N1", "N1234567", None],
            ["N", "N12345678", "n1", "N 1", "", "N1\n", "\uff2e\uff11", "N1\x00"],
        ),
        ("destination", ["IAH", "ZZZ"], ["IA", "IAHX", "iah", "", "IÄH", "IAH\n", "\U0001d540\U0001d538\U0000210d"]),
    ],
)
def test_a_text_has_the_form_of_the_contract(name, right, wrong):
    assert [getattr(parse_flight(body(**{name: value})), name) for value in right] == right
    assert [refusal(body(**{name: value})) for value in wrong] == [(422, [name])] * len(wrong)


@pytest.mark.parametrize("name", FLIGHT)
def test_a_field_of_another_type_is_refused_and_never_converted(name):
    others = [True, [], {}, [FLIGHT[name]], {"value": FLIGHT[name]}]
    others += [1387534500, 1.5] if isinstance(FLIGHT[name], str) else [str(FLIGHT[name])]

    assert [refusal(body(**{name: other})) for other in others] == [(422, [name])] * len(others)


@pytest.mark.parametrize("name", FLIGHT)
def test_only_tail_number_and_distance_may_be_null_or_left_out(name):
    if name in ("tail_number", "distance_miles"):
        assert getattr(parse_flight(without(name)), name) is getattr(parse_flight(body(**{name: None})), name) is None
    else:
        assert refusal(without(name)) == refusal(body(**{name: None})) == (422, [name])


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e309"])
@pytest.mark.parametrize("name", ["distance_miles", "flight_number"])
def test_a_number_that_is_not_finite_is_refused(name, number):
    status, _ = refusal(written(name, number))

    assert status in (400, 422)


@pytest.mark.parametrize("number", ["1545.0", "1.545e3", "1" * 19, "1" * 4300, "1" * 5000, "-1"])
def test_a_flight_number_is_a_whole_number_written_as_one(number):
    assert refusal(written("flight_number", number))[0] in (400, 422)


@pytest.mark.parametrize(
    "text",
    ["2013-12-20T05:15:00-05:00", "2013-12-20t05:15-0500", "2013-12-20 10:15:00Z", "2013-12-20T10:15:00.000000+00:00"],
)
def test_a_moment_in_iso_form_with_an_offset_is_that_moment(text):
    flight = parse_flight(body(scheduled_departure=text))

    assert flight.scheduled_departure == datetime(2013, 12, 20, 10, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("departure", "arrival"),
    [
        ("1387534500", "1387545540"),
        ("+1387534500.5", "1387545540"),
        ("1387534500000", "1387545540000"),
        ("1.3875345e9", "1.38754554e9"),
        ("2013-12-20T05:15:00", "2013-12-20T08:19:00"),
        ("2013-12-20", "2013-12-21"),
        ("20131220T051500Z", "20131220T081500Z"),
        ("20 Dec 2013", "20 Dec 2013"),
        (" 2013-12-20T05:15:00Z", "2013-12-20T08:15:00Z "),
        ("2013-12-20T24:00:00Z", "2013-12-21T24:00:00Z"),
        ("2013-02-29T05:15:00Z", "2013-02-30T05:15:00Z"),
        ("٢٠١٣-12-20T05:15:00Z", "\uff12\uff10\uff11\uff13-12-20T08:15:00Z"),
        ("", "now"),
    ],
)
def test_any_other_text_is_no_moment(departure, arrival):
    status, fields = refusal(body(scheduled_departure=departure, scheduled_arrival=arrival))

    assert status == 422
    assert set(fields) <= {"scheduled_departure", "scheduled_arrival"}
    assert "scheduled_departure" in fields


@pytest.mark.parametrize("name", ["scheduled_departure", "scheduled_arrival"])
def test_a_number_of_seconds_is_no_moment_even_where_the_name_is_written_with_an_escape(name):
    number = b'"1387534500"' if name == "scheduled_departure" else b'"1387545540"'
    escaped = body(**{name: "?"}).replace(b'"?"', number).replace(name.encode(), name.replace("_", "\\u005f").encode())

    assert refusal(escaped) == (422, [name])


@pytest.mark.parametrize(
    "text",
    [
        (EARLIEST - timedelta(microseconds=1)).isoformat(),
        LATEST.isoformat(),
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "9999-12-31T23:59:59.999999Z",
    ],
)
def test_a_moment_outside_of_this_century_is_refused(text):
    assert "scheduled_departure" in refusal(body(scheduled_departure=text))[1]


def test_the_first_and_the_last_moment_are_taken():
    first = parse_flight(body(scheduled_departure=EARLIEST.isoformat(), scheduled_arrival="2000-01-01T01:00:00Z"))
    last = parse_flight(body(scheduled_departure="2099-12-31T23:00:00Z", scheduled_arrival="2099-12-31T23:59:59Z"))

    assert first.scheduled_departure == EARLIEST
    assert last.scheduled_arrival < LATEST


@pytest.mark.parametrize(("minutes", "is_taken"), [(-1, False), (0, False), (1, True), (1440, True), (1441, False)])
def test_a_flight_takes_more_than_nothing_and_at_most_a_day(minutes, is_taken):
    departure = datetime(2013, 12, 20, 5, 15, tzinfo=UTC)
    arrival = departure + timedelta(minutes=minutes)
    content = body(scheduled_departure=departure.isoformat(), scheduled_arrival=arrival.isoformat())

    if is_taken:
        assert parse_flight(content).scheduled_arrival == arrival
    else:
        assert refusal(content) == (422, [None])


@pytest.mark.parametrize(
    "content",
    [
        b"", b" ", b"{", b'"', b"carrier=UA", b"\xef\xbb\xbf" + TEXT, TEXT.decode().encode("utf-16"), TEXT + b"x",
        TEXT + TEXT, TEXT[:-1] + b",}", TEXT.replace(b'"', b"'"), b"\x00", b"\xff" + TEXT,
        TEXT.replace(b"IAH", b"\xff\xfe"), TEXT.replace(b"IAH", b"\\ud800"), TEXT.replace(b"IAH", b"\\x41"),
        TEXT.replace(b"IAH", b"I\nH"), b"[" * 100_000, b'{"carrier":' + b"[" * 100_000, b'{"a":' * 100_000,
        written("carrier", "[" * 100_000 + "]" * 100_000),
    ],
)  # fmt: skip
@pytest.mark.parametrize("parse", [parse_flight, parse_batch])
def test_what_is_no_json_is_400(content, parse):
    assert refusal(content, parse) == (400, [None])


@pytest.mark.parametrize("content", [b"[]", b"null", b"1", b"true", b'"text"', b"[" + TEXT + b"]", b"{}"])
@pytest.mark.parametrize("parse", [parse_flight, parse_batch])
def test_json_that_is_no_message_is_422(content, parse):
    assert refusal(content, parse)[0] == 422


def test_escapes_are_read_as_what_they_stand_for():
    assert parse_flight(TEXT.replace(b"IAH", b"I\\u0041H").replace(b'"origin"', b'"or\\u0069gin"')) == parse_flight(
        TEXT
    )


def test_a_field_twice_is_found_behind_an_escape():
    assert refusal(TEXT[:-1] + b', "or\\u0069gin": "JFK"}') == (422, ["origin"])


def test_a_batch_has_one_to_a_thousand_flights():
    batches = {count: b'{"flights": [' + b",".join([TEXT] * count) + b"]}" for count in (0, 1, MOST_FLIGHTS)}

    assert [len(parse_batch(batches[count])) for count in (1, MOST_FLIGHTS)] == [1, MOST_FLIGHTS]
    assert refusal(batches[0], parse_batch) == (422, ["flights"])
    assert refusal(batches[MOST_FLIGHTS].replace(b"]", b"," + TEXT + b"]"), parse_batch) == (422, ["flights"])


@pytest.mark.parametrize(
    "content",
    [
        b'{"flights": [], "flights": [' + TEXT + b"]}",
        b'{"flights": [1, 2], "flights": [' + TEXT + b"]}",
        b'{"fl\\u0069ghts": [], "flights": [' + TEXT + b"]}",
    ],
)
def test_the_flights_of_a_batch_are_there_once(content):
    assert refusal(content, parse_batch) == (422, ["flights"])


def test_a_wrong_field_of_a_batch_is_named_with_its_flight():
    content = b'{"flights": [' + TEXT + b"," + body(carrier="XX", flight_number=0) + b"]}"

    assert refusal(content, parse_batch) == (422, ["flights.1.carrier", "flights.1.flight_number"])


def test_of_many_problems_the_first_are_told():
    content = b'{"flights": [' + b",".join([b"{}"] * MOST_FLIGHTS) + b"]}"

    assert len(refusal(content, parse_batch)[1]) == MOST_PROBLEMS


@pytest.mark.parametrize(
    "content",
    [
        b'{"' + b"a" * 900_000 + b'": 1}',
        b'{"carrier": {"' + b"a" * 400_000 + b'": 1, "' + b"a" * 400_000 + b'": 2}, ' + TEXT[1:],
    ],
)
def test_a_name_that_fills_the_body_is_not_repeated_in_full(content):
    with pytest.raises(Refused) as refused:
        parse_flight(content)

    assert len(refused.value.body(None)) < MOST_PROBLEMS * 3 * LONGEST_WORDS
