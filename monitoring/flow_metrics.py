"""What the weekly flows recorded, as metrics: the newest event of each stage, and counts over the life. Pure.

Labels are of few values: a feed, a stage, a detector, a feature of the catalogue; never a flight or a tail. What a
home does not know, because it was lived before a release measured it, is absent; a rule then stays silent.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from monitoring.alarms import DETECTORS
from monitoring.exposition import COUNTER, GAUGE, Metric, Sample

ANSWERS = {"live": "realised", "frozen": "frozen", "base_rate": "base_rate", "estimate": "estimate"}
"""Whose quality it is, and under which key the weekly event has it."""

QUALITY = {
    "log_loss": ("preflight_log_loss", "Log loss of the newest week; lower is better"),
    "roc_auc": ("preflight_roc_auc", "Area under the ROC curve of the newest week"),
    "brier": ("preflight_brier_score", "Brier score of the newest week; lower is better"),
    "calibration_gap": ("preflight_calibration_gap", "Mean probability less the share of late flights, newest week"),
    "late_share": ("preflight_late_share_ratio", "Share of late flights, as known or as estimated, newest week"),
    "cost_per_thousand": ("preflight_cost_per_thousand_flights", "What the decisions of a thousand flights cost"),
}
"""Metrics of quality by the key of the weekly event; each is labelled with whose it is."""

SKILL = {"week": "quality", "recent": "recent_quality"}


@dataclass(frozen=True)
class Life:
    """What the records of a home say, newest last; `end_of` gives the end of a week in seconds since 1970.

    `seconds` is where the time of the last command went, by part. `open_incidents` is None where none are kept.
    """

    events: list[dict]
    end_of: Callable[[str], float]
    champion: int | None = None
    rollbacks: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    open_incidents: int | None = None

    def all(self, stage: str) -> list[dict]:
        """The events of a stage, oldest first."""
        return [event for event in self.events if event["stage"] == stage]

    def newest(self, stage: str) -> dict:
        """The newest event of a stage; empty when it has not happened."""
        return (self.all(stage) or [{}])[-1]


def flow_metrics(life: Life) -> list[Metric]:
    """Every metric that the records give, in a stable order."""
    return [metric for part in (_progress, _rows, _quality, _drift, _decision, _versions) for metric in part(life)]


def _progress(life: Life) -> Iterator[Metric]:
    stages = dict.fromkeys(event["stage"] for event in life.events)
    ends = [Sample(life.end_of(life.newest(stage)["week"]), {"stage": stage}) for stage in sorted(stages)]
    yield _gauge("preflight_stage_timestamp_seconds", "End of the newest week that a stage is done with", *ends)
    yield _gauge("preflight_clock_timestamp_seconds", "Now, on the system's own clock", *_end(life, "validate"))
    yield _gauge("preflight_week_flights", "Flights scored in the newest week", *_of(life.newest("score"), "flights"))
    spent = [Sample(seconds, {"part": part}) for part, seconds in sorted(life.seconds.items())]
    yield _gauge("preflight_flow_part_seconds", "Where the time of the last command that ran flows went", *spent)


def _rows(life: Life) -> Iterator[Metric]:
    feeds = sorted(life.newest("validate").get("feeds", {}).items())
    rows = [
        Sample(feed[outcome], {"feed": name, "outcome": outcome})
        for name, feed in feeds
        for outcome in ("accepted", "quarantined")
    ]
    shares = [Sample(feed["quarantined"] / max(feed["landed"], 1), {"feed": name}) for name, feed in feeds]
    yield _gauge("preflight_rows", "Rows of the newest week, by what became of them", *rows)
    yield _gauge("preflight_quarantine_ratio", "Share of the newest week's rows that were quarantined", *shares)
    judged = [feed for event in life.all("validate") for feed in event["feeds"].values()]
    for outcome in ("accepted", "quarantined"):
        total = sum(feed[outcome] for feed in judged)
        yield _counter(f"preflight_{outcome}_rows_total", f"Rows {outcome} in this life", total)


def _quality(life: Life) -> Iterator[Metric]:
    measured = life.newest("monitor")
    answers = {who: measured.get(key, {}) for who, key in ANSWERS.items()}
    answers["live"] = answers["live"] or measured.get("quality", {})
    for key, (name, told) in QUALITY.items():
        yield _gauge(name, told, *(Sample(of[key], {"answers": who}) for who, of in answers.items() if key in of))
    skills = [Sample(measured[key]["skill"], {"window": said}) for said, key in SKILL.items() if measured.get(key)]
    yield _gauge("preflight_skill_ratio", "1 less log loss over the base rate's: 0 useless, 1 perfect", *skills)
    covered = measured.get("coverage", {}).get("share", measured.get("label_coverage"))
    coverage = [] if covered is None else [Sample(covered)]
    yield _gauge("preflight_label_coverage_ratio", "Share of the recent flights whose label is known", *coverage)


def _drift(life: Life) -> Iterator[Metric]:
    measured = life.newest("monitor")
    drifted = _of(measured, "share_drifted")
    yield _gauge("preflight_features_drifted_ratio", "Share of the features that moved from the reference", *drifted)
    distances = [Sample(moved, {"feature": name}) for name, moved in sorted(measured.get("drift", {}).items())]
    yield _gauge("preflight_feature_drift", "How far a feature moved from its reference window", *distances)
    bands = sorted(measured.get("bands", {}).items())
    for key in ("value", "lower", "upper"):
        told = "What a detector measured in the newest week" if key == "value" else f"The {key} end of its band"
        ends = (Sample(of[key], {"detector": who}) for who, of in bands if of[key] is not None)  # None: it has no end
        yield _gauge(f"preflight_detector_{key}", told, *ends)
    alarms = [alarm["detector"] for alarm in measured.get("alarms", []) if not alarm["is_provisional"]]
    counts = [Sample(alarms.count(name), {"detector": name}) for name in DETECTORS] if "alarms" in measured else []
    yield _gauge("preflight_alarms", "Alarms of the newest week that something may be done about", *counts)
    incidents = [] if life.open_incidents is None else [Sample(life.open_incidents)]
    yield _gauge("preflight_open_incidents", "Incidents that are open", *incidents)


def _decision(life: Life) -> Iterator[Metric]:
    signals = life.newest("decide").get("signals", {})
    promised = _of(signals, "expected_skill")
    yield _gauge("preflight_promised_skill_ratio", "Skill that the gate saw in the champion", *promised)
    gap = _of(signals, "calibration_gap")
    yield _gauge("preflight_recent_calibration_gap", "Mean probability less late share, newest four weeks", *gap)


def _versions(life: Life) -> Iterator[Metric]:
    promotions = [event for event in life.all("promote") if event["promoted"]]
    champion = [] if life.champion is None else [Sample(life.champion)]
    since = [Sample(life.end_of(promotions[-1]["week"]))] if promotions else []
    yield _gauge("preflight_champion_version", "Version that is champion by the records", *champion)
    yield _gauge("preflight_promotion_timestamp_seconds", "When a version was promoted last", *since)
    yield _gauge("preflight_judgement_timestamp_seconds", "When a challenger was judged last", *_end(life, "gate"))
    yield _counter("preflight_trainings_total", "Challengers trained in this life", len(life.all("train")))
    yield _counter("preflight_promotions_total", "Versions promoted in this life", len(promotions))
    refused = sum(not event["promote"] for event in life.all("gate"))
    yield _counter("preflight_refusals_total", "Challengers that the gate refused in this life", refused)
    yield _counter("preflight_rollbacks_total", "Times an older version was put back", life.rollbacks)


def _end(life: Life, stage: str) -> list[Sample]:
    newest = life.newest(stage)
    return [Sample(life.end_of(newest["week"]))] if newest else []


def _of(event: dict, key: str) -> list[Sample]:
    return [Sample(event[key])] if key in event else []


def _gauge(name: str, told: str, *samples: Sample) -> Metric:
    return Metric(name, GAUGE, told, samples)


def _counter(name: str, told: str, value: float) -> Metric:
    return Metric(name, COUNTER, told, (Sample(value),))
