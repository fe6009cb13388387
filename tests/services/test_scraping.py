"""What /metrics shows at the moment of a scrape, of a real worker in this process."""

import pytest
from prometheus_client.parser import text_string_to_metric_families
from small_service import SmallHome, answering

from infra.segments import KEPT_SEGMENTS
from monitoring.exposition import FLOWS
from services.prediction_log import FOLDER
from services.worker import Worker


@pytest.fixture
def home(small_copy: SmallHome) -> SmallHome:
    return small_copy


def scraped(worker: Worker) -> dict[str, float]:
    """Every sample by name and labels."""
    families = text_string_to_metric_families(worker.scrape().decode())
    return {
        " ".join((sample.name, *sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def test_a_worker_that_can_answer_is_ready_and_one_that_leaves_is_not(home):
    with answering(home) as service:
        before = scraped(service.worker)["preflight_ready"]
        service.worker._is_leaving = True

        assert (before, scraped(service.worker)["preflight_ready"]) == (1, 0)


def test_what_the_flows_wrote_is_shown_with_its_age_and_absent_before(home):
    with answering(home) as service:
        before = scraped(service.worker)
        home.store.write_text(FLOWS, "# TYPE preflight_week_flights gauge\npreflight_week_flights 6600\n")
        after = scraped(service.worker)

    assert (before.get("preflight_week_flights"), before["preflight_flows_written_timestamp_seconds"]) == (None, 0)
    assert after["preflight_week_flights"] == 6600
    assert after["preflight_flows_written_timestamp_seconds"] == pytest.approx(home.store.path(FLOWS).stat().st_mtime)


def test_the_backlog_is_what_waits_beyond_the_segments_that_stay(home):
    with answering(home, log_backlog_mb=3) as service:
        for number in range(2, KEPT_SEGMENTS + 3):
            home.store.write_text(f"{FOLDER}/{number:06d}.jsonl", "x" * 1000)
        home.store.write_text(f"{FOLDER}/000001.jsonl", "x" * 500)

        seen = scraped(service.worker)

    assert (seen["preflight_log_backlog_bytes"], seen["preflight_log_backlog_limit_bytes"]) == (1500, 3_000_000)


def test_counters_that_alerts_look_at_are_there_before_anything_was_counted(home):
    with answering(home) as service:
        seen = scraped(service.worker)

    expected = {
        *("preflight_answers_total explain 503", "preflight_answers_total predict_batch 429"),
        *("preflight_degraded_answers_total plan_only", "preflight_unlogged_refusals_total LogBehind"),
    }
    assert expected <= set(seen)
