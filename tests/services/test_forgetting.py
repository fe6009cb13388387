"""An erased aircraft leaves what was answered, and takes its pseudonym, its features and the reasons about them."""

import base64
import json
from pathlib import Path

import numpy as np
import orjson
import sqlalchemy as sa

from infra.online_predictions import PREDICTIONS, open_predictions, read_predictions
from infra.segments import segments
from infra.shared_log import SharedLog
from pipelines.erasing import ERASED_FEATURES
from pipelines.feature_catalog import NAMES
from services.forgetting import forget_in_log
from services.loading import erase_aircraft, rename_requests
from services.prediction_log import FOLDER, key_of

KEY, OTHER = "a" * 32, "b" * 32
PLACES = [NAMES.index(name) for name in ERASED_FEATURES]


def packed(height: int, width: int = len(NAMES)) -> str:
    """Features of so many flights, none missing."""
    return base64.b64encode(np.ones((height, width), "<f8").tobytes()).decode()


def unpacked(text: str, height: int) -> np.ndarray:
    """Features as the log has them."""
    return np.frombuffer(base64.b64decode(text), "<f8").reshape(height, -1)


def reason(group: str, feature: str) -> dict:
    """One reason of an answer."""
    return {"feature": feature, "group": group, "value": 1.0, "contribution": 0.1, "words": f"{feature} is 1"}


def record(*keys: str | None, answer: dict | None = None, **more: object) -> dict:
    """A record of flights of these aircraft."""
    flights = [["UA", number, key, "EWR", "IAH", "d", "a", None] for number, key in enumerate(keys)]
    said = {"probability_late": 0.5, "reasons": [reason("plane", "seats"), reason("weather", "temperature_f")]}
    return {"id": "r", "flights": flights, "x": packed(len(keys)), "answer": answer or said, **more}


def write_log(home: Path, *segments: list[dict], tail: str = "") -> list[Path]:
    """Segments of a prediction log; `tail` is a last line that was torn."""
    folder = home / FOLDER
    folder.mkdir()
    paths = [folder / f"{number:06d}.jsonl" for number in range(1, len(segments) + 1)]
    for path, records in zip(paths, segments, strict=True):
        path.write_text("".join(json.dumps(one) + "\n" for one in records) + tail)
    return paths


def read(path: Path) -> list[dict]:
    """The whole records of a segment."""
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


def test_a_record_loses_what_it_has_of_the_aircraft_and_keeps_the_rest(tmp_path):
    (path,) = write_log(tmp_path, [record(KEY, latency_ms=1.5)])

    assert forget_in_log(tmp_path, KEY) == 1

    (kept,) = read(path)
    (features,) = unpacked(kept["x"], 1)
    assert kept["flights"][0][2] is None
    assert set(np.flatnonzero(np.isnan(features))) == set(PLACES)
    assert kept["answer"] == {"probability_late": 0.5, "reasons": [reason("weather", "temperature_f")]}
    assert kept["latency_ms"] == 1.5


def test_other_flights_of_a_batch_keep_their_aircraft(tmp_path):
    answer = {"predictions": [{"flight_id": "one"}, {"flight_id": "two"}]}
    (path,) = write_log(tmp_path, [record(OTHER, KEY, answer=answer)])

    forget_in_log(tmp_path, KEY)

    (kept,) = read(path)
    assert [flight[2] for flight in kept["flights"]] == [OTHER, None]
    assert np.isnan(unpacked(kept["x"], 2)).sum(axis=1).tolist() == [0, len(PLACES)]
    assert kept["answer"] == answer


def test_whatever_an_explanation_names_after_the_aircraft_goes(tmp_path):
    answer = {
        "features": {"seats": 100, "temperature_f": 50},
        "groups": [{"group": "inbound", "contribution": 1}, {"group": "plan", "contribution": 2}],
    }
    (path,) = write_log(tmp_path, [record(KEY, answer=answer)])

    forget_in_log(tmp_path, KEY)

    assert read(path)[0]["answer"] == {
        "features": {"temperature_f": 50},
        "groups": [{"group": "plan", "contribution": 2}],
    }


def test_a_segment_without_the_aircraft_is_not_written_and_a_torn_line_stays(tmp_path):
    torn = '{"id": "to'
    first, second = write_log(tmp_path, [record(OTHER, None)], [record(KEY)], tail=torn)
    before = first.read_bytes(), first.stat().st_ino

    assert forget_in_log(tmp_path, KEY) == 1

    assert (first.read_bytes(), first.stat().st_ino) == before
    assert second.read_text().endswith(f"\n{torn}")


def test_done_again_it_changes_nothing(tmp_path):
    paths = write_log(tmp_path, [record(KEY)], [record(OTHER)])
    forget_in_log(tmp_path, KEY)
    before = [path.read_bytes() for path in paths]

    assert forget_in_log(tmp_path, KEY) == 0
    assert [path.read_bytes() for path in paths] == before


def test_a_home_that_answered_nothing_has_nothing_to_forget(tmp_path):
    assert forget_in_log(tmp_path, KEY) == 0
    assert list(tmp_path.glob("*/*.jsonl")) == []


def test_a_writer_goes_on_in_the_segment_that_was_written_anew_and_knows_what_it_answered(tmp_path):
    log = SharedLog(tmp_path / FOLDER, key_of)
    log.append(b"r", orjson.dumps(record(KEY)) + b"\n")

    forget_in_log(tmp_path, KEY)
    known = log.append(b"r", b'{"id":"r"}\n')
    log.append(b"s", orjson.dumps(record(OTHER) | {"id": "s"}) + b"\n")

    (path,) = segments(tmp_path / FOLDER)
    assert [one["id"] for one in read(path)] == ["r", "s"]
    assert json.loads(known)["flights"][0][2] is None


def test_a_request_id_that_holds_the_tail_number_becomes_another_in_log_and_table(tmp_path):
    (path,) = write_log(tmp_path, [record(OTHER, answer={"request_id": "r", "reasons": []})])
    engine = open_predictions(tmp_path, None)
    with engine.begin() as connection:
        connection.execute(sa.insert(PREDICTIONS), [row(OTHER, place=0), row(OTHER, place=1)])

    assert forget_in_log(tmp_path, KEY, clean=lambda name: f"not-{name}") == 1
    rename_requests(engine, "R", lambda name: f"not-{name}")

    (kept,) = read(path)
    assert (kept["id"], kept["answer"]["request_id"], kept["flights"][0][2]) == ("not-r", "not-r", OTHER)
    assert read_predictions(engine)["request_id"].to_list() == ["not-r", "not-r"]


def test_the_loaded_table_loses_the_aircraft_and_its_features_alone(tmp_path):
    engine = open_predictions(tmp_path, None)
    rows = [row(KEY, place=0), row(OTHER, place=1)]
    with engine.begin() as connection:
        connection.execute(sa.insert(PREDICTIONS), rows)

    assert erase_aircraft(engine, KEY, ERASED_FEATURES) == 1

    erased, kept = read_predictions(engine).to_dicts()
    features = json.loads(erased["features"])
    assert erased["tail_key"] is None
    assert {name for name, value in features.items() if value is None} == set(ERASED_FEATURES)
    assert (kept["tail_key"], kept["features"]) == (OTHER, rows[1]["features"])
    assert erase_aircraft(engine, KEY, ERASED_FEATURES) == 0


def row(tail_key: str, place: int) -> dict:
    """A row of the table, every feature 1."""
    texts = dict.fromkeys(("answered_at", "kind", "role", "mode", "flight_id", "as_of", "flight"), "a")
    numbers = dict.fromkeys(("version", "latency_ms", "probability", "is_late"), 1)
    features = json.dumps(dict.fromkeys(NAMES, 1.0))
    return {"request_id": "r", "place": place, "tail_key": tail_key, "features": features, **texts, **numbers}
