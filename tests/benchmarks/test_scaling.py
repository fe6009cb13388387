"""The tables of scaling: the arithmetic by hand on round numbers, what other documents say, and where they are put."""

from pathlib import Path

import pytest

from benchmarks.data_path import CHECK, FEATURES, READ
from benchmarks.scaling import DATA, FIT, LOG, MONITOR, SCORE
from benchmarks.scaling_report import (
    BEGIN,
    END,
    Found,
    Online,
    answering,
    between_markers,
    catching_up,
    markdown,
    online_of,
    outcome,
)

DOCS = Path(__file__).resolve().parents[2] / "docs"


def leg(flights: int, seconds: dict[str, float], size: int = 2000) -> dict:
    """A leg that wrote so many bytes a flight, beside a floor of half a second a million."""
    return {
        "flights": flights,
        "cpu_seconds": seconds,
        "bytes": dict.fromkeys(seconds, size * flights),
        "database_bytes": 3000 * flights,
        "peak_gib": 0.5,
        "floor_per_million": 0.5,
    }


def legs(flights: int, fixed: float) -> dict[str, dict]:
    """Each part takes 60 s a million flights, and so much once."""
    cost = 60 * flights / 1e6 + fixed
    parts = {DATA: (READ, CHECK, FEATURES), SCORE: (SCORE,), LOG: (LOG,), FIT: (FIT,), MONITOR: (MONITOR,)}
    return {name: leg(flights, dict.fromkeys(of, cost)) for name, of in parts.items()}


FOUND = Found(small=legs(100_000, fixed=2), large=legs(1_000_000, fixed=2), online=Online(cpu_us=600, worker_mb=200))


def test_what_is_paid_once_is_in_no_flight_more():
    cost = FOUND.cost(SCORE)

    assert cost.cpu_seconds == pytest.approx((80, 62))
    assert cost.marginal == pytest.approx(60)
    assert cost.growth == pytest.approx(62 / 8)
    assert cost.times_floor == pytest.approx(124)


def test_ten_thousand_a_second_by_hand():
    takes = answering(FOUND, 10_000)

    assert takes["answering_cores"] == pytest.approx(10)  # 10,000 times 600 µs are 6 s each second, at 60 %
    assert takes["answering_gib"] == pytest.approx(10 * 200 / 1024)
    assert takes["predictions_a_day"] == 864_000_000
    assert takes["log_mb_a_second"] == pytest.approx(20)
    assert takes["log_tb_a_day"] == pytest.approx(1.728)
    assert takes["loading_cores"] == pytest.approx(1)


def test_a_backlog_by_hand():
    takes = catching_up(FOUND, FEATURES, flights=3_600_000_000)

    assert takes["core_hours"] == pytest.approx(60)
    assert takes["terabytes"] == pytest.approx(7.2)
    assert takes["flights_a_task"] == pytest.approx(1_000_000, abs=1)
    assert takes["tasks"] == pytest.approx(3600, abs=1)


def test_the_serving_document_says_what_an_answer_costs():
    online = online_of((DOCS / "serving-measured.md").read_text())

    assert 50 < online.cpu_us < 5000
    assert 50 < online.worker_mb < 1000


def test_of_several_loads_the_dearest_is_reckoned_with():
    rows = ["| ours | 8 | 1,783 | 4.06 | 11.64 | 533 |", "| ours | 64 | 1,454 | 42.09 | 237.62 | 1,639 |"]
    memory = "| ours: preflight serve | 31.7 | 183 | 582 |"

    assert online_of("\n".join([*rows, "| FastAPI | 8 | 1 | 1 | 1 | 9,999 |", memory])) == Online(1639, 183)


def test_a_document_without_our_service_is_refused():
    with pytest.raises(ValueError, match="make bench-serving"):
        online_of("| mlflow models serve | 8 | 21 | 338.46 | 694.30 | 44,077 |")


def test_tables_go_between_the_markers_and_nowhere_else():
    document = f"before\n{BEGIN}\nold\n{END}\nafter\n"

    assert between_markers(document, "new\n") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"


@pytest.mark.parametrize("document", ["no markers", BEGIN, END])
def test_a_document_without_both_markers_is_refused(document):
    with pytest.raises(ValueError, match="begin: python -m"):
        between_markers(document, "new")


def test_every_part_has_a_row_and_the_dearest_is_named():
    proof = {"weeks": 53, "ways": {"local": {"seconds": 10, "cpu_seconds": 8, "table_sha256": "a" * 64}}}
    found = Found(FOUND.small, FOUND.large, FOUND.online, proof)

    said = markdown(found)

    assert "| fit once | 100,000 | 80.0 | 62.0 | 60.0 | 10.0 | 7.8 | 124.0 | 2,000 |" in said
    assert "| local | 10 | 8 | 1.00 |" in said
    assert outcome(found).startswith("a million flights cost 240 s of processor time from landing to prediction, 25% ")


def test_the_document_has_the_markers():
    between_markers((DOCS / "scaling.md").read_text(), "")
