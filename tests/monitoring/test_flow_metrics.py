"""The metrics of the flows: worked out by hand, absent where nothing is known, few values per label."""

import pytest
from exposed import ALL_DETECTORS, ENDS, QUALITY, SERVICE_METRICS, WEEK, alarm, full_life, measured, validated
from prometheus_client.parser import text_string_to_metric_families

from monitoring.exposition import COUNTER, GAUGE, Metric, Sample, render
from monitoring.flow_metrics import Life, flow_metrics

MOST_VALUES = 60
"""Of one metric: a feature of the catalogue is the label with most."""


def values(life: Life, name: str) -> dict[str, float] | float | None:
    """The value of a metric, or its values by their labels; None when it is absent."""
    (found,) = [metric for metric in flow_metrics(life) if metric.name == name]
    if [sample.labels for sample in found.samples] == [{}]:
        return found.samples[0].value
    return {" ".join(sample.labels.values()): sample.value for sample in found.samples} or None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("preflight_clock_timestamp_seconds", ENDS[WEEK]),
        ("preflight_week_flights", 6600),
        ("preflight_quarantine_ratio", {"schedule": 0.001, "weather": 0.0}),
        ("preflight_accepted_rows_total", 998 + 500 + 999 + 500),
        ("preflight_quarantined_rows_total", 3),
        ("preflight_skill_ratio", {"week": 0.2, "recent": 0.18}),
        ("preflight_promised_skill_ratio", 0.22),
        ("preflight_recent_calibration_gap", -0.02),
        ("preflight_label_coverage_ratio", 0.98),
        ("preflight_champion_version", 8),
        ("preflight_promotion_timestamp_seconds", 1_000_000.0),
        ("preflight_judgement_timestamp_seconds", ENDS[WEEK]),
        ("preflight_trainings_total", 1),
        ("preflight_promotions_total", 1),
        ("preflight_refusals_total", 1),
        ("preflight_rollbacks_total", 1),
        ("preflight_flow_part_seconds", {"MLflow": 2.5}),
        ("preflight_detector_upper", {"estimate": 0.6}),
        ("preflight_log_loss", {"live": 0.5, "frozen": 0.5, "base_rate": 0.5, "estimate": 0.48}),
        ("preflight_open_incidents", 0),
    ],
)
def test_a_metric_is_what_the_records_say(name, expected):
    assert values(full_life(), name) == expected


def test_the_end_of_a_stage_is_that_of_its_newest_week():
    ends = values(full_life(), "preflight_stage_timestamp_seconds")

    assert (ends["train"], ends["score"]) == (1_000_000.0, ENDS[WEEK])


def test_alarms_are_counted_by_detector_and_those_that_are_provisional_are_not():
    life = full_life(measured(alarms=[alarm("slices"), alarm("slices"), alarm("quality", is_provisional=True)]))

    counts = values(life, "preflight_alarms")

    assert (counts["slices"], counts["quality"], set(counts)) == (2, 0, ALL_DETECTORS)


def test_a_week_measured_before_there_were_alarms_and_bands_has_none_and_not_zero():
    old = {name: value for name, value in measured().items() if name in ("stage", "week", "quality", "label_coverage")}

    life = full_life(old)

    assert [values(life, f"preflight_{name}") for name in ("alarms", "detector_value")] == [None, None]
    assert values(life, "preflight_log_loss") == {"live": QUALITY["log_loss"]}
    assert values(life, "preflight_label_coverage_ratio") == 0.99


def test_a_band_without_an_end_has_none():
    life = full_life(measured(bands={"quality": {"value": 0.02, "lower": None, "upper": 0.1, "subject": "log loss"}}))

    ends = [values(life, f"preflight_detector_{name}") for name in ("value", "lower", "upper")]

    assert ends == [{"quality": 0.02}, None, {"quality": 0.1}]


def test_a_home_in_which_nothing_has_happened_has_counters_at_zero_and_no_gauge():
    shown = [metric for metric in flow_metrics(Life([], ENDS.__getitem__)) if metric.samples]

    assert {metric.kind for metric in shown} == {COUNTER}
    assert {sample.value for metric in shown for sample in metric.samples} == {0}


def test_a_feed_without_rows_has_no_share_of_them_quarantined():
    empty = validated()
    empty["feeds"]["weather"] = {"landed": 0, "accepted": 0, "quarantined": 0}

    assert values(full_life(empty), "preflight_quarantine_ratio")["weather"] == 0


def test_names_follow_the_conventions_and_none_is_the_services_too():
    found = flow_metrics(full_life())

    assert [metric.name for metric in found if not metric.samples] == []
    assert {metric.name for metric in found} & SERVICE_METRICS == set()
    assert all(metric.name.startswith("preflight_") for metric in found)
    assert all(metric.name.endswith("_total") == (metric.kind == COUNTER) for metric in found)
    assert len({metric.name for metric in found}) == len(found)


def test_prometheus_reads_what_is_rendered_as_it_was_meant():
    odd = 'a "quoted" \\ back\nslash'
    metrics = [
        Metric("preflight_a", GAUGE, "One", (Sample(0.25, {"feed": odd}), Sample(-3, {"feed": "b"}))),
        Metric("preflight_b_total", COUNTER, "Two", (Sample(1028186),)),
        Metric("preflight_absent", GAUGE, "Three", ()),
    ]

    read = {family.name: family for family in text_string_to_metric_families(render(metrics))}

    assert [(s.labels["feed"], s.value) for s in read["preflight_a"].samples] == [(odd, 0.25), ("b", -3)]
    assert (read["preflight_b"].type, read["preflight_b"].samples[0].value) == ("counter", 1028186)
    assert set(read) == {"preflight_a", "preflight_b"}


def test_no_label_has_many_values():
    assert all(len(metric.samples) <= MOST_VALUES for metric in flow_metrics(full_life()))
    assert {name for metric in flow_metrics(full_life()) for one in metric.samples for name in one.labels} == {
        *("stage", "part", "feed", "outcome", "answers", "window", "feature", "detector"),
    }
