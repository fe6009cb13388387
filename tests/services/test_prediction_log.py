"""A line of the prediction log gives back what was asked, seen and answered; whoever cannot read it does not guess."""

import base64
from datetime import datetime

import numpy as np
import orjson
import pytest

from infra.pseudonyms import Pseudonyms
from infra.segments import segments, whole_lines
from infra.shared_log import Limits
from pipelines.asked import FRESH
from pipelines.feature_catalog import CATEGORICAL, CATEGORIES, NAMES
from services.messages import FlightRequest
from services.online import FeatureRows, plan_of
from services.prediction_log import (
    CATALOG,
    FOLDER,
    Given,
    LogDamaged,
    OtherCatalog,
    answer_of,
    begins_after,
    catalog_of,
    flights_of,
    is_same_request,
    key_of,
    log_end,
    make_line,
    on_record,
    open_log,
    pack_features,
    read_flights,
    read_from,
    read_log,
    unpack_features,
)

AWKWARD = 'says "late","answer":{"x":1}} \\ \n\r\u2028 Zürich 飛行 \U0001f6eb'
SPECIALS = [np.nan, -np.nan, -0.0, 5e-324, np.nextafter(1.0, 2.0), -1.7976931348623157e308]


def flight(**changed: object) -> FlightRequest:
    planned = {
        "carrier": "UA",
        "flight_number": 1545,
        "tail_number": "N14228",
        "origin": "EWR",
        "destination": "IAH",
        "scheduled_departure": "2013-12-31T05:15:00-05:00",
        "scheduled_arrival": "2013-12-31T08:19:00-06:00",
        "distance_miles": 1400.0,
    }
    return FlightRequest(**planned | changed)


def rows_of(*flights: FlightRequest) -> FeatureRows:
    """Features that are all different, and those no arithmetic keeps: missing values, -0, the least of numbers."""
    encoded = np.arange(len(flights) * len(NAMES), dtype=np.float64).reshape(len(flights), -1) / 7
    encoded[:, : len(CATEGORICAL)] = 1.0
    encoded[:, -len(SPECIALS) :] = SPECIALS
    ids = [f"2013-12-31-UA{one.flight_number}-EWR" for one in flights]
    return FeatureRows(ids, ["2013-12-31T08:15:00+00:00"] * len(ids), encoded, FRESH, None, 0.0)


def given(**changed: object) -> Given:
    facts = {"kind": "predict", "body": "ab" * 8, "version": 9, "role": "champion", "week": "2013-12-30"}
    return Given(**facts | {"latency_ms": 1.25} | changed)


def answer_to(rows: FeatureRows, **more: object) -> bytes:
    """As the service answers: an only flight beside the rest, several in a list."""
    predicted = [
        {"flight_id": name, "as_of": as_of, "probability_late": 0.1 + 0.2 + place, "is_late": bool(place)}
        for place, (name, as_of) in enumerate(zip(rows.flight_ids, rows.as_of, strict=True))
    ]
    body = predicted[0] if len(predicted) == 1 else {"predictions": predicted}
    return orjson.dumps({"request_id": "r-1", **more, **body})


@pytest.fixture
def names(tmp_path) -> Pseudonyms:
    return Pseudonyms(tmp_path)


def line_of(names: Pseudonyms, *flights: FlightRequest, request_id: str = "r-1", **facts: object) -> bytes:
    rows = rows_of(*flights)
    return make_line(
        request_id, given(**facts), [on_record(plan_of(one), names) for one in flights], rows, answer_to(rows)
    )


def put(home, names: Pseudonyms, *request_ids: str, **limits: int) -> None:
    log = open_log(home, Limits(**limits))
    for request_id in request_ids:
        assert log.append(request_id.encode(), line_of(names, flight(), request_id=request_id)) is None
    log.close()


def ids(documents: list[dict]) -> list[str]:
    return [document["id"] for document in documents]


def test_a_line_gives_back_what_was_asked_and_answered(names):
    (logged,) = flights_of(orjson.loads(line_of(names, flight())))

    assert (logged.request_id, logged.place, logged.kind) == ("r-1", 0, "predict")
    assert (logged.version, logged.role, logged.week, logged.mode) == (9, "champion", "2013-12-30", "fresh")
    assert logged.plan[:5] == ("UA", 1545, names.of("N14228"), "EWR", "IAH")
    assert [datetime.fromisoformat(moment) for moment in logged.plan[5:7]] == [
        flight().scheduled_departure,
        flight().scheduled_arrival,
    ]
    assert logged.plan[7:] == (1400.0,)
    assert (logged.flight_id, logged.as_of) == ("2013-12-31-UA1545-EWR", "2013-12-31T08:15:00+00:00")
    assert (logged.probability, logged.is_late, logged.shadow) == (0.1 + 0.2, False, None)
    assert logged.latency_ms == 1.25
    assert datetime.fromisoformat(logged.at).utcoffset().total_seconds() == 0


def test_a_line_is_one_line_whatever_is_in_it(names):
    failed = {"version": 8, "why": AWKWARD}

    line = line_of(names, flight(), failed=failed)

    assert line.count(b"\n") == line.endswith(b"\n") == 1
    assert orjson.loads(line)["failed"] == failed


def test_features_come_back_to_the_last_bit(names):
    rows = rows_of(flight(), flight())

    assert unpack_features(pack_features(rows.encoded)).tobytes() == rows.encoded.astype("<f8").tobytes()
    assert unpack_features(pack_features(np.asfortranarray(rows.encoded))).tobytes() == rows.encoded.tobytes()
    assert len(base64.b64decode(pack_features(rows.encoded))) == 2 * len(NAMES) * 8


def test_a_missing_feature_is_none_and_a_category_its_name(names):
    (logged,) = flights_of(orjson.loads(line_of(names, flight())))

    assert list(logged.features) == list(NAMES)
    assert [logged.features[name] for name in CATEGORICAL] == [CATEGORIES[name][1] for name in CATEGORICAL]
    assert [logged.features[name] for name in NAMES[-len(SPECIALS) :]] == [None, None, *SPECIALS[2:]]


def test_the_tail_number_is_in_a_line_as_its_pseudonym_alone(names):
    line = line_of(names, flight(tail_number="N14228"))

    assert b"N14228" not in line
    assert names.of("N14228").encode() in line


def test_a_tail_number_and_a_distance_that_were_not_given_are_none(names):
    (logged,) = flights_of(orjson.loads(line_of(names, flight(tail_number=None, distance_miles=None))))

    assert (logged.plan[2], logged.plan[7]) == (None, None)


def test_the_flights_of_a_batch_come_back_in_their_order_each_with_its_own(names):
    batch = [flight(flight_number=1), flight(flight_number=2, tail_number=None), flight(flight_number=3)]
    shadow = {"version": 10, "probability": [0.25, 0.5, 0.75]}

    logged = list(flights_of(orjson.loads(line_of(names, *batch, kind="predict_batch", shadow=shadow))))

    assert [one.place for one in logged] == [0, 1, 2]
    assert [one.plan[1] for one in logged] == [1, 2, 3]
    assert [one.probability for one in logged] == [0.1 + 0.2 + place for place in range(3)]
    assert [one.shadow for one in logged] == [(10, 0.25), (10, 0.5), (10, 0.75)]
    assert [one.features[NAMES[5]] for one in logged] == rows_of(*batch).encoded[:, 5].tolist()


@pytest.mark.parametrize("lost", ["flights", "answer", "shadow"])
def test_a_line_that_has_fewer_of_one_thing_than_of_another_is_not_read(names, lost):
    shadow = {"version": 10, "probability": [0.25, 0.5]}
    document = orjson.loads(line_of(names, flight(), flight(), shadow=shadow))
    {
        "flights": document["flights"],
        "answer": document["answer"]["predictions"],
        "shadow": document["shadow"]["probability"],
    }[lost].pop()

    with pytest.raises(ValueError, match="zip"):
        list(flights_of(document))


@pytest.mark.parametrize("failed", [None, {"version": 8, "why": AWKWARD}])
def test_the_id_and_the_answer_are_found_in_a_line_byte_for_byte(names, failed):
    rows = rows_of(flight())
    answer = answer_to(rows, reasons=[{"words": AWKWARD, "answer": {"answer": AWKWARD}}])

    line = make_line("A.b_c:d-9", given(failed=failed), [on_record(plan_of(flight()), names)], rows, answer)

    assert key_of(line) == b"A.b_c:d-9"
    assert answer_of(line) == answer
    assert orjson.loads(line)["answer"] == orjson.loads(answer)


@pytest.mark.parametrize("line", [b"", b"\n", b"\0" * 50, b"no JSON at all\n", b'{"id":"torn'])
def test_the_id_of_a_line_that_was_damaged_is_no_error(line):
    assert key_of(line) not in (b"r-1", b"no JSON")


def test_a_request_is_the_same_if_its_hash_is(names):
    line = line_of(names, flight(), body="0123456789abcdef", failed={"version": 8, "why": '"body":"feed","at":'})

    assert is_same_request(line, "0123456789abcdef")
    assert not is_same_request(line, "0123456789abcdee")
    assert not is_same_request(line, "feed")
    assert not is_same_request(line, "")


def test_the_log_is_read_over_segments_and_without_the_line_that_is_being_written(tmp_path, names):
    put(tmp_path, names, "a", "b", "c", segment_bytes=1000)
    with segments(tmp_path / FOLDER)[-1].open("ab") as file:
        file.write(line_of(names, flight(), request_id="d")[:-1])

    assert len(segments(tmp_path / FOLDER)) > 1
    assert ids(read_log(tmp_path)) == ["a", "b", "c"]
    assert [logged.request_id for logged in read_flights(tmp_path)] == ["a", "b", "c"]


def test_the_same_id_is_answered_the_same_by_another_process_and_after_a_restart(tmp_path, names):
    put(tmp_path, names, "a")
    log = open_log(tmp_path)

    known = log.append(b"a", line_of(names, flight(flight_number=7), request_id="a"))

    assert answer_of(known) == answer_to(rows_of(flight()))
    assert answer_of(open_log(tmp_path).find(b"a")) == answer_of(known)


def test_reading_goes_on_where_it_stopped_over_segments_too(tmp_path, names):
    start = log_end(tmp_path)
    put(tmp_path, names, "a", "b", segment_bytes=1000)
    first, place = read_from(tmp_path, start)
    end = log_end(tmp_path)
    put(tmp_path, names, "c", "d", "e", segment_bytes=1000)

    more, last = read_from(tmp_path, place)

    assert (ids(first), ids(more)) == (["a", "b"], ["c", "d", "e"])
    assert end == place
    assert read_from(tmp_path, last) == ([], last)


def test_a_torn_line_is_read_when_it_is_whole_and_once(tmp_path, names):
    put(tmp_path, names, "a")
    (segment,) = segments(tmp_path / FOLDER)
    line = line_of(names, flight(), request_id="b")
    with segment.open("ab") as file:
        file.write(line[:500])
    first, place = read_from(tmp_path, ("", 0))
    with segment.open("ab") as file:
        file.write(line[500:])

    assert ids(first) == ["a"]
    assert ids(read_from(tmp_path, place)[0]) == ["b"]


def test_a_place_in_a_segment_that_was_removed_goes_on_with_the_next(tmp_path, names):
    put(tmp_path, names, "a", "b", "c", segment_bytes=1000)
    _, place = read_from(tmp_path, ("", 0))
    put(tmp_path, names, "d", segment_bytes=1000)
    first = (segments(tmp_path / FOLDER)[0].name, 0)
    was_whole = not begins_after(tmp_path, first)
    for segment in segments(tmp_path / FOLDER)[:-1]:
        segment.unlink()

    assert ids(read_from(tmp_path, place)[0]) == ["d"]
    assert (was_whole, begins_after(tmp_path, first), begins_after(tmp_path, place)) == (True, True, False)


def test_a_home_without_a_log_has_no_lines_and_stands_at_the_beginning(tmp_path):
    assert list(read_log(tmp_path)) == []
    assert log_end(tmp_path) == ("", 0)
    assert read_from(tmp_path, log_end(tmp_path)) == ([], ("", 0))


def test_features_of_another_catalog_are_not_decoded(names):
    document = orjson.loads(line_of(names, flight())) | {"catalog": "00000000"}

    with pytest.raises(OtherCatalog, match=r"expected features of catalog \w{8}, got 00000000 in the answer to r-1; "):
        list(flights_of(document))


def test_another_order_of_features_or_of_categories_is_another_catalog():
    carriers, origins = CATEGORIES.items()
    swapped = (*NAMES[:-2], NAMES[-1], NAMES[-2])

    assert catalog_of(NAMES, CATEGORIES) == CATALOG
    assert catalog_of(swapped, CATEGORIES) != CATALOG
    assert catalog_of(NAMES, dict([(carriers[0], carriers[1][::-1]), origins])) != CATALOG


def test_a_line_that_was_damaged_is_named_with_its_segment(tmp_path, names):
    put(tmp_path, names, "a", "b")
    (segment,) = segments(tmp_path / FOLDER)
    content = segment.read_bytes()
    segment.write_bytes(content.replace(b'"kind"', b'"kind', 1))

    for reading in (lambda: list(read_log(tmp_path)), lambda: read_from(tmp_path, ("", 0))):
        with pytest.raises(
            LogDamaged, match=r"000001\.jsonl holds a line that cannot be read .* begins with b'{\"id\""
        ):
            reading()
    assert len(list(whole_lines(segment))) == 2
