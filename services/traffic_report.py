"""What a replay came to: latency by who answered, statuses, retries, degraded answers, distance from the batch."""

import polars as pl

from infra.http_connection import OK, UNANSWERED
from infra.latency import Latency
from pipelines.asked import FRESH
from pipelines.scoring import VERSION
from services.traffic import FLIGHTS, LATENCY, MODE, RETRIES, ROLE, STATUS, Replayed

ALL = "all answers"


def describe(replayed: list[Replayed], answers: pl.DataFrame) -> dict:
    """What came of replayed weeks, whose answers are one table, as plain values."""
    seconds = sum(week.seconds for week in replayed)
    statuses = answers.group_by(STATUS).len().sort(STATUS)
    degraded = answers.filter(pl.col(MODE) != FRESH).group_by(MODE).agg(pl.col(FLIGHTS).sum()).sort(MODE)
    return {
        "weeks": [week.week.id for week in replayed],
        "flights": int(answers[FLIGHTS].sum()),
        "requests": answers.height,
        "unsent": sum(week.unsent for week in replayed),
        "seconds": seconds,
        "requests_per_second": answers.height / seconds,
        "latency": {name: found.as_dict() for name, found in latencies(answers).items()},
        "statuses": {str(status): count for status, count in statuses.rows()},
        "retries": int(answers[RETRIES].sum()),
        "degraded_flights": dict(degraded.rows()),
        "compared": sum(week.parity.flights for week in replayed),
        "largest_difference": max(week.parity.largest_difference for week in replayed),
    }


def latencies(answers: pl.DataFrame) -> dict[str, Latency]:
    """How long it took: all predictions, those of each version and role, and what gave none, by status."""
    given, none = answers.filter(pl.col(STATUS) == OK), answers.filter(pl.col(STATUS) != OK)
    found = {ALL: given} if given.height else {}
    for (version, role), rows in given.sort(VERSION, ROLE).group_by(VERSION, ROLE, maintain_order=True):
        found[f"version {version}, {role}"] = rows
    for (status,), rows in none.sort(STATUS).group_by(STATUS, maintain_order=True):
        found["no answer" if status == UNANSWERED else f"refused with {status}"] = rows
    return {name: Latency.of(rows[LATENCY].to_numpy()) for name, rows in found.items()}
