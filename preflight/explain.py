"""`explain flight`: the whole way of one flight, from raw rows to the decision. Only reads."""

from dataclasses import asdict
from datetime import datetime

import polars as pl

from data_checks import schema as s
from infra.settings import Settings
from pipelines.clock import NEW_YORK, parse_day
from pipelines.context import open_context
from pipelines.feature_catalog import FEATURES
from pipelines.flight_rows import KnownRows
from pipelines.flight_story import FlightStory, tell_flight
from pipelines.reasons import Reasons, tell_value
from preflight import show


def flight(settings: Settings, name: str, day: str, origin: str | None, version: int | None, as_json: bool) -> None:
    """Explain one flight in tables or as one document."""
    story = tell_flight(open_context(settings), name, parse_day(day), origin, version)
    if not as_json:
        _print(story)
    show.finish(outcome(story), document(story), as_json)


def outcome(story: FlightStory) -> str:
    """The story in one line: probability, decision, the strongest reason, the truth."""
    codes = story.reasons.codes(1)
    because = f", most of all: {codes[0].words}" if codes else ""
    answer = "warn" if story.decision.warn else "no warning"
    return (
        f"{story.flight_id}: version {story.version} says {story.reasons.probability:.1%}, {answer}{because}; "
        f"truth: {story.truth.words}"
    )


def document(story: FlightStory) -> dict:
    """The story as plain values that JSON takes."""
    rows = story.rows
    return {
        "flight_id": story.flight_id,
        "week": story.week,
        "version": story.version,
        "as_of_utc": rows.as_of.isoformat(),
        "rows": {name: _plain(getattr(rows, name)) for name in ("plan", "aircraft", "events", "weather")},
        "reasons": asdict(story.reasons),
        "decision": asdict(story.decision),
        "recorded": asdict(story.recorded) if story.recorded else None,
        "truth": asdict(story.truth),
    }


def _plain(rows: pl.DataFrame) -> list[dict]:
    return [
        {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
        for row in rows.iter_rows(named=True)
    ]


def _print(story: FlightStory) -> None:
    _print_rows(story.rows)
    _print_features(story.reasons)
    _print_groups(story.reasons)
    steps = {"what": "left", "value": "right", "why": "left"}
    show.table(f"From reasons to a decision, version {story.version}", steps, _steps(story))


def _print_rows(rows: KnownRows) -> None:
    plan = rows.plan.row(0, named=True)
    facts = {
        "flight": f"{plan[s.CARRIER]}{plan[s.FLIGHT_NUMBER]}, aircraft {plan[s.TAIL_NUMBER] or 'not known'}",
        "route": f"{plan[s.ORIGIN]} to {plan[s.DESTINATION]}, {plan[s.DISTANCE]:.0f} miles",
        "departs": _clock(plan[s.SCHEDULED_DEPARTURE]),
        "arrives": _clock(plan[s.SCHEDULED_ARRIVAL]),
        "known since": _clock(plan[s.KNOWN_AT]),
        "explained as of": _clock(rows.as_of),
    }
    show.table("The plan (times of New York)", {"what": "left", "value": "left"}, list(facts.items()))
    heard = {row[s.FLIGHT_ID]: [] for row in rows.aircraft.iter_rows(named=True)}
    for event in rows.events.iter_rows(named=True):
        late = "" if event[s.DELAY] is None else f" {event[s.DELAY]:+d} min"
        heard[event[s.FLIGHT_ID]].append(f"{event[s.EVENT]}{late}, known {_clock(event[s.KNOWN_AT])}")
    earlier = [
        (
            row[s.FLIGHT_ID],
            row[s.DESTINATION],
            _clock(row[s.SCHEDULED_DEPARTURE]),
            "\n".join(heard[row[s.FLIGHT_ID]]) or "nothing yet",
        )
        for row in rows.aircraft.iter_rows(named=True)
    ]
    show.table(
        "Its aircraft before",
        {"flight": "left", "to": "left", "planned": "left", "what was heard by then": "left"},
        earlier or [("no flight known", "", "", "")],
    )
    reported = [
        (name, value if not isinstance(value, datetime) else _clock(value))
        for row in rows.weather.iter_rows(named=True)
        for name, value in row.items()
        if value is not None
    ]
    show.table("The last weather report", {"what": "left", "value": "right"}, reported or [("none known", "")])


def _print_features(reasons: Reasons) -> None:
    found = {reason.feature: reason for reason in reasons.features}
    rows = [
        (
            feature.group,
            feature.name,
            tell_value(feature, found[feature.name].value),
            f"{found[feature.name].contribution:+.4f}",
        )
        for feature in FEATURES
    ]
    columns = {"group": "left", "feature": "left", "value": "right", "adds to log-odds": "right"}
    show.table("Features and what each adds, above 0 speaks for late", columns, rows)


def _print_groups(reasons: Reasons) -> None:
    rows = [
        (group.group, f"{group.contribution:+.4f}", group.speaks_for, f"{group.probability_without:.1%}")
        for group in reasons.groups
    ]
    columns = {"group": "left", "adds to log-odds": "right", "speaks for": "left", "probability without it": "right"}
    show.table("Groups, the strongest first", columns, rows)
    show.table("Most of all", {"reason": "left"}, [(reason.words,) for reason in reasons.codes(5)])


def _steps(story: FlightStory) -> list[tuple]:
    reasons, decision = story.reasons, story.decision
    added = sum(reason.contribution for reason in reasons.features)
    steps = [
        ("bias", f"{reasons.bias:+.4f}", "what the model says of a flight without reasons"),
        ("contributions", f"{added:+.4f}", f"the sum of {len(reasons.features)} features"),
        ("log-odds", f"{reasons.score:+.4f}", "the sum of both"),
    ]
    if reasons.additive:
        inside = "no map" if reasons.calibration == "identity" else "inside the contributions, which it scales"
        steps.append(("calibration", reasons.calibration, inside))
    else:
        before = f"{reasons.probability_before:.4f} before it; a step of its own, for it is no sum"
        steps.append(("calibration", reasons.calibration, before))
    steps.append(("probability", f"{reasons.probability:.4f}", "of landing 15 minutes late or more"))
    steps.append(("decision", "warn" if decision.warn else "no warning", decision.reason))
    return [*steps, _recorded_step(story), ("truth", _label(story), story.truth.words)]


def _recorded_step(story: FlightStory) -> tuple:
    recorded = story.recorded
    if recorded is None:
        return ("recorded then", "-", "nothing: the week was learned from")
    other = "another version" if recorded.version != story.version else "by features that were erased since"
    same = f"the same to {recorded.difference:.0e}" if recorded.difference is not None else other
    return ("recorded then", f"{recorded.probability:.4f}", f"by version {recorded.version}: {same}")


def _label(story: FlightStory) -> str:
    return {True: "late", False: "in time", None: "-"}[story.truth.is_late]


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(NEW_YORK):%Y-%m-%d %H:%M}"
