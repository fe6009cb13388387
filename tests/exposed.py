"""What is exposed to Prometheus: a life whose every metric is known, and the names that the service shows."""

from prometheus_client import REGISTRY

from monitoring.alarms import DETECTORS
from monitoring.flow_metrics import Life
from services import metrics  # noqa: F401 - registers what workers count

SCRAPED = {
    *("preflight_ready", "preflight_log_backlog_bytes", "preflight_log_backlog_limit_bytes"),
    "preflight_flows_written_timestamp_seconds",
}
"""What `services.scraping` adds at the moment of a scrape."""

SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}
SERVICE_METRICS = SCRAPED | {
    family.name + suffix
    for family in REGISTRY.collect()
    if family.name.startswith("preflight_")
    for suffix in SUFFIXES[family.type]
}

WEEK, BEFORE = "2013-07-01", "2013-06-24"
ENDS = {"2013-06-24": 1_000_000.0, "2013-07-01": 1_604_800.0}
QUALITY = {
    **{"roc_auc": 0.75, "log_loss": 0.5, "late_share": 0.25, "brier": 0.17},
    **{"calibration_gap": -0.01, "cost_per_thousand": 420.0},
}


def alarm(detector: str, is_provisional: bool = False) -> dict:
    """An alarm as the weekly event has it."""
    return {
        **{"detector": detector, "subject": "all", "week": WEEK, "value": 1.0, "bound": 0.5, "reason": "too far"},
        "is_provisional": is_provisional,
    }


def measured(week: str = WEEK, **changed: object) -> dict:
    """The weekly event of monitoring, with everything in it."""
    return {
        **{"stage": "monitor", "week": week, "version": 8, "label_coverage": 0.99, "share_drifted": 0.5},
        "quality": {**QUALITY, "flights": 6500.0, "skill": 0.2, "mean_probability": 0.24},
        "recent_quality": {**QUALITY, "flights": 26000.0, "skill": 0.18, "mean_probability": 0.24},
        "drift": {"seats": 0.02, "temperature_f": 0.7},
        "coverage": {"flights": 6600, "able": 6500, "labelled": 6400, "share": 0.98, "is_provisional": False},
        "estimate": {"roc_auc": 0.77, "log_loss": 0.48, "late_share": 0.24},
        **dict.fromkeys(("realised", "frozen", "base_rate"), QUALITY),
        "bands": {"estimate": {"value": 0.48, "lower": 0.4, "upper": 0.6, "subject": "log_loss"}},
        "alarms": [],
    } | changed


def validated(week: str = WEEK, quarantined: int = 1) -> dict:
    """The weekly event of validation: two feeds, rows of the schedule quarantined."""
    schedule = {"landed": 1000, "accepted": 1000 - quarantined, "quarantined": quarantined}
    return {
        **{"stage": "validate", "week": week},
        "feeds": {"schedule": schedule, "weather": {"landed": 500, "accepted": 500, "quarantined": 0}},
    }


def full_life(*events: dict, **changed: object) -> Life:
    """A life of two weeks in which everything has happened that is measured; `events` come in place of its own."""
    own = [
        {"stage": "land", "week": WEEK},
        *(validated(BEFORE, 2), validated()),
        {"stage": "score", "week": WEEK, "flights": 6600},
        *(measured(BEFORE), measured()),
        {"stage": "decide", "week": WEEK, "signals": {"expected_skill": 0.22, "calibration_gap": -0.02}},
        {"stage": "train", "week": BEFORE},
        *({"stage": "gate", "week": week, "promote": week == BEFORE} for week in (BEFORE, WEEK)),
        *({"stage": "promote", "week": week, "promoted": week == BEFORE} for week in (BEFORE, WEEK)),
    ]
    facts = {"champion": 8, "rollbacks": 1, "seconds": {"MLflow": 2.5}, "open_incidents": 0}
    return Life(list(events) or own, ENDS.__getitem__, **facts | changed)


ALL_DETECTORS = set(DETECTORS)
