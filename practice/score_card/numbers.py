"""What a lived year shows of its numbers: that each of them is one, and that quality has held."""

import re
from collections.abc import Iterator
from math import inf, isfinite
from typing import Any

import polars as pl

from infra.segments import segments, whole_lines
from monitoring.decision import Policy, degradation
from monitoring.summary import mean_of
from pipelines.context import Context
from pipelines.incident_log import signals_of
from pipelines.report import year_so_far
from pipelines.week_scoring import PREDICTIONS, YARDSTICKS
from practice.score_card.probe import need
from services.prediction_log import FOLDER as LOG

ANSWERED = re.compile(rb'"probability_late": *([^,}\]]+)')
COLUMNS = {PREDICTIONS: ("probability",), YARDSTICKS: ("frozen", "base_rate")}


def every_number_is_finite(context: Context) -> str:
    """Losses of every search, training and gate are finite; whatever was predicted is from 0 to 1."""
    losses = list(_losses(context))
    need(losses, "no training is on record")
    wrong = [f"{value} of {name}" for name, value in losses if not _is_number(value) or value < 0]
    need(not wrong, f"{len(wrong)} of {len(losses)} log losses are none, the first is {wrong[:1]}")
    said, scored = 0, context.journal.weeks("score")
    for table, columns in COLUMNS.items():
        rows = context.store.read_weeks(table, scored)
        for column in columns:
            bad = rows.height - rows.filter(pl.col(column).is_finite() & pl.col(column).is_between(0, 1)).height
            need(not bad, f"{bad} of {rows.height} {table} have a {column} that is no probability")
            said += rows.height
    answers = [one for line in _logged(context) for one in ANSWERED.findall(line)]
    need(all(map(_is_probability, answers)), "the service has logged an answer that is no probability")
    return (
        f"{len(losses)} log losses of searches, trainings and gates are finite; {said} scored and {len(answers)} "
        "logged probabilities are from 0 to 1"
    )


def quality_has_held(context: Context) -> str:
    """By labels the newest week has lost nothing of what the gate saw, and the year's champion beats the frozen one."""
    decided = context.journal.events("decide")
    need(decided, "no week was decided")
    policy, signals = Policy(), {event["week"]: signals_of(event) for event in decided}
    newest = signals[decided[-1]["week"]]
    need(newest.label_coverage >= policy.lowest_coverage, f"labels of {newest.label_coverage:.0%} of the flights alone")
    lost = {week: words for week, one in signals.items() if (words := degradation(one, policy))}
    need(
        decided[-1]["week"] not in lost, f"in its newest week: {', '.join(lost.get(decided[-1]['week'], {}).values())}"
    )
    months = year_so_far(context).months
    live, frozen = (mean_of(months, answer, "log_loss") or inf for answer in ("live", "frozen"))
    need(live < frozen, f"live log loss is {live:.4f}, of the champion that nobody renewed {frozen:.4f}")
    return (
        f"by labels {len(lost)} of {len(decided)} weeks had lost quality ({', '.join(lost) or 'none'}), the newest has "
        f"not: skill {newest.skill:.3f}, {newest.expected_skill:.3f} promised; log loss of the year {live:.4f}, frozen "
        f"{frozen:.4f}"
    )


def _losses(context: Context) -> Iterator[tuple[str, Any]]:
    for event in context.journal.events("tune"):
        yield from ((f"contender {one['name']}", one["log_loss"]) for one in event["contenders"])
        yield from (
            (f"trial {one['number']}", loss) for one in event["tuning"]["trials"] for loss in one["fold_losses"]
        )
    for event in context.journal.events("train"):
        yield from ((f"version {event['version']}", loss) for loss in event["calibrated_by"]["log_loss"].values())
    for event in context.journal.events("gate"):
        sides = ("challenger", "rival")
        yield from ((f"the gate of version {event['version']}", event["evidence"][side]["log_loss"]) for side in sides)


def _logged(context: Context) -> Iterator[bytes]:
    return (line for segment in segments(context.settings.home / LOG) for line in whole_lines(segment))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and isfinite(value)


def _is_probability(text: bytes) -> bool:
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False
