"""What drills of artefacts rely on: one bit is one bit, one airport is one airport, and who says what of a rollout."""

import json

import polars as pl
import pytest

from data_checks import schema as s
from monitoring.labels import IS_LATE
from practice.drills.artefacts import BROKEN_ORIGIN, always_late, flip_bit_at
from practice.drills.asking import said_in, said_in_any


def test_one_bit_of_a_file_is_turned_round_and_turned_back(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x00\x01\x02\x03")

    flip_bit_at(path, 2)
    spoilt = path.read_bytes()
    flip_bit_at(path, 2)

    assert (spoilt, path.read_bytes()) == (b"\x00\x01\x03\x03", b"\x00\x01\x02\x03")


def test_flights_of_one_airport_are_late_and_the_others_as_they_were():
    rows = pl.DataFrame({s.ORIGIN: [BROKEN_ORIGIN, BROKEN_ORIGIN, "JFK", "LGA"], IS_LATE: [False, True, False, True]})

    assert always_late(rows, BROKEN_ORIGIN)[IS_LATE].to_list() == [True, True, False, True]


@pytest.mark.parametrize(
    ("text", "expected"),
    [(None, None), ("", None), ("all well\n", None), ("a torn line\nb\na torn line 2\n", "a torn line 2")],
)
def test_what_a_log_said_last_of_something(tmp_path, text, expected):
    log = tmp_path / "serve.log"
    if text is not None:
        log.write_text(text)

    assert said_in(log, "torn") == said_in_any(tmp_path, "*.log", "torn") == expected


def test_the_line_is_found_in_whichever_log_it_is(tmp_path):
    (tmp_path / "service-1.log").write_text("nothing\n")
    (tmp_path / "service-2.log").write_text(json.dumps({"said": "torn"}) + "\n")

    assert said_in_any(tmp_path, "service-*.log", "torn") == '{"said": "torn"}'
