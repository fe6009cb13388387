"""`ask`: the running service about one flight of the plan, its answer drawn in the terminal."""

from datetime import datetime

import polars as pl

from data_checks import schema as s
from infra.errors import PreflightError
from infra.network import LOOPBACK
from infra.settings import Settings
from pipelines.clock import NEW_YORK, Week, parse_day
from pipelines.context import open_context
from pipelines.flight_rows import find_flight
from preflight import show
from services.client import NothingAnswers, ServiceRefused, ask_flight, read_address, served_week
from services.parity import as_message


class OutsideOfTheWeek(PreflightError, LookupError):  # noqa: N818
    """The flight leaves in a week that the running service does not know."""


def ask(settings: Settings, name: str, day: str, origin: str | None, address: str | None, as_json: bool) -> None:
    """Find the flight in the plan, ask, and show the answer. Raises NoSuchFlight, NothingAnswers, ServiceRefused."""
    context, leaves = open_context(settings), parse_day(day)
    (week,) = context.weeks(leaves.isoformat())
    flight = find_flight(context.accepted(s.SCHEDULE, week, 1), name, leaves, origin)
    answer = _ask(read_address(address or f"http://{LOOPBACK}:{settings.port}"), flight, week)
    if not as_json:
        _print(flight.row(0, named=True), answer)
    show.finish(outcome(answer), answer, as_json)


def outcome(answer: dict) -> str:
    """The answer in one line: who says what, the decision, the strongest reason."""
    because = f"; most of all: {answer['reasons'][0]['words']}" if answer["reasons"] else ""
    return (
        f"{answer['flight_id']}: version {answer['model_version']} says {answer['probability_late']:.1%}, "
        f"{_decision(answer)}{because}"
    )


def _ask(address: str, flight: pl.DataFrame, week: Week) -> dict:
    try:
        return ask_flight(address, as_message(flight.row(0, named=True)))
    except ServiceRefused as refusal:
        known = _week_known(address)
        if known in (None, week):
            raise
        raise OutsideOfTheWeek(
            f"{flight[s.FLIGHT_ID].item()} leaves in the week of {week.id}, and the service at {address} serves that "
            f"of {known.id}; run: preflight serve --week {week.id}"
        ) from refusal


def _week_known(address: str) -> Week | None:
    try:
        return served_week(address)
    except (ServiceRefused, NothingAnswers):
        return None


def _decision(answer: dict) -> str:
    return "warn" if answer["is_late"] else "no warning"


def _print(plan: dict, answer: dict) -> None:
    probability, threshold = answer["probability_late"], answer["decision_threshold"]
    facts = [
        ("route", f"{plan[s.ORIGIN]} to {plan[s.DESTINATION]}, {plan[s.DISTANCE]:,.0f} miles"),
        ("departs", f"{_clock(plan[s.SCHEDULED_DEPARTURE])}, arrives {_clock(plan[s.SCHEDULED_ARRIVAL])}"),
        ("late by 15 min or more", show.share_bar(probability, threshold).append(f"  {probability:.1%}", "bold")),
        ("decision", f"{_decision(answer)}: warned from {threshold:.1%}"),
        ("answered by", f"version {answer['model_version']}, {answer['role']}"),
        ("asked as of", _clock(datetime.fromisoformat(answer["as_of"]))),
        ("features", _freshness(answer["features"])),
    ]
    title = f"{plan[s.CARRIER]}{plan[s.FLIGHT_NUMBER]} of {plan[s.FLIGHT_ID][:10]} (times of New York)"
    show.table(title, {"what": "left", "answer": "left"}, facts)
    largest = max((abs(reason["contribution"]) for reason in answer["reasons"]), default=0)
    reasons = [
        (reason["words"], show.signed_bar(reason["contribution"], largest), f"{reason['contribution']:+.2f}")
        for reason in answer["reasons"]
    ]
    columns = {"reason": "left", "in time │ late": "center", "log-odds": "right"}
    show.table("Most of all", columns, reasons or [("nothing speaks for either", "", "")])


def _freshness(features: dict) -> str:
    if features["known_until"] is None:
        return f"{features['mode']}: nothing but the plan was known"
    known = _clock(datetime.fromisoformat(features["known_until"]))
    return f"{features['mode']}: known until {known}, {features['behind_minutes']:.0f} min behind"


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(NEW_YORK):%Y-%m-%d %H:%M}"
