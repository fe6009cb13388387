"""The version before the champion: would it have been better since the promotion, and how it answers again."""

import polars as pl

from data_checks import schema as s
from infra.journal import Journal
from monitoring.labels import IS_LATE, known_labels
from monitoring.quality import day_block_interval, loss_per_row
from pipelines.clock import Week, local_day
from pipelines.context import SWITCH, Context
from pipelines.scoring import PROBABILITY, VERSION, score_flights

WEEKS_ON_PROBATION = 4
"""Weeks after a promotion in which going back is thought of; later, both versions are old, and a training is due."""


def version_before(context: Context) -> int | None:
    """The version that was promoted before the one that answers, None when there is none."""
    promoted, answers = context.promoted_versions(), context.answering_version()
    place = promoted.index(answers) if answers in promoted else 0
    return promoted[place - 1] if place > 0 else None


def gain_of_version_before(context: Context, week: Week) -> float | None:
    """Log loss that it would surely have saved on the flights the champion scored, a lower bound over days.

    The confidence is the gate's. None when nobody was before, or the champion answers for too long.
    """
    before, weeks = version_before(context), _weeks_of_champion(context.journal, week)
    if before is None or not 0 < len(weeks) <= WEEKS_ON_PROBATION:
        return None
    labels = known_labels(context.accepted(s.OUTCOMES, week, len(weeks) + 1), week.end)
    features = context.store.read_weeks("features", [one.id for one in weeks])
    instead = score_flights(context.registry.scorer(before), before, features)
    said = context.store.read_weeks("predictions", [one.id for one in weeks])
    both = (
        said.join(instead.select(s.FLIGHT_ID, pl.col(PROBABILITY).alias("instead")), on=s.FLIGHT_ID)
        .join(labels, on=s.FLIGHT_ID)
        .sort(s.FLIGHT_ID)
        .with_columns(local_day(s.SCHEDULED_DEPARTURE).alias("day"))
    )
    is_late = both[IS_LATE].cast(pl.Int8).to_numpy()
    saved = loss_per_row(both[PROBABILITY].to_numpy(), is_late) - loss_per_row(both["instead"].to_numpy(), is_late)
    settings = context.settings
    return day_block_interval(saved, both["day"].to_numpy(), settings.gate_confidence, settings.seed).lower


def go_back(context: Context, week: Week, reason: str) -> dict:
    """Let the version before answer again: the alias, then the ledger; done again it changes nothing."""
    done = switched_back(context, week.id)
    if done:
        return done
    answers, before = context.answering_version(), version_before(context)
    context.registry.switch(before)
    facts = {"from": answers, "to": before, "week": week.id, "reason": reason}
    return context.ledger.append({"action": SWITCH, "promotions": len(context.promoted_versions()), **facts})


def switched_back(context: Context, week: str) -> dict | None:
    """What the ledger says of going back at the end of a week, None when nobody did."""
    switched = (entry for entry in context.ledger.entries() if entry.get("action") == SWITCH)
    return next((entry for entry in switched if entry.get("week") == week), None)


def _weeks_of_champion(journal: Journal, week: Week) -> list[Week]:
    """The weeks up to this one that the version which scored it has scored without another in between."""
    found: list[Week] = []
    scored = [event for event in journal.events("score") if event["week"] <= week.id]
    for event in reversed(scored):
        if event[VERSION] != scored[-1][VERSION]:
            break
        found.insert(0, Week.from_id(event["week"]))
    return found
