"""How often a canary is stopped: a sound challenger by mistake, and a broken one, after how many of its requests.

`python -m benchmarks.canary_stops --home var`, of a home in which the year was lived: some ten seconds. Failures and
latencies are drawn, at 5 % of requests and one look after every hundred; answers are those of the gate's real pairs,
500 flights at a time.
"""

import sys
from collections.abc import Iterator

import numpy as np

from benchmarks.rival_pairs import RivalPair, lived_context, rival_pairs
from monitoring.figures import share as percent
from preflight import show
from services.guardrails import (
    STEPS,
    ArmFigures,
    Guardrails,
    PairedFigures,
    StageFigures,
    find_breach,
)

RAILS = Guardrails()
TRIALS, LOOK_EVERY = 1000, 100
REQUESTS = round(RAILS.fewest_requests / STEPS[0])
CHAMPION_FAILS = 0.001
CHALLENGER_FAILS = (0.001, 0.005, 0.02, 0.05, 0.2, 1.0)
SLOWER = (1.0, 1.5, 2.0, 3.0)
MEDIAN_MS, SPREAD = 20.0, 0.7
"""Latencies whose logarithm is normal: half are above 20 ms, one of a hundred above 102 ms."""
THRESHOLD = 0.25


def main() -> int:
    """Measure and print."""
    context = lived_context(__doc__)
    dice = np.random.default_rng(2013)
    right = ("stopped", "its requests until then")
    show.table("Failures", _columns("it fails", *right), [_failing(rate, dice) for rate in CHALLENGER_FAILS])
    show.table("Latency", _columns("it takes", "stopped"), [_slower(times, dice) for times in SLOWER])
    pairs = list(rival_pairs(context))
    show.table("Answers", _columns("pair", "gain", "windows", "stopped"), [_answering(pair) for pair in pairs])
    return 0


def stopped_after(fails: float, dice: np.random.Generator) -> int | None:
    """The challenger's requests until its failures stop it, None when the stage comes to its end."""
    theirs = dice.random(REQUESTS) < STEPS[0]
    failed = dice.random(REQUESTS) < np.where(theirs, fails, CHAMPION_FAILS)
    for asked in range(LOOK_EVERY, REQUESTS + 1, LOOK_EVERY):
        arms = [ArmFigures(int(arm.sum()), int(failed[:asked][arm].sum())) for arm in (~theirs[:asked], theirs[:asked])]
        if find_breach(StageFigures(*arms, PairedFigures()), RAILS):
            return arms[1].requests
    return None


def stopped_by_latency(times: float, dice: np.random.Generator) -> bool:
    """Whether a challenger that takes so many times as long is stopped at the end of the stage."""
    counts = (REQUESTS - RAILS.fewest_timed, RAILS.fewest_timed)
    drawn = [
        dice.lognormal(np.log(MEDIAN_MS * by), SPREAD, count) for by, count in zip((1, times), counts, strict=True)
    ]
    arms = [ArmFigures(len(one), 0, len(one), *np.quantile(one, [0.5, 0.99]).tolist()) for one in drawn]
    return find_breach(StageFigures(*arms, PairedFigures()), RAILS) is not None


def stopped_by_answers(pair: RivalPair) -> Iterator[bool]:
    """Whether each 500 flights of a pair would stop it."""
    for start in range(0, len(pair.day) - RAILS.fewest_paired + 1, RAILS.fewest_paired):
        rows = slice(start, start + RAILS.fewest_paired)
        champion, challenger = pair.champion[rows], pair.challenger[rows]
        apart, flipped = challenger - champion, (champion >= THRESHOLD) != (challenger >= THRESHOLD)
        figures = PairedFigures(len(apart), apart.mean(), np.abs(apart).mean(), flipped.mean())
        yield find_breach(StageFigures(ArmFigures(), ArmFigures(), figures), RAILS) is not None


def _failing(rate: float, dice: np.random.Generator) -> tuple:
    found = [stopped_after(rate, dice) for _ in range(TRIALS)]
    stops = [requests for requests in found if requests is not None]
    return percent(rate), percent(len(stops) / TRIALS), f"{np.median(stops):.0f}" if stops else "-"


def _slower(times: float, dice: np.random.Generator) -> tuple:
    return f"{times:g} times as long", percent(np.mean([stopped_by_latency(times, dice) for _ in range(TRIALS)]))


def _answering(pair: RivalPair) -> tuple:
    stops = list(stopped_by_answers(pair))
    return pair.name, f"{pair.gain.mean():+.4f}", len(stops), percent(np.mean(stops))


def _columns(first: str, *others: str) -> dict[str, str]:
    return {first: "left", **dict.fromkeys(others, "right")}


if __name__ == "__main__":
    sys.exit(main())
