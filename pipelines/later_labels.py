"""What the weeks after a verdict of the gate said of it, by labels that the gate could not know."""

from datetime import date, timedelta

import numpy as np

from data_checks import schema as s
from infra.stopwatch import part
from monitoring.bakeoff import Flights, Verdict
from monitoring.bakeoff_measures import judge_verdict
from monitoring.bakeoff_tables import show_gain
from pipelines.clock import Week, local_day, midnight
from pipelines.context import Context
from pipelines.encoding import encode_features
from pipelines.fitting import labels_of
from pipelines.protocol import Slices
from pipelines.rows import labelled_rows
from pipelines.training import departing

WEEKS_AFTER = 4
"""Weeks after a verdict whose labels say whether it was right."""


def judge_later(context: Context, record: dict) -> Verdict | None:
    """Candidate and champion on the flights of the four weeks after the gate's record, as far as they are labelled now.

    Neither has learned from them. None for the first champion, whose rival was no model, and while no flight after
    the verdict has a label.
    """
    newest = Week.from_id(context.journal.events("monitor")[-1]["week"])
    start = midnight(date.fromisoformat(record["decided_on"]))
    if record["champion"] is None or newest.end <= start:
        return None
    now = Slices(start, (), newest.end, newest.end, newest.end)
    rows = departing(labelled_rows(context, newest, now), start, start + timedelta(weeks=WEEKS_AFTER))
    encoded = encode_features(rows)
    with part("MLflow"):
        challenger, champion = (context.registry.scorer(record[name]) for name in ("version", "champion"))
    day = rows.select(local_day(s.SCHEDULED_DEPARTURE)).to_series().to_numpy()
    return judge_verdict(
        {
            "decided_on": record["decided_on"],
            "promoted": record["promote"],
            "reason": record["reason"],
            "window": record["window"],
        },
        challenger.probability(encoded),
        champion.probability(encoded),
        Flights(labels_of(rows), day, np.zeros(len(day))),
        context.settings.seed,
    )


def say_later(verdict: Verdict) -> str:
    """The same in a sentence."""
    stands = "right" if verdict.was_right else "wrong"
    sure = "" if verdict.is_sure else ", which the days do not show with confidence"
    return (
        f"on the {verdict.flights:,} flights of the weeks after, the candidate came to a log loss of "
        f"{verdict.challenger_loss:.4f}, the champion before to {verdict.champion_loss:.4f}, a gain of "
        f"{show_gain(verdict.gain)}: the verdict was {stands}{sure}"
    )
