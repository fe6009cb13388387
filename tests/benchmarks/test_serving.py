"""The serving benchmark says what was measured: medians, ratios, goals on both sides, every answer checked."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import polars as pl
import psutil
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.serving import export, targets
from benchmarks.serving.bare import BareCall
from benchmarks.serving.export import FEATURES, NothingToMeasure, export_all
from benchmarks.serving.findings import Findings, Goal, Measured, capacity, cpu_ratio, goals, ratio
from benchmarks.serving.load import Leg, NoLoad, Patience, median_leg, parse_wrk, run_leg
from benchmarks.serving.measure import Server, WrongAnswer, check_answers, measure, running
from benchmarks.serving.report import markdown, outcome, sentences, tables
from infra.bundle import write_bundle
from infra.scorer import load_bundle
from pipelines.artefact import build_bundle
from pipelines.calibration_map import IDENTITY
from pipelines.encoding import CODES
from pipelines.feature_catalog import CATEGORIES, NAMES

ROOT = Path(__file__).parents[2]
BOTH = {"a": (8,), "b": (8, 64)}
"""Two servers, and the numbers of clients that ask each."""


def leg(per_second: float = 1000, p99_ms: float = 5, cpu_us: float = 600, failures: int = 0, others: float = 0) -> Leg:
    """A leg of these figures."""
    return Leg(per_second, 1.0, p99_ms, cpu_us, cpu_us * 0.9, failures, 0.3, others)


def measured(name: str, with_8: Leg, difference: float | None = 0.0) -> Measured:
    """A server that was asked by 8 clients and, just as well, by 64."""
    return Measured(name, "in short", {8: with_8, 64: with_8}, 3.0, 100_000_000, 200_000_000, difference)


def findings(ours: Leg | None = None, settings: tuple[Measured, ...] = (), **more: object) -> Findings:
    """A run in which ours answers 1,000 requests a second, FastAPI 2,000 and mlflow 50."""
    servers = [
        measured("ours", ours or leg()),
        measured("mlflow models serve", leg(50)),
        measured("FastAPI", leg(2000, cpu_us=300)),
        measured("a constant answer", leg(40_000), None),
    ]
    bare = [BareCall("ONNX bundle", 1, 10.0), BareCall("ONNX bundle", 1000, 4000.0)]
    found = Findings(8, "2013-12-30", "2 cores", servers, list(settings), bare, leg(100), 1000, 900.0, 3, 400.0)
    return replace(found, **more)


def verdicts(found: Findings) -> list[bool]:
    """Which goals are kept: mlflow, FastAPI, p99, page, difference, failures."""
    return [goal.kept for goal in goals(found)]


def test_the_last_line_of_wrk_is_what_it_measured():
    said = 'Running 1s test\n  Requests/sec: 2.0\n{"requests": 2, "microseconds": 1000000, "failures": 0}\n'

    assert parse_wrk(said) == {"requests": 2, "microseconds": 1000000, "failures": 0}


@pytest.mark.parametrize("said", ["", "unable to connect to 127.0.0.1:1 Connection refused\n"])
def test_a_run_of_wrk_that_measured_nothing_is_told_in_its_words(said):
    with pytest.raises(NoLoad, match=r"wrk measured nothing, it said '(unable to connect.*)?'"):
        parse_wrk(said)


def test_of_several_legs_each_figure_is_the_median_and_no_failure_is_lost():
    legs = [leg(10, p99_ms=9, failures=1), leg(30, p99_ms=7), leg(20, p99_ms=8, failures=2, others=1.5)]

    assert median_leg(legs) == leg(20, p99_ms=8, failures=3, others=0)


def test_ratios_are_of_requests_and_of_processor_time_saved():
    ours, fastapi = measured("ours", leg(1000, cpu_us=600)), measured("FastAPI", leg(2000, cpu_us=300))

    assert ratio(ours, fastapi, 8) == 0.5
    assert cpu_ratio(ours, fastapi, 8) == 0.5


@pytest.mark.parametrize(("value", "at_least", "kept"), [(2, True, True), (1.9, True, False), (2, False, True)])
def test_a_goal_is_kept_at_its_bound(value, at_least, kept):
    assert Goal("something", value, 2, at_least).kept is kept
    assert not Goal("something", 2.1, 2, at_least=False).kept


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (findings(), [False, False, True, False, True, True]),  # 20 of 25, 0.5 of 0.6, 100,000 of 250,000 rows
        (findings(leg(1250)), [True, True, True, False, True, True]),
        (findings(leg(1250, p99_ms=10.1)), [True, True, False, False, True, True]),
        (findings(page=leg(125)), [False, False, True, True, True, True]),
        (findings(page=leg(125, failures=1)), [False, False, True, True, True, False]),
        (findings(settings=(measured("ours", leg(failures=2)),)), [False, False, True, False, True, False]),
        (findings(servers=[measured("ours", leg(), 1e-3)]), [True, False, False, True]),
    ],
)
def test_every_goal_is_judged_and_none_without_its_peer(found, expected):
    assert verdicts(found) == expected


def test_ten_thousand_requests_a_second_take_the_cores_of_their_processor_time_at_sixty_percent():
    need = capacity(findings())

    assert (need.cores, need.memory_gb) == (10, 1.0)  # 6 s of processor each second; 100 MB in a worker
    assert (need.log_mb_per_second, need.log_gb_per_day) == (9.0, pytest.approx(777.6))


def test_a_goal_that_is_missed_is_said_with_its_figures():
    said = sentences(findings())

    assert said[0].startswith("requests a second, times mlflow models serve (by processor time 1.00): 20, wanted")
    assert said[0].endswith("at least 25: NOT kept")
    assert outcome(findings()) == "3 of 6 goals kept with version 8, in 400 s"


def test_what_others_took_of_the_machine_is_said():
    noisy = findings(page=leg(100, others=1.4))

    assert "a request of ours takes 600 µs of processor, 540 in its worker" in sentences(noisy)
    assert "others took 0.00 cores in the median leg and 1.40 in the worst" in sentences(noisy)[-1]


def test_adaptive_batching_is_compared_with_the_same_service_without():
    pair = [measured("BentoML, ONNX", leg(800)), measured("BentoML, ONNX, batching", leg(1000))]

    said = sentences(findings(servers=[*findings().servers, *pair]))

    assert any(
        line.startswith("BentoML, ONNX, batching: 1.25 with 8 clients, 1.25 with 64 clients times") for line in said
    )


def test_every_server_and_number_of_clients_has_a_row_with_its_ratios():
    load, *_ = tables(findings())

    assert [row[:2] for row in load.rows][:2] == [("ours", "8"), ("ours", "64")]
    assert load.rows[0][6:8] == ("0.50", "20.00")
    assert load.rows[-1] == ("ours, 1000 flights each", "1", "100", "1.00", "5.00", "600", "", "", "0", "0.00")


def test_a_setting_is_worth_its_ratio_to_ours_as_it_is():
    found = findings(settings=(measured("ours", leg(1000)), measured("access log on", leg(800))))

    rows = tables(found)[-1].rows

    assert {(row[0], row[5]) for row in rows} == {("as it is", "1.00"), ("access log on", "0.80")}


def test_every_row_of_the_markdown_has_as_many_cells_as_its_heading():
    text = markdown(findings(settings=(measured("ours", leg()),)))

    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]

    assert len(blocks) == 4
    assert all(len({line.count("|") for line in block}) == 1 for block in blocks)


def test_everything_found_goes_into_one_document():
    document = json.loads(json.dumps(findings().as_dict(), allow_nan=False))

    assert document["servers"][0]["legs"]["8"]["per_second"] == 1000
    assert [goal["kept"] for goal in document["goals"]] == verdicts(findings())


def test_without_a_lived_year_it_says_what_to_run(tmp_path):
    with pytest.raises(NothingToMeasure, match="run: preflight replay"):
        export_all(tmp_path / "nowhere", tmp_path)


def test_without_wrk_it_ends_with_one_sentence(tmp_path):
    command = [sys.executable, "-m", "benchmarks.serving", "--home", str(tmp_path)]

    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={"PATH": str(tmp_path)})

    assert ended.returncode == 1
    assert ended.stderr == "wrk, which makes the load, is not on the path; run: apt-get install wrk\n"


def test_a_page_has_a_thousand_flights_and_each_begins_elsewhere():
    week = [{"flight_number": number} for number in range(1500)]

    pages = [body["flights"] for body in export._pages(week)]

    assert {len(page) for page in pages} == {1000}
    assert len({page[0]["flight_number"] for page in pages}) == len(pages) == 10


class Counting(BaseHTTPRequestHandler):
    """Answers 200, or 500 to the body that asks for it, and remembers every body."""

    protocol_version = "HTTP/1.1"
    seen: list[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append(body)
        self.send_response(500 if b"fail" in body else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def counting() -> Iterator[ThreadingHTTPServer]:
    """A server that counts."""
    handler = type("Handler", (Counting,), {"seen": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_wrk_asks_with_every_body_in_turn_and_counts_what_was_refused(counting, tmp_path):
    bodies = tmp_path / "bodies.jsonl"
    bodies.write_text('{"n": 1}\n{"n": 2}\n{"n": "fail"}\n')

    found = run_leg(f"http://127.0.0.1:{counting.server_port}/", bodies, 1, 1, psutil.Process())

    seen = counting.RequestHandlerClass.seen
    assert set(seen[:3]) == {b'{"n": 1}', b'{"n": 2}', b'{"n": "fail"}'}  # wrk looks at the first one beforehand
    assert seen[3:6] == seen[:3]
    assert found.per_second > 1
    assert found.failures == pytest.approx(len(seen) / 3, abs=1.1)  # the last request may be cut off


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> export.Export:
    """A small model of all features, and 20 flights by their features, some of them missing."""
    folder = tmp_path_factory.mktemp("exported")
    random = np.random.default_rng(1)
    encoded = random.normal(size=(400, len(NAMES)))
    encoded[:, : len(CATEGORIES)] = random.integers(0, 3, size=(400, len(CATEGORIES)))
    encoded[::7, 5] = np.nan
    trees = HistGradientBoostingClassifier(max_iter=3, early_stopping=False, random_state=1)
    bundle = build_bundle(trees.fit(encoded, encoded[:, 3] > 0), IDENTITY, 0.5, {})
    scorer = load_bundle(write_bundle(folder / "bundle", bundle), bundle.sha256)
    (folder / "codes.json").write_text(json.dumps(CODES))
    rows = [dict(zip(NAMES, row, strict=True)) for row in np.where(np.isnan(encoded), None, encoded).tolist()[:20]]
    named = [row | {name: CATEGORIES[name][int(row[name])] for name in CATEGORIES} for row in rows]
    (folder / f"{FEATURES}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in named))
    return export.Export(
        folder=folder,
        version=1,
        week="2013-12-30",
        model=folder,
        features=pl.DataFrame(named),
        encoded=encoded[:20],
        expected=scorer.probability(encoded[:20]),
        scorer=scorer,
        flights_per_page=20,
    )


def test_fastapi_answers_by_the_same_model_and_the_floor_a_constant(exported):
    chosen = [target for target in targets.peers() if target.name in (targets.FASTAPI, targets.FLOOR)]

    with running(chosen, exported) as (fastapi, floor):
        assert fastapi.largest_difference < 1e-12
        assert floor.largest_difference is None


def test_a_server_that_refuses_is_not_measured(exported, counting):
    (exported.folder / "refused.jsonl").write_text('"fail"\n')
    target = replace(targets.ours(), path="/", form="refused")
    server = Server(target, f"http://127.0.0.1:{counting.server_port}", psutil.Process(), 0.0)

    with pytest.raises(WrongAnswer, match=r"ours answers http://.*/ with 500"):
        check_answers(server, exported)


@dataclass
class Fake:
    """A server that notes how it is asked."""

    target: targets.Target
    order: list[tuple[str, int]]
    legs: dict[int, list[Leg]] = field(default_factory=dict)

    def ask(self, _: export.Export, clients: int, seconds: int) -> Leg:
        self.order.append((self.target.name, clients))
        return leg()


@pytest.mark.parametrize(("until", "rounds"), [(float("inf"), 2), (0, 1)])
def test_servers_take_turns_and_no_round_is_begun_when_time_is_over(exported, until, rounds):
    order: list[tuple[str, int]] = []
    servers = [Fake(replace(targets.ours(), name=name, clients=clients), order) for name, clients in BOTH.items()]

    measure(servers, exported, seconds=1, repeats=2, patience=Patience(0), clients=(8, 64), until=until)

    assert order == [("a", 8), ("b", 8)] + [("a", 8), ("b", 8), ("b", 64)] * rounds  # all are warmed up before
    assert [len(legs) for legs in servers[1].legs.values()] == [rounds, rounds]


def test_the_lived_home_is_copied_and_stays_as_it_is(lived, tmp_path):
    home = lived.settings.home
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()}

    made = export_all(home, tmp_path)

    lines = {form: len(made.bodies(form).read_text().splitlines()) for form in (export.FLIGHTS, FEATURES, export.ROWS)}
    assert set(lines.values()) == {len(made.expected)}
    assert made.expected.min() > 0
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()} == before
