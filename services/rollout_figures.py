"""The figures of a rollout's stage out of lines of the prediction log: what the guardrails look at."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from services.guardrails import ArmFigures, PairedFigures, StageFigures
from services.routing import PINNED

SINGLE = "predict"


@dataclass
class _Tally:
    """What was counted of one model so far."""

    requests: int = 0
    failures: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    probability: list[float] = field(default_factory=list)

    def figures(self) -> ArmFigures:
        times = np.array(self.latencies_ms)
        p50, p99 = np.quantile(times, [0.5, 0.99], method="higher").tolist() if len(times) else (None, None)
        mean = float(np.mean(self.probability)) if self.probability else None
        return ArmFigures(self.requests, self.failures, len(times), p50, p99, mean)


def stage_figures(records: Iterable[dict], champion: int, challenger: int) -> StageFigures:
    """What both versions did, from the log records of a stage, each one answered request.

    A shadow that scored is a request of its version, too, without a latency of its own. A failure is a request of the
    version that failed; the answer that stood in for it took the time of both, and is not timed. Requests that pinned
    a version chose it themselves, and compare nothing: they are left out, as are other versions.
    """
    tallies = {champion: _Tally(), challenger: _Tally()}
    pairs = []
    for record in records:
        if record["role"] == PINNED:
            continue
        for version, failed in _attempts(record):
            if version in tallies:
                tallies[version].requests += 1
                tallies[version].failures += failed
        answered = tallies.get(record["version"])
        if answered is not None:
            answered.probability += [one["probability_late"] for one in answers_of(record)]
            if record["kind"] == SINGLE and record["failed"] is None:
                answered.latencies_ms.append(record["latency_ms"])
        threshold = record["answer"]["decision_threshold"]
        pairs += [(ours, theirs, threshold) for _, ours, theirs in pairs_of(record, champion, challenger)]
    return StageFigures(tallies[champion].figures(), tallies[challenger].figures(), _paired(pairs))


def answers_of(record: dict) -> list[dict]:
    """What a request was answered with, flight by flight."""
    return record["answer"].get("predictions", [record["answer"]])


def pairs_of(record: dict, champion: int, challenger: int) -> list[tuple[str, float, float]]:
    """Flight, the champion's probability and the challenger's, of a request that both scored; else none."""
    shadow = record["shadow"]
    if not shadow or {record["version"], shadow["version"]} != {champion, challenger}:
        return []
    answers = [(one["flight_id"], one["probability_late"]) for one in answers_of(record)]
    both = zip(answers, shadow["probability"], strict=True)
    if record["version"] == champion:
        return [(name, said, beside) for (name, said), beside in both]
    return [(name, beside, said) for (name, said), beside in both]


def _attempts(record: dict) -> Iterator[tuple[int, bool]]:
    """The versions that a request was given to, and whether they failed it."""
    yield record["version"], False
    if record["shadow"]:
        yield record["shadow"]["version"], False
    if record["failed"]:
        yield record["failed"]["version"], True


def _paired(pairs: list[tuple[float, float, float]]) -> PairedFigures:
    """From the champion's probability, the challenger's and the threshold of each flight."""
    if not pairs:
        return PairedFigures()
    champion, challenger, threshold = np.array(pairs).T
    apart = challenger - champion
    flipped = (champion >= threshold) != (challenger >= threshold)
    return PairedFigures(len(pairs), float(apart.mean()), float(np.abs(apart).mean()), float(flipped.mean()))
