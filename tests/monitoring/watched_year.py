"""Builders of what monitoring records of a week, for tests of the page and its pictures."""

from datetime import date, timedelta

METRICS = ("roc_auc", "log_loss", "late_share", "brier", "calibration_gap", "cost_per_thousand")


def monday(number: int) -> str:
    """The Monday so many weeks after 1 April."""
    return (date(2013, 4, 1) + timedelta(weeks=number)).isoformat()


def metrics(log_loss: float = 0.45, gap: float = 0.01, late_share: float = 0.25) -> dict[str, float]:
    """Metrics with labels, those that matter chosen."""
    return dict(zip(METRICS, (0.76, log_loss, late_share, 0.15, gap, 420.0), strict=True))


def monitored(week: str = "2013-04-01", alarms: tuple[dict, ...] = (), **changed: object) -> dict:
    """A monitor event as it is written since there are detectors."""
    event = {
        "stage": "monitor",
        "week": week,
        "version": 1,
        "label_coverage": 0.98,
        "drift": {"temperature_f": 0.9, "carrier": 0.02},
        "coverage": {"flights": 6500, "able": 6400, "labelled": 6300, "share": 0.98, "is_provisional": False},
        "estimate": {"roc_auc": 0.77, "log_loss": 0.44, "late_share": 0.26},
        "realised": metrics(),
        "frozen": metrics(log_loss=0.47, gap=-0.02),
        "intervals": {"roc_auc": [0.73, 0.79], "log_loss": [0.41, 0.49], "late_share": [0.2, 0.3]},
        "alarms": list(alarms),
    }
    return event | changed


def alarm(detector: str = "estimate", week: str = "2013-04-01", **changed: object) -> dict:
    """An alarm as an event has it; `is_true` only where it is given."""
    facts = {"subject": "log_loss", "value": 0.52, "bound": 0.49, "reason": "0.52 above 0.49", "is_provisional": False}
    return {"detector": detector, "week": week, **facts, **changed}


def lived_before(week: str = "2013-04-01") -> dict:
    """A monitor event of a home that was lived before there were detectors."""
    quality = {"roc_auc": 0.75, "log_loss": 0.46, "late_share": 0.2, "calibration_gap": 0.02, "flights": 6000.0}
    return {"stage": "monitor", "week": week, "version": 1, "label_coverage": 0.97, "quality": quality, "drift": {}}


def eventful_year(weeks: int = 39) -> list[dict]:
    """A year with every kind of alarm, and two provisional weeks."""
    kinds = [
        ("estimate", {"is_true": True}),
        ("inputs", {"is_true": False}),
        ("calibration", {"is_true": True}),
        ("quality", {"is_provisional": True}),
        ("volume", {}),
        ("slices", {"is_true": False}),
    ]
    events = []
    for number in range(weeks):
        week, (detector, told) = monday(number), kinds[number % len(kinds)]
        raised = [alarm(detector, week, **told)] if number % 4 == 0 else []
        raised += [alarm("slices", week, subject=f"carrier={name}", **told) for name in ("UA", "EV")][: number % 3]
        few = number in (7, 8)
        coverage = {"flights": 6500, "able": 6400, "labelled": 4000 if few else 6300}
        coverage |= {"share": 0.62 if few else 0.97, "is_provisional": few}
        swing = 0.06 * ((number * 7) % 11 - 5) / 5
        events.append(
            monitored(
                week,
                tuple(raised),
                coverage=coverage,
                estimate={"roc_auc": 0.77 + swing / 3, "log_loss": 0.45 + swing / 2, "late_share": 0.24 + swing / 2},
                realised=metrics(0.45 + swing, swing / 4, 0.24 + swing) | {"roc_auc": 0.76 + swing / 2},
                intervals={
                    "roc_auc": [0.73 + swing / 2, 0.79 + swing / 2],
                    "log_loss": [0.42 + swing, 0.49 + swing],
                    "late_share": [0.2 + swing, 0.28 + swing],
                },
            )
        )
    return events
