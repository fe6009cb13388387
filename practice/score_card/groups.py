"""Every group of features weighed on one month, or timed on one week, of a lived year: in a minute, no page is read.

`python -m practice.score_card.groups worth` and `... cost` are what the score card runs. All months, and what a group
takes in memory, are for `preflight features --worth`, which takes many minutes.
"""

import sys
from collections.abc import Collection
from datetime import date

from data_checks import schema as s
from infra.settings import load_settings
from pipelines.backfill import FEATURES
from pipelines.clock import Week
from pipelines.context import Context, open_context
from pipelines.estimators import plain_parameters
from pipelines.feature_catalog import NAMES
from pipelines.group_costs import time_groups
from pipelines.worth import HARMFUL, KEEP, Worth, groups, names_without, score_month, weigh_group, with_labels
from practice.score_card.records import groups_without_evidence

MONTH, WEEK, TREES, REPETITIONS = date(2013, 7, 1), Week(date(2013, 7, 1)), 20, 3


def weigh(context: Context, month: date = MONTH, trees: int = TREES) -> list[Worth]:
    """What one month loses without each group of features, of models that learned from all before it."""
    weeks = [week.id for week in context.all_weeks() if week.start.date() <= month.replace(day=28)]
    last = Week.from_id(weeks[-1])
    labelled = with_labels(context.store.read_weeks(FEATURES, weeks), context.accepted(s.OUTCOMES, last))
    parameters = plain_parameters(context.settings, trees)
    full = score_month(labelled, month, parameters)
    without = {group: score_month(labelled, month, parameters, names_without(group)) for group in groups()}
    return [weigh_group(group, [full], [without[group]], context.settings.seed) for group in groups()]


def told_worth(worths: list[Worth]) -> str:
    """Every group with what is lost without it, and how many harm, in one line."""
    kept, harmful = (sum(one.verdict == verdict for one in worths) for verdict in (KEEP, HARMFUL))
    gains = ", ".join(f"{one.group} {one.log_loss.mean:+.4f}" for one in worths)
    return (
        f"log loss of {MONTH:%B} added without each of {len(worths)} groups of {len(NAMES)} features: {gains}; "
        f"{kept} keep, {len(worths) - kept - harmful} no evidence, {harmful} harmful"
    )


def told_cost(milliseconds: dict[str, float], without_evidence: Collection[str]) -> str:
    """Every group with its milliseconds, their sum, and what groups without evidence of a gain take of it."""
    each, total = ", ".join(f"{group} {spent:.2f}" for group, spent in milliseconds.items()), sum(milliseconds.values())
    idle = sum(milliseconds[group] for group in without_evidence)
    return (
        f"milliseconds for a thousand flights of week {WEEK.id}, by group: {each}, together {total:.2f}; "
        f"{', '.join(without_evidence) or 'none'} without evidence of a gain: {idle / total:.1%} of them"
    )


if __name__ == "__main__":
    lived = open_context(load_settings())
    told = (
        told_worth(weigh(lived))
        if sys.argv[1:] == ["worth"]
        else told_cost(time_groups(lived.world(WEEK), WEEK, REPETITIONS), groups_without_evidence())
    )
    sys.stdout.write(f"{told}\n")
