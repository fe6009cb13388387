"""Does a rollout go on, wait or stop? A pure decision on figures of a stage that need no labels, with its reason."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from monitoring.figures import share as percent

WAIT, ADVANCE, STOP, FINISH = "wait", "advance", "stop", "finish"
STEPS = (0.05, 0.25, 0.5, 1.0)


@dataclass(frozen=True)
class ArmFigures:
    """What one model did in a stage: requests it was given, those it failed, and how it answered the others.

    `timed` requests were single predictions, whose latencies are in milliseconds; None where there are none.
    """

    requests: int = 0
    failures: int = 0
    timed: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None
    mean_probability: float | None = None

    @property
    def failure_rate(self) -> float:
        """Share of its requests that it failed, 0 best; 0 for no requests."""
        return self.failures / self.requests if self.requests else 0.0


@dataclass(frozen=True)
class PairedFigures:
    """Flights that both models scored: the challenger's probability less the champion's, and decisions that differ."""

    flights: int = 0
    mean_difference: float = 0.0
    mean_absolute_difference: float = 0.0
    share_flipped: float = 0.0


@dataclass(frozen=True)
class StageFigures:
    """What the log says of one stage of a rollout, from its first request on."""

    champion: ArmFigures
    challenger: ArmFigures
    paired: PairedFigures


@dataclass(frozen=True)
class Guardrails:
    """The bounds of a rollout; where they come from is told in docs/decisions/0020-rollout.md.

    A failure rate is surely higher at `confidence`, one-sided. A latency may be so many times the champion's, and up to
    its floor whatever the champion's is. Differences are of probabilities, and bound what 500 flights average to.
    """

    fewest_requests: int = 500
    fewest_timed: int = 500
    fewest_paired: int = 500
    fewest_failures: int = 3  # one or two are an accident, also of the first request of all
    largest_failure_excess: float = 0.01
    confidence_z: float = 2.326  # one-sided 99 %: it is looked at many times
    largest_p50_ratio: float = 1.5
    p50_floor_ms: float = 10.0
    largest_p99_ratio: float = 2.0
    p99_floor_ms: float = 50.0
    largest_mean_difference: float = 0.125
    largest_mean_absolute_difference: float = 0.15
    largest_share_flipped: float = 0.3


@dataclass(frozen=True)
class RolloutDecision:
    """What to do, the share of requests that is the challenger's from now on, and why."""

    action: str
    share: float
    reason: str


def decide_stage(figures: StageFigures, share: float, guardrails: Guardrails) -> RolloutDecision:
    """Stop on a guardrail that is surely broken, wait until there is enough to see one, else take the next step.

    `figures` are of the stage at this `share` alone; a shadow is the stage at 0. After the step of all requests the
    rollout is finished.
    """
    if broken := find_breach(figures, guardrails):
        return RolloutDecision(STOP, 0.0, broken)
    if missing := next(_missing(figures, share, guardrails), None):
        return RolloutDecision(WAIT, share, missing)
    further = next((step for step in STEPS if step > share), None)
    if further is None:
        return RolloutDecision(FINISH, 1.0, describe(figures))
    return RolloutDecision(ADVANCE, further, describe(figures))


def find_breach(figures: StageFigures, guardrails: Guardrails) -> str | None:
    """The first guardrail that is broken, in words, None when all hold: what stops an A/B or a shadow, too."""
    return next(_breaches(figures, guardrails), None)


def describe(figures: StageFigures) -> str:
    """The figures of a stage in a sentence."""
    champion, challenger, paired = figures.champion, figures.challenger, figures.paired
    return (
        f"the challenger failed {percent(challenger.failure_rate)} of {challenger.requests} requests, the champion "
        f"{percent(champion.failure_rate)} of {champion.requests}; p99 {_ms(challenger.p99_ms)} against "
        f"{_ms(champion.p99_ms)}; on {paired.flights} flights scored by both {paired.mean_difference:+.3f} on average, "
        f"{percent(paired.share_flipped)} of decisions differ"
    )


def failure_excess(challenger: ArmFigures, champion: ArmFigures, z: float) -> float:
    """What the challenger's failure rate exceeds the champion's by at least, at the confidence of `z`.

    Without a request of the champion the excess is over no failures. Source: Newcombe 1998, Statistics in Medicine
    17(8), method 10: the difference of two proportions by Wilson's intervals, which hold for few requests and none
    failed, where the normal approximation does not.
    """
    ours, theirs = challenger.failure_rate, champion.failure_rate
    below = ours - _wilson(challenger, z)[0]
    above = _wilson(champion, z)[1] - theirs if champion.requests else 0.0
    return ours - theirs - math.hypot(below, above)


def _breaches(figures: StageFigures, rails: Guardrails) -> Iterator[str]:
    champion, challenger, paired = figures.champion, figures.challenger, figures.paired
    excess = failure_excess(challenger, champion, rails.confidence_z)
    if challenger.failures >= rails.fewest_failures and excess > rails.largest_failure_excess:
        yield (
            f"failures: the challenger failed {challenger.failures} of {challenger.requests} requests, the champion "
            f"{champion.failures} of {champion.requests}: surely {percent(excess)} more, "
            f"allowed {percent(rails.largest_failure_excess)}"
        )
    if min(champion.timed, challenger.timed) >= max(rails.fewest_timed, 1):
        for name, ours, theirs, ratio, floor in (
            ("p50", challenger.p50_ms, champion.p50_ms, rails.largest_p50_ratio, rails.p50_floor_ms),
            ("p99", challenger.p99_ms, champion.p99_ms, rails.largest_p99_ratio, rails.p99_floor_ms),
        ):
            allowed = max(floor, ratio * theirs)
            if ours > allowed:
                yield f"latency: {name} {_ms(ours)} against {_ms(theirs)} of the champion, allowed {_ms(allowed)}"
    if paired.flights >= max(rails.fewest_paired, 1):
        for name, found, allowed in (
            ("mean difference", abs(paired.mean_difference), rails.largest_mean_difference),
            ("mean absolute difference", paired.mean_absolute_difference, rails.largest_mean_absolute_difference),
            ("share of decisions that differ", paired.share_flipped, rails.largest_share_flipped),
        ):
            if found > allowed:
                yield f"answers: {name} {found:.3f} over {paired.flights} flights, allowed {allowed:g}"


def _missing(figures: StageFigures, share: float, rails: Guardrails) -> Iterator[str]:
    """What there is too little of to go on; with all requests the challenger's there is no champion to wait for."""
    arms = {"challenger": figures.challenger}
    if 0 < share < 1:
        arms["champion"] = figures.champion
    for name, arm in arms.items():
        if arm.requests < rails.fewest_requests:
            yield f"{arm.requests} requests of the {name}, needed {rails.fewest_requests}"
        if share > 0 and arm.timed < rails.fewest_timed:
            yield f"{arm.timed} single predictions of the {name} were timed, needed {rails.fewest_timed}"
    if figures.paired.flights < rails.fewest_paired:
        yield f"{figures.paired.flights} flights were scored by both, needed {rails.fewest_paired}"
    seen = figures.challenger.failure_rate - figures.champion.failure_rate
    if seen > rails.largest_failure_excess:
        yield (
            f"the challenger fails {percent(seen)} more, allowed {percent(rails.largest_failure_excess)}, "
            "and this is not sure yet"
        )


def _wilson(arm: ArmFigures, z: float) -> tuple[float, float]:
    """Where the failure rate of an arm may lie. Source: Wilson 1927, Journal of the American Statistical Assoc. 22."""
    if not arm.requests:
        return 0.0, 1.0
    n, rate = arm.requests, arm.failure_rate
    middle = rate + z**2 / (2 * n)
    reach = z * math.sqrt(rate * (1 - rate) / n + z**2 / (4 * n**2))
    return (middle - reach) / (1 + z**2 / n), (middle + reach) / (1 + z**2 / n)


def _ms(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1f} ms"
