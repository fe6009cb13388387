"""The conclusion of a bake-off in words, made of its numbers: nothing is claimed that an interval does not show."""

from collections.abc import Sequence

import numpy as np

from monitoring.bakeoff import Bakeoff, Comparison, Result, Staleness, Verdict
from monitoring.bakeoff_tables import show_gain
from monitoring.day_blocks import Gain

BOUNDS = ("hindsight", "as lived")
TIGHT = "quality-triggered, tight"


def conclude(bakeoff: Bakeoff) -> list[str]:
    """What the year says of each question, one paragraph each; pairs that were not played are left out."""
    found = {(_policy(pair.better), _policy(pair.than), _recipe(pair.better)): pair for pair in bakeoff.comparisons}
    recipes = list(dict.fromkeys(_recipe(pair.better) for pair in bakeoff.comparisons))
    asked = [
        ("Does retraining pay?", [("monthly", "never"), ("gated", "never"), (TIGHT, "never")]),
        ("Does forgetting pay?", [(f"{name} rolling", name) for name in ("monthly", "quality-triggered", "gated")]),
        ("What does the gate do?", [("gated", "monthly"), ("gated", "drift-triggered"), ("gated", TIGHT)]),
    ]
    paragraphs = [say_best(bakeoff)]
    for question, pairs in asked:
        chosen = [found[(*pair, recipe)] for recipe in recipes for pair in pairs if (*pair, recipe) in found]
        if chosen:
            paragraphs.append(f"{question} {' '.join(say_pair(pair) for pair in chosen)}")
    paragraphs += say_idle(bakeoff.results)
    paragraphs += [say_gate(result) for result in bakeoff.results if result.policy == "gated" and result.verdicts]
    across = [pair for pair in bakeoff.comparisons if _policy(pair.better) == _policy(pair.than)]
    if across:
        paragraphs.append(f"Does tuning pay? {' '.join(say_pair(pair) for pair in across)}")
    return [*paragraphs, say_staleness(bakeoff.staleness)] if bakeoff.staleness.ages else paragraphs


def say_best(bakeoff: Bakeoff) -> str:
    """Which policy had the lowest mean log loss, and whether it differs from the plain monthly one."""
    played = [result for result in bakeoff.results if result.policy not in BOUNDS]
    best = min(played, key=lambda result: result.mean("log_loss"))
    said = (
        f"The lowest mean log loss is that of {best.name}: {best.mean('log_loss'):.4f}, AUC "
        f"{best.mean('roc_auc'):.4f}, {best.mean('regret'):.4f} above hindsight, which picks each week's best model by "
        "labels nobody has yet."
    )
    if best.over_monthly is None:
        rivals = [result for result in played if result.over_monthly and result.over_monthly.sign == 0]
        alike = ", ".join(result.name for result in rivals)
        return f"{said} {f'No difference is shown to {alike}.' if rivals else ''}".strip()
    return f"{said} Against plain monthly retraining it {_verb(best.over_monthly)}."


def say_idle(results: Sequence[Result]) -> list[str]:
    """The policies that could have trained and never did, in one sentence; none when there is none."""
    idle = [result.name for result in results if result.policy != "never" and len(result.trained) == 1]
    kept = "kept the first model all year: their trigger was never reached."
    return [f"{_capital(', '.join(idle))} {kept}"] if idle else []


def say_pair(pair: Comparison) -> str:
    """What one policy gains over another, with what the interval shows."""
    if pair.gain == Gain(0.0, 0.0, 0.0):
        return f"{_capital(pair.better)} and {pair.than} gave the same answers."
    shown = {1: "it is better", -1: "it is worse", 0: "no difference is shown"}[pair.gain.sign]
    return f"{_capital(pair.better)} against {pair.than}: {shown}, {show_gain(pair.gain)} in log loss."


def say_gate(result: Result) -> str:
    """How often the gate was right by labels that came later, and the clearest refusal that was."""
    refused = [verdict for verdict in result.verdicts if not verdict.promoted]
    promoted = [verdict for verdict in result.verdicts if verdict.promoted]
    said = (
        f"Was the gate right? Under {result.name} it refused {_share(refused)} and promoted {_share(promoted)}, by the "
        "labels of the four weeks after each verdict; an interval that excludes zero agrees with "
        f"{sum(verdict.is_sure and verdict.was_right for verdict in result.verdicts)} of the verdicts and contradicts "
        f"{sum(verdict.is_sure and not verdict.was_right for verdict in result.verdicts)}."
    )
    right = [verdict for verdict in refused if verdict.was_right and verdict.gain.mean < 0]  # 0: the same model again
    if not right:
        return said
    clearest = min(right, key=lambda verdict: verdict.gain.mean)
    return (
        f"{said} The clearest refusal is that of {clearest.decided_on} (window {clearest.window}): on the "
        f"{clearest.flights:,} flights after it the challenger came to a log loss of {clearest.challenger_loss:.4f}, "
        f"the champion it would have replaced to {clearest.champion_loss:.4f}, {show_gain(clearest.gain)}."
    )


def say_staleness(staleness: Staleness) -> str:
    """From which age on a model is shown to be worse than a fresh one."""
    sure = [age for age in staleness.ages if age.lost.sign > 0]
    oldest = max(staleness.ages, key=lambda age: age.months)
    tried = f"ages of 1 to {oldest.months} months were tried"
    if not sure:
        return f"How fast do models age? At no age is a model shown to be worse than a fresh one ({tried})."
    first = min(sure, key=lambda age: age.months)
    worst = max(sure, key=lambda age: age.lost.mean)
    return (
        f"How fast do models age? From {_months(first.months)} on a model is shown to be worse than a fresh one of the "
        f"same month: {show_gain(first.lost)} at {_months(first.months)} ({first.models} models), at most "
        f"{show_gain(worst.lost)} at {_months(worst.months)} ({worst.models} models); {tried}."
    )


def _share(verdicts: Sequence[Verdict]) -> str:
    right = sum(verdict.was_right for verdict in verdicts)
    mean = f", mean gain of the challengers {np.mean([one.gain.mean for one in verdicts]):+.4f}" if verdicts else ""
    return f"{len(verdicts)} (rightly {right}{mean})"


def _verb(gain: Gain) -> str:
    words = {1: "gains", -1: "loses", 0: "shows no difference,"}[gain.sign]
    return f"{words} {show_gain(gain)}"


def _months(number: int) -> str:
    return f"{number} month{'' if number == 1 else 's'}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _policy(name: str) -> str:
    return name.rpartition(" (")[0]


def _recipe(name: str) -> str:
    return name.rpartition(" (")[2].removesuffix(")")
