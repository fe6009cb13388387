"""The policies of a bake-off: what each decides at the end of a week, by what is known then and no further."""

from dataclasses import replace

from monitoring.decision import EXPANDING, RECENT, RETRAIN, WAIT, Decision, Policy, decide_action
from pipelines.bakeoff_arena import Arena, Contender, Standing, signals_of
from pipelines.clock import Week

NEVER_DUE = 10**6
TIGHTER = 1 / 3
"""Share of the project's bounds at which the tight quality trigger fires: theirs are never reached in this year."""

NEVER, MONTHLY, MONTHLY_ROLLING = "never", "monthly", "monthly rolling"
DRIFT, QUALITY, QUALITY_ROLLING = "drift-triggered", "quality-triggered", "quality-triggered rolling"
TIGHT, GATED, GATED_ROLLING = "quality-triggered, tight", "gated", "gated rolling"


def never(arena: Arena, standing: Standing, week: Week) -> Decision:
    """The model of the first day for good."""
    return Decision(WAIT, "never")


def monthly(arena: Arena, standing: Standing, week: Week) -> Decision:
    """Train when the next week begins with the first Monday of a month."""
    due = week.plus(1).monday.day <= 7
    return Decision(RETRAIN, "the first Monday of the month", EXPANDING) if due else Decision(WAIT, "not due")


def when_drifted(arena: Arena, standing: Standing, week: Week) -> Decision:
    """Train when as many features have drifted as the project watches at, and the last training was not just now."""
    if standing.weeks_since_training(week) < arena.policy.cooldown_weeks:
        return Decision(WAIT, "trained just now")
    share = arena.share_drifted(standing.champion, week)
    action = RETRAIN if share >= arena.policy.share_drifted else WAIT
    return Decision(action, f"{share:.0%} of the features drifted, bound {arena.policy.share_drifted:.0%}", EXPANDING)


def when_degraded(arena: Arena, standing: Standing, week: Week) -> Decision:
    """Train on lost skill or calibration alone, however old the champion is."""
    return decide_action(signals_of(arena, standing, week), _patient(arena.policy))


def when_degraded_a_little(arena: Arena, standing: Standing, week: Week) -> Decision:
    """As `when_degraded`, with a third of the bounds."""
    policy = _patient(arena.policy)
    tight = replace(policy, skill_loss=TIGHTER * policy.skill_loss, calibration_gap=TIGHTER * policy.calibration_gap)
    return decide_action(signals_of(arena, standing, week), tight)


def as_the_project(arena: Arena, standing: Standing, week: Week) -> Decision:
    """The project's own decision: lost quality or age."""
    return decide_action(signals_of(arena, standing, week), arena.policy)


def _patient(policy: Policy) -> Policy:
    """The policy without its calendar: no challenger is ever due."""
    return replace(policy, retrain_every_weeks=NEVER_DUE, rest_after_refusal_weeks=NEVER_DUE)


CONTENDERS = (
    Contender(NEVER, never),
    Contender(MONTHLY, monthly),
    Contender(MONTHLY_ROLLING, monthly, RECENT),
    Contender(DRIFT, when_drifted),
    Contender(QUALITY, when_degraded),
    Contender(QUALITY_ROLLING, when_degraded, RECENT),
    Contender(TIGHT, when_degraded_a_little),
    Contender(GATED, as_the_project, gated=True),
    Contender(GATED_ROLLING, as_the_project, RECENT, gated=True),
)
