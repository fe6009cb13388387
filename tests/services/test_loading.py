"""The log comes into SQLite and into a real PostgreSQL, each flight once, whatever is repeated or killed."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import polars as pl
import pytest
import sqlalchemy as sa

from infra.database import DatabaseError, asking
from infra.network import free_port
from infra.online_predictions import PREDICTIONS, open_predictions, read_newest, read_predictions
from infra.pseudonyms import Pseudonyms
from infra.segments import KEPT_SEGMENTS, holding, segments
from infra.shared_log import Limits
from infra.storage import BusyError, Store
from pipelines.asked import FRESH
from pipelines.feature_catalog import CATEGORICAL, NAMES
from services import loading
from services.loading import CURSOR, LOADING, load_log
from services.messages import FlightRequest
from services.online import FeatureRows, plan_of
from services.prediction_log import (
    FOLDER,
    Given,
    LogDamaged,
    OtherCatalog,
    make_line,
    on_record,
    open_log,
    read_flights,
)

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60
FOLDERS = ("/usr/local/bin", *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True))


def program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(FOLDERS))


@pytest.fixture(scope="module")
def postgres() -> Iterator[sa.URL]:
    """A PostgreSQL cluster of its own that answers on a loopback port as long as these tests run."""
    initdb, server = program("initdb"), program("postgres")
    if initdb is None or server is None:
        pytest.skip("there is no PostgreSQL on this machine: neither PATH nor /usr/lib/postgresql has initdb")
    owner = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="preflight-pg-") as folder:
        if owner:  # the server refuses to run as root
            shutil.chown(folder, "postgres", "postgres")
        password, data = Path(folder, "password"), str(Path(folder, "data"))
        password.write_text("s3cret/with@signs")
        password.chmod(0o644)
        made = [
            initdb,
            "-D",
            data,
            "-U",
            "preflight",
            "-A",
            "scram-sha-256",
            f"--pwfile={password}",
            "-N",
            "-E",
            "UTF8",
        ]
        subprocess.run(made, check=True, capture_output=True, cwd="/", **owner)
        options = [f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", "fsync=off"]
        settings = [part for option in options for part in ("-c", option)]
        running = subprocess.Popen([server, "-D", data, *settings], stderr=subprocess.DEVNULL, cwd="/", **owner)
        try:
            url = sa.URL.create("postgresql", "preflight", "s3cret/with@signs", "127.0.0.1", port, "postgres")
            wait_for(url, running)
            yield url
        finally:
            running.send_signal(signal.SIGINT)  # which waits for no client
            running.wait(PATIENCE)


def wait_for(url: sa.URL, running: subprocess.Popen) -> None:
    """Return when the server answers."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            open_predictions(Path(), shown(url))
            return
        except DatabaseError:
            if running.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def shown(url: sa.URL) -> str:
    return url.render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, home: Path) -> Iterator[sa.Engine]:
    """An empty database of each kind."""
    url = None if request.param == "sqlite" else shown(request.getfixturevalue("postgres"))
    made = open_predictions(home, url)
    yield made
    with made.begin() as connection:
        connection.execute(sa.delete(PREDICTIONS))


@pytest.fixture
def home(tmp_path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def flight(number: int = 1545, **changed: object) -> FlightRequest:
    planned = {
        "carrier": "UA",
        "flight_number": number,
        "tail_number": "N14228",
        "origin": "EWR",
        "destination": "IAH",
        "scheduled_departure": "2013-12-31T05:15:00-05:00",
        "scheduled_arrival": "2013-12-31T08:19:00-06:00",
        "distance_miles": 1400.0,
    }
    return FlightRequest(**planned | changed)


def put(home: Path, *request_ids: str, flights: int = 1, shadow: dict | None = None, **limits: int) -> None:
    """Put requests on record, each with so many flights; the first feature of numbers is missing, the last is tiny."""
    log, names = open_log(home, Limits(**limits)), Pseudonyms(home)
    for request_id in request_ids:
        asked = [flight(number, tail_number="N14228" if number % 2 else None) for number in range(1, flights + 1)]
        encoded = np.arange(flights * len(NAMES), dtype=np.float64).reshape(flights, -1) / 7
        encoded[:, : len(CATEGORICAL)], encoded[:, len(CATEGORICAL)], encoded[:, -1] = 1.0, np.nan, 5e-324
        ids = [f"2013-12-31-UA{one.flight_number}-EWR" for one in asked]
        rows = FeatureRows(ids, ["2013-12-31T08:15:00+00:00"] * flights, encoded, FRESH, None, 0.0)
        predictions = [
            {"flight_id": name, "as_of": as_of, "probability_late": 0.1 + 0.2 * place, "is_late": place > 0}
            for place, (name, as_of) in enumerate(zip(ids, rows.as_of, strict=True))
        ]
        given = Given("predict_batch", "ab" * 8, 9, "champion", "2013-12-30", 1.25, shadow)
        answer = orjson.dumps({"request_id": request_id, "predictions": predictions})
        assert (
            log.append(
                request_id.encode(),
                make_line(request_id, given, [on_record(plan_of(one), names) for one in asked], rows, answer),
            )
            is None
        )
    log.close()


def ids(engine: sa.Engine) -> list[str]:
    return read_predictions(engine)["request_id"].to_list()


def left(home: Path) -> list[str]:
    return [segment.stem for segment in segments(home / FOLDER)]


def test_what_was_logged_is_read_back_as_it_was_logged(home, engine):
    put(home, "a", flights=3, shadow={"version": 10, "probability": [0.25, 0.5, 0.75]})
    put(home, "b")

    assert load_log(Store(home), engine) == 4

    read = read_predictions(engine).to_dicts()
    for row, logged in zip(read, read_flights(home), strict=True):
        assert (row["request_id"], row["place"], row["answered_at"]) == (logged.request_id, logged.place, logged.at)
        assert (row["kind"], row["version"], row["role"]) == (logged.kind, logged.version, logged.role)
        assert (row["week"], row["mode"], row["latency_ms"]) == (logged.week, logged.mode, logged.latency_ms)
        assert (row["flight_id"], row["as_of"]) == (logged.flight_id, logged.as_of)
        assert (row["probability"], row["is_late"]) == (logged.probability, logged.is_late)
        assert (row["shadow_version"], row["shadow_probability"]) == (logged.shadow or (None, None))
        assert row["tail_key"] == logged.plan[2]
        assert orjson.loads(row["flight"]) == [*logged.plan[:2], *logged.plan[3:]]
        assert orjson.loads(row["features"]) == logged.features
    assert [row["tail_key"] is None for row in read] == [False, True, False, False]
    assert {orjson.loads(row["features"])[NAMES[-1]] for row in read} == {5e-324}


def test_a_table_that_is_empty_or_lacks_values_has_the_types_of_a_full_one(home, engine):
    put(home, "a")
    empty = read_predictions(engine)
    load_log(Store(home), engine)

    assert empty.height == 0
    assert empty.schema == read_predictions(engine).schema
    assert empty.schema["shadow_version"] == pl.Int64
    assert empty.schema["is_late"] == pl.Boolean


def test_loading_again_adds_nothing_and_loading_later_what_came_since(home, engine):
    put(home, "a", "b")

    counts = [load_log(Store(home), engine), load_log(Store(home), engine)]
    put(home, "c")
    counts.append(load_log(Store(home), engine))

    assert counts == [2, 0, 1]
    assert ids(engine) == ["a", "b", "c"]


def test_a_row_that_is_there_stays_as_it_is(home, engine):
    put(home, "a")
    load_log(Store(home), engine)
    put(home / "other", "a", "b", flights=2)
    (home / "other" / FOLDER / "000001.jsonl").replace(home / FOLDER / "000001.jsonl")

    load_log(Store(home), engine)

    assert read_predictions(engine).select("request_id", "place", "is_late").rows() == [
        ("a", 0, False),
        ("a", 1, True),
        ("b", 0, False),
        ("b", 1, True),
    ]
    assert read_predictions(engine)["answered_at"][0] < read_predictions(engine)["answered_at"][1]


def test_predictions_are_read_from_a_moment_on_in_the_order_in_which_they_were_answered(home, engine):
    for request_id in "cab":
        put(home, request_id)
        time.sleep(0.002)  # the log says milliseconds
    load_log(Store(home), engine)

    moments = read_predictions(engine)["answered_at"].to_list()

    assert ids(engine) == ["c", "a", "b"]
    assert read_predictions(engine, moments[1])["request_id"].to_list() == ["a", "b"]
    assert read_newest(engine, 2)["request_id"].to_list() == ["a", "b"]


class Killed(BaseException):
    """What stands for `kill -9` inside a process: nothing catches it."""


@pytest.mark.parametrize("after", ["_insert", "_write_cursor"])
def test_a_loader_killed_between_rows_and_cursor_doubles_and_loses_nothing(home, engine, monkeypatch, after):
    monkeypatch.setattr(loading, "PAGE_BYTES", 1)  # a line to a page
    put(home, *"abcd", segment_bytes=4000)
    done = getattr(loading, after)

    def kill_after(*arguments: object) -> None:
        done(*arguments)
        raise Killed

    for _ in range(3):
        with monkeypatch.context() as patch:
            patch.setattr(loading, after, kill_after)
            with pytest.raises(Killed):
                load_log(Store(home), engine)
    load_log(Store(home), engine)

    assert ids(engine) == ["a", "b", "c", "d"]


LOADER = """
import sys
from pathlib import Path
from infra.storage import Store
from services import loading

loading.PAGE_BYTES = 1
home, url = Path(sys.argv[1]), sys.argv[2]
engine = loading.open_predictions(home, url or None)
print("loads", flush=True)
loading.load_log(Store(home), engine)
"""


def test_loaders_killed_again_and_again_load_every_flight_once(home, engine):
    names = [f"{number:03d}" for number in range(300)]
    put(home, *names, segment_bytes=20_000)
    url = "" if engine.dialect.name == "sqlite" else shown(engine.url)

    for attempt in range(5):
        loader = subprocess.Popen([sys.executable, "-c", LOADER, home, url], cwd=ROOT, stdout=subprocess.PIPE)
        loader.stdout.readline()
        time.sleep(0.03 * attempt)
        loader.kill()
        loader.wait(PATIENCE)
        loader.stdout.close()
    load_log(Store(home), engine, wait_seconds=PATIENCE)

    assert sorted(ids(engine)) == names
    assert len(left(home)) == KEPT_SEGMENTS


def test_segments_that_were_loaded_are_removed_but_for_the_newest(home, engine):
    put(home, *"abcdef", segment_bytes=1)  # a line to a segment

    load_log(Store(home), engine)

    assert left(home) == ["000003", "000004", "000005", "000006"]
    assert set(Store(home).read_json(CURSOR)["segments"]) == {f"{name}.jsonl" for name in left(home)}
    assert ids(engine) == [*"abcdef"]


def test_a_service_goes_on_behind_a_loader_that_removes_and_forgets_no_recent_answer(home, engine):
    limits = Limits(segment_bytes=1)
    log, names = open_log(home, limits), []
    for number in range(12):
        names.append(f"{number:02d}")
        put(home, names[-1], segment_bytes=1)
        load_log(Store(home), engine)

    known = [log.find(name.encode()) is not None for name in names]

    assert known == [False] * 8 + [True] * 4
    assert ids(engine) == names


def test_a_segment_is_not_removed_with_lines_that_are_not_loaded(home, engine, monkeypatch):
    put(home, *"abcdef", segment_bytes=1)
    late = (home / FOLDER / "000006.jsonl").read_bytes().replace(b'"id":"f"', b'"id":"g"')
    remove = loading._remove_loaded

    def grown_first(*arguments: object) -> None:
        with (home / FOLDER / "000001.jsonl").open("ab") as file:
            file.write(late)
        remove(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loading, "_remove_loaded", grown_first)
        load_log(Store(home), engine)

    assert left(home) == ["000001", "000003", "000004", "000005", "000006"]
    load_log(Store(home), engine)
    assert sorted(ids(engine)) == [*"abcdefg"]


def test_a_loader_killed_while_it_removes_leaves_nothing_that_is_skipped(home, engine, monkeypatch):
    put(home, *"abcdef", segment_bytes=1)

    def die(path: Path) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", die)
        with pytest.raises(Killed):
            load_log(Store(home), engine)

    cursor = Store(home).read_json(CURSOR)["segments"]
    assert "000001.jsonl" not in cursor
    assert load_log(Store(home), engine) == 2
    assert ids(engine) == [*"abcdef"]


def test_a_line_that_is_being_written_is_loaded_when_it_is_whole(home, engine):
    put(home, "a", "b")
    (segment,) = segments(home / FOLDER)
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-10])

    first = load_log(Store(home), engine)
    with segment.open("ab") as file:
        file.write(whole[-10:])

    assert (first, load_log(Store(home), engine)) == (1, 1)
    assert ids(engine) == ["a", "b"]


def test_a_segment_that_was_written_anew_is_read_from_its_beginning(home, engine):
    put(home, "a", "b")
    load_log(Store(home), engine)
    put(home, "c")
    (segment,) = segments(home / FOLDER)
    with holding(home / FOLDER):
        aside = segment.with_suffix(".aside")
        aside.write_bytes(segment.read_bytes().replace(b'"mode":"fresh"', b'"mode":"stale, and longer"'))
        aside.rename(segment)

    load_log(Store(home), engine)

    assert ids(engine) == ["a", "b", "c"]
    assert read_predictions(engine)["mode"].to_list() == ["fresh", "fresh", "stale, and longer"]


def test_another_database_or_one_that_was_emptied_gets_what_the_log_still_has(home, engine, tmp_path):
    put(home, "a", "b")
    load_log(Store(home), engine)
    other = open_predictions(home, f"sqlite:///{tmp_path / 'other.db'}")

    assert load_log(Store(home), other) == 2
    put(home, "c")
    assert load_log(Store(home), engine) == 3
    with engine.begin() as connection:
        connection.execute(sa.delete(PREDICTIONS))
    assert load_log(Store(home), engine) == 3
    assert ids(engine) == ["a", "b", "c"]


def test_pages_bound_what_is_in_memory_by_bytes_and_not_by_lines(home, engine, monkeypatch):
    put(home, "a", "b", "c", flights=50)
    sizes, insert = [], loading._insert

    def seen(engine: sa.Engine, rows: list[dict]) -> None:
        sizes.append(len(rows))
        insert(engine, rows)

    line = (home / FOLDER / "000001.jsonl").stat().st_size // 3
    monkeypatch.setattr(loading, "_insert", seen)
    monkeypatch.setattr(loading, "PAGE_BYTES", 2 * line)
    load_log(Store(home), engine)

    assert sizes == [100, 50]
    assert len(ids(engine)) == 150


def test_so_many_pages_are_loaded_as_may_be_and_the_rest_the_next_time(home, engine, monkeypatch):
    put(home, "a", "b", "c", flights=50)
    monkeypatch.setattr(loading, "PAGE_BYTES", 1)

    loaded = [load_log(Store(home), engine, most_pages=2) for _ in range(3)]

    assert loaded == [100, 50, 0]
    assert len(ids(engine)) == 150


def test_two_do_not_load_at_once(home, engine):
    with Store(home).exclusively(LOADING), pytest.raises(BusyError, match="loading; wait for it"):
        load_log(Store(home), engine)


@pytest.mark.parametrize(
    ("was", "becomes", "refused"),
    [(b'"catalog":"', b'"catalog":"00', OtherCatalog), (b'"kind":', b'"kind"', LogDamaged)],
)
def test_a_line_that_cannot_be_read_stops_loading_there_and_nothing_is_removed(home, engine, was, becomes, refused):
    put(home, *"abcdef", segment_bytes=1)
    second = home / FOLDER / "000002.jsonl"
    second.write_bytes(second.read_bytes().replace(was, becomes))

    with pytest.raises(refused):
        load_log(Store(home), engine)

    assert ids(engine) == ["a"]
    assert len(left(home)) == 6


def test_a_server_that_goes_while_we_load_is_said_in_a_sentence_and_loading_goes_on_later(home, postgres):
    engine = open_predictions(home, shown(postgres))
    put(home, "a")

    with engine.connect() as connection, open_predictions(home, shown(postgres)).connect() as other:
        (process,) = connection.execute(sa.text("select pg_backend_pid()")).one()
        other.execute(sa.text(f"select pg_terminate_backend({process})"))
        with pytest.raises(DatabaseError, match=r"cannot use the database postgresql://127\.0\.0\.1:\d+/postgres: "):
            ask(engine, connection)

    assert load_log(Store(home), engine) == 1
    with engine.begin() as connection:
        connection.execute(sa.delete(PREDICTIONS))


def ask(engine: sa.Engine, connection: sa.Connection) -> None:
    with asking(engine.url):
        connection.execute(sa.select(PREDICTIONS))
