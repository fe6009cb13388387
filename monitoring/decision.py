"""What to do about a week: wait, watch or retrain. A pure decision; drift alone never triggers, lost quality does."""

from dataclasses import dataclass

WAIT, WATCH, RETRAIN = "wait", "watch", "retrain"
EXPANDING, RECENT = "expanding", "recent"


@dataclass(frozen=True)
class Signals:
    """What is known at the end of a week; `refused_in_a_row` counts challengers with all of history.

    Skills are 1 less log loss over that of the base rate: 0 useless, 1 perfect.
    """

    label_coverage: float
    weeks_since_training: int
    was_refused: bool
    refused_in_a_row: int
    skill: float
    expected_skill: float
    calibration_gap: float
    share_drifted: float


@dataclass(frozen=True)
class Policy:
    """When to act: `patience` is how many refusals in a row it takes to try forgetting.

    A fresh challenger is due `retrain_every_weeks` after a promotion and `rest_after_refusal_weeks`
    after a refusal; degradation does not wait for that, only for the cooldown. `skill_loss` and
    `calibration_gap` are how much may be lost before it counts as degradation.
    """

    retrain_every_weeks: int = 2
    rest_after_refusal_weeks: int = 3
    cooldown_weeks: int = 2
    patience: int = 4
    lowest_coverage: float = 0.9
    skill_loss: float = 0.1
    calibration_gap: float = 0.06
    share_drifted: float = 0.5


@dataclass(frozen=True)
class Decision:
    """An action with its reason; `window` is what a challenger would be trained on."""

    action: str
    reason: str
    window: str | None = None


def decide_action(signals: Signals, policy: Policy) -> Decision:
    """Retrain on lost quality or old age, never on few labels, never twice within the cooldown.

    When challengers with all of history are refused again and again, the next one is trained on
    the newest weeks alone: perhaps the past is in the way. The gate judges whether forgetting helps.
    """
    if signals.label_coverage < policy.lowest_coverage:
        return Decision(
            WAIT, f"labels of {signals.label_coverage:.0%} of the flights, needed {policy.lowest_coverage:.0%}"
        )
    degraded = _degradation(signals, policy)
    if signals.weeks_since_training < policy.cooldown_weeks:
        rest = f"trained {signals.weeks_since_training} week ago, cooldown is {policy.cooldown_weeks}"
        return Decision(WATCH, f"{degraded}; {rest}") if degraded else Decision(WAIT, rest)
    due = policy.rest_after_refusal_weeks if signals.was_refused else policy.retrain_every_weeks
    if degraded or signals.weeks_since_training >= due:
        cause = degraded or f"last training {signals.weeks_since_training} weeks ago, due after {due}"
        if signals.refused_in_a_row < policy.patience:
            return Decision(RETRAIN, cause, EXPANDING)
        forget = f"{signals.refused_in_a_row} challengers with all of history were refused, now the newest weeks alone"
        return Decision(RETRAIN, f"{cause}; {forget}", RECENT)
    if signals.share_drifted >= policy.share_drifted:
        return Decision(WATCH, f"{signals.share_drifted:.0%} of the features drifted, quality holds")
    return Decision(WAIT, "quality holds")


def _degradation(signals: Signals, policy: Policy) -> str:
    """What has degraded, in words; empty when nothing has."""
    found = []
    if signals.expected_skill - signals.skill > policy.skill_loss:
        found.append(f"skill fell to {signals.skill:.3f} from {signals.expected_skill:.3f}")
    if abs(signals.calibration_gap) > policy.calibration_gap:
        found.append(f"mean probability is {signals.calibration_gap:+.3f} off the late share")
    return " and ".join(found)
