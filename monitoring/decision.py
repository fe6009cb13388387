"""What to do about a week: wait, watch, retrain, roll back or page. A pure decision; drift alone never triggers.

`RULES` is the whole decision, read from top to bottom: the first rule that has an answer decides.
"""

from dataclasses import dataclass

from monitoring.persistence import Standing

WAIT, WATCH, RETRAIN, ROLL_BACK, PAGE = "wait", "watch", "retrain", "roll_back", "page"
EXPANDING, RECENT = "expanding", "recent"

ASKS_FOR = {
    "skew": PAGE,
    "freshness": PAGE,
    "answers": PAGE,
    "volume": PAGE,
    "quarantine": PAGE,
    "coverage": PAGE,
    "labels": PAGE,
    "slices": PAGE,
    "quality": RETRAIN,
    "calibration": RETRAIN,
    "estimate": RETRAIN,
    "inputs": WATCH,
    "missing": WATCH,
    "predictions": WATCH,
}
"""What the alarm of a detector asks for once it counts.

A serving bug or a broken feed is not cured by training, and labels that changed by themselves have to be
looked at before a model learns them. Inputs alone move every week of this year, by season.
"""

COST = {WATCH: 0.0, RETRAIN: 1.0, ROLL_BACK: 1.0, PAGE: 3.0}
"""What it costs to do it for nothing, in trainings: a page takes a person's morning."""

CHAMPION, FEATURES = "champion", "features"
"""What lost quality and the share of drifted features are about."""

EXACT = frozenset({"skew", "answers"})
"""Detectors that count mismatches, of which there are none unless something is broken: they never cry wolf."""


@dataclass(frozen=True)
class Signals:
    """What is known at the end of a week; `refused_in_a_row` counts challengers with all of history.

    Skills are 1 less log loss over that of the base rate: 0 useless, 1 perfect. `alarms` are those that stand
    at the end of the week. `gain_of_version_before`: log loss that the version before the champion would have saved
    on the flights since the promotion, None when there is none before or the promotion is long ago.
    """

    label_coverage: float
    weeks_since_training: int
    was_refused: bool
    refused_in_a_row: int
    skill: float
    expected_skill: float
    calibration_gap: float
    share_drifted: float
    alarms: tuple[Standing, ...] = ()
    trainings_this_quarter: int = 0
    gain_of_version_before: float | None = None


@dataclass(frozen=True)
class Policy:
    """When to act: `patience` is how many refusals in a row it takes to try forgetting.

    A fresh challenger is due `retrain_every_weeks` after a promotion and `rest_after_refusal_weeks`
    after a refusal; degradation does not wait for that, only for the cooldown. `skill_loss` and
    `calibration_gap` are how much may be lost before it counts as degradation. `false_alarms_per_week` is how often
    a detector leaves its band on a week in which nothing is wrong (19 a year by ten detectors are .04 each, rounded up,
    for neighbouring weeks share their weather: `preflight alarms --calibrate`), `tolerated_per_year` what all needless
    actions of one detector may cost, in trainings. `least_gain` is the log loss that the version before has to save.
    """

    retrain_every_weeks: int = 4
    rest_after_refusal_weeks: int = 2
    cooldown_weeks: int = 2
    patience: int = 4
    lowest_coverage: float = 0.9
    skill_loss: float = 0.1
    calibration_gap: float = 0.06
    share_drifted: float = 0.5
    false_alarms_per_week: float = 0.05
    tolerated_per_year: float = 2.0
    trainings_per_quarter: int = 7
    least_gain: float = 0.004


@dataclass(frozen=True)
class Decision:
    """An action with its reason; `window` is what a challenger would be trained on."""

    action: str
    reason: str
    window: str | None = None


def decide_action(signals: Signals, policy: Policy) -> Decision:
    """The answer of the first rule that has one: never on few labels, never twice within the cooldown."""
    return next(decision for rule in RULES if (decision := rule(signals, policy)))


def weeks_until_it_counts(detector: str, policy: Policy) -> int:
    """How many weeks in a row an alarm has to stand, so that acting on chance costs no more than is tolerated.

    Weeks are taken for independent, which flatters: neighbouring weeks share their weather.

    >>> [weeks_until_it_counts(detector, Policy()) for detector in ("skew", "inputs", "quality", "labels")]
    [1, 1, 2, 2]
    """
    cost = COST[ASKS_FOR[detector]]
    share = 0.0 if detector in EXACT else policy.false_alarms_per_week
    weeks = 1
    while 52 * share**weeks * cost > policy.tolerated_per_year:
        weeks += 1
    return weeks


def counting(signals: Signals, policy: Policy, action: str) -> list[Standing]:
    """The alarms that ask for an action and have stood long enough, on enough labels."""
    return [
        alarm
        for alarm in signals.alarms
        if ASKS_FOR[alarm.detector] == action
        and not alarm.is_provisional
        and alarm.weeks >= weeks_until_it_counts(alarm.detector, policy)
    ]


def degradation(signals: Signals, policy: Policy) -> dict[str, str]:
    """By detector, in words, what the champion has lost of what the gate saw in it; empty when nothing."""
    found = {}
    if signals.expected_skill - signals.skill > policy.skill_loss:
        found["quality"] = f"skill fell to {signals.skill:.3f} from {signals.expected_skill:.3f}"
    if abs(signals.calibration_gap) > policy.calibration_gap:
        found["calibration"] = f"mean probability is {signals.calibration_gap:+.3f} off the late share"
    return found


def what_counts(signals: Signals, policy: Policy) -> list[Standing]:
    """Everything that the week was decided on, one per detector and subject: alarms that count, and what was lost.

    What the champion lost of what the gate saw, and the share of drifted features, count at once.
    """
    found = [alarm for action in (PAGE, RETRAIN, WATCH) for alarm in counting(signals, policy, action)]
    if signals.label_coverage >= policy.lowest_coverage:
        lost = degradation(signals, policy)
        found = [alarm for alarm in found if alarm.detector not in lost]
        found += [Standing(detector, CHAMPION, 1, reason) for detector, reason in lost.items()]
    if signals.share_drifted >= policy.share_drifted:
        found.append(Standing("inputs", FEATURES, 1, f"{signals.share_drifted:.0%} of the features drifted"))
    return found


def _page_what_training_cannot_cure(signals: Signals, policy: Policy) -> Decision | None:
    """Once, in the week in which the alarm begins to count: somebody who was told need not be told every week."""
    alarms = [
        alarm
        for alarm in counting(signals, policy, PAGE)
        if alarm.weeks == weeks_until_it_counts(alarm.detector, policy)
    ]
    return Decision(PAGE, f"{_words(alarms)}; training cures none of it, somebody has to look") if alarms else None


def _wait_for_labels(signals: Signals, policy: Policy) -> Decision | None:
    if signals.label_coverage >= policy.lowest_coverage:
        return None
    return Decision(WAIT, f"labels of {signals.label_coverage:.0%} of the flights, needed {policy.lowest_coverage:.0%}")


def _roll_back_a_bad_promotion(signals: Signals, policy: Policy) -> Decision | None:
    gain = signals.gain_of_version_before
    lost = _lost(signals, policy)
    if not lost or gain is None or gain <= policy.least_gain:
        return None
    return Decision(ROLL_BACK, f"{lost}; the version before would have lost {gain:.4f} less since the promotion")


def _rest_after_a_training(signals: Signals, policy: Policy) -> Decision | None:
    if signals.weeks_since_training >= policy.cooldown_weeks:
        return None
    rest = f"trained {signals.weeks_since_training} week ago, cooldown is {policy.cooldown_weeks}"
    lost = _lost(signals, policy)
    return Decision(WATCH, f"{lost}; {rest}") if lost else Decision(WAIT, rest)


def _keep_to_the_budget(signals: Signals, policy: Policy) -> Decision | None:
    cause = _cause(signals, policy)
    if not cause or signals.trainings_this_quarter < policy.trainings_per_quarter:
        return None
    spent = f"{signals.trainings_this_quarter} trainings in 13 weeks, allowed {policy.trainings_per_quarter}"
    if _lost(signals, policy):
        return Decision(PAGE, f"{cause}; {spent}: training has not cured it, somebody has to look")
    return Decision(WAIT, f"{cause}; {spent}")


def _retrain_what_is_lost_or_old(signals: Signals, policy: Policy) -> Decision | None:
    """When challengers with all of history are refused again and again, the next one is trained on
    the newest weeks alone: perhaps the past is in the way. The gate judges whether forgetting helps.
    """
    cause = _cause(signals, policy)
    if not cause:
        return None
    if signals.refused_in_a_row < policy.patience:
        return Decision(RETRAIN, cause, EXPANDING)
    forget = f"{signals.refused_in_a_row} challengers with all of history were refused, now the newest weeks alone"
    return Decision(RETRAIN, f"{cause}; {forget}", RECENT)


def _watch_what_moves(signals: Signals, policy: Policy) -> Decision | None:
    moved = []
    if signals.share_drifted >= policy.share_drifted:
        moved.append(f"{signals.share_drifted:.0%} of the features drifted")
    if alarms := counting(signals, policy, WATCH):
        moved.append(_words(alarms))
    return Decision(WATCH, f"{'; '.join(moved)}, quality holds") if moved else None


def _wait(signals: Signals, policy: Policy) -> Decision:
    return Decision(WAIT, "quality holds")


RULES = (
    _page_what_training_cannot_cure,
    _wait_for_labels,
    _roll_back_a_bad_promotion,
    _rest_after_a_training,
    _keep_to_the_budget,
    _retrain_what_is_lost_or_old,
    _watch_what_moves,
    _wait,
)


def _cause(signals: Signals, policy: Policy) -> str:
    """Why a training is wanted: something is lost, or the last one is long ago; empty when it is not."""
    due = policy.rest_after_refusal_weeks if signals.was_refused else policy.retrain_every_weeks
    is_due = signals.weeks_since_training >= due
    age = f"last training {signals.weeks_since_training} weeks ago, due after {due}" if is_due else ""
    return _lost(signals, policy) or age


def _lost(signals: Signals, policy: Policy) -> str:
    """What has degraded, in words: beyond the bounds at once, outside of its band after weeks; empty when nothing."""
    found = degradation(signals, policy)
    alarms = [alarm for alarm in counting(signals, policy, RETRAIN) if alarm.detector not in found]
    return " and ".join([*found.values(), *([_words(alarms)] if alarms else [])])


def _words(alarms: list[Standing]) -> str:
    return "; ".join(f"{alarm.detector} {alarm.subject}: {alarm.reason} ({alarm.weeks} weeks)" for alarm in alarms)
