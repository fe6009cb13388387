"""One test of the ML Test Score as a probe: what is looked at, what it has to show, and what it is worth.

Breck, Cai, Nielsen, Salib, Sculley 2017, The ML Test Score: A Rubric for ML Production Readiness, IEEE Big Data: half a
point for a test that is done by hand with its results written down, one for a test that runs by itself and again; a
section's score is the sum of its seven tests, the system's score the least of its sections.
"""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.errors import PreflightError
from pipelines.context import Context

SECTIONS = ("Data", "Model", "Infra", "Monitor")
BY_ITSELF, IN_PART = 1.0, 0.5
RAN, READ = "ran", "read"
LONGEST_SECONDS = 1200


class NotShown(PreflightError):  # noqa: N818
    """A probe does not find what it looks for."""


@dataclass(frozen=True)
class Probe:
    """A test of the rubric in our words.

    `proof` is the command that shows it. With `says`, what its output has to contain, the card runs it; with a `look`
    the card reads the records of the life, and what was written down of it, and says what it found; with both it does
    both. `evidence` is a file of this repository. `half` says why it is worth only half a point, and what would earn
    the rest: it is done by hand, or passes in part. With `whole`, it is worth all of it once its words contain these.
    """

    section: str
    number: int
    asks: str
    proof: str
    evidence: str
    says: tuple[str, ...] = ()
    look: Callable[[Context], str] | None = None
    half: str = ""
    whole: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Section and number, as in the paper: `Data 1`."""
        return f"{self.section} {self.number}"

    @property
    def how(self) -> str:
        """Whether the card runs the proof, reads records that the life has left, or both."""
        return " and ".join(way for way, is_so in ((RAN, self.says), (READ, self.look)) if is_so)


@dataclass(frozen=True)
class Finding:
    """What a probe found: its points, in words, and how long it took."""

    probe: Probe
    points: float
    words: str
    seconds: float

    @property
    def told(self) -> str:
        """What was found, and why it is only half a point where it is."""
        return f"{self.words}. Half a point: {self.probe.half}" if self.points == IN_PART else self.words


def ask(probe: Probe, context: Context, root: Path) -> Finding:
    """Run a probe on a life; one that does not show what it has to is worth nothing, and says why."""
    began = time.monotonic()
    try:
        if not (root / probe.evidence).exists():
            raise NotShown(f"there is no {probe.evidence}")
        found = [probe.look(context)] if probe.look else []
        ran = [_run(probe, context, root)] if probe.says else []
        words = "; ".join(ran + found)
        is_whole = not probe.half or (probe.whole and all(one in words for one in probe.whole))
        points = BY_ITSELF if is_whole else IN_PART
    except (PreflightError, subprocess.TimeoutExpired) as error:
        words, points = f"not shown: {error}", 0.0
    return Finding(probe, points, words, time.monotonic() - began)


def need(holds: object, sentence: str) -> None:
    """Raise NotShown with the sentence when something does not hold."""
    if not holds:
        raise NotShown(sentence)


def section_sums(findings: Sequence[Finding]) -> dict[str, float]:
    """Points by section, in the order of the paper."""
    return {name: sum(one.points for one in findings if one.probe.section == name) for name in SECTIONS}


def score(findings: Sequence[Finding]) -> float:
    """The system's score: the least of its sections."""
    return min(section_sums(findings).values())


def _run(probe: Probe, context: Context, root: Path) -> str:
    words = shlex.split(probe.proof)
    home = str(context.settings.home) if words[0] == "preflight" or _is_ours(words) else ""
    ours = ["-m", "preflight", "--home", home, *words[1:]] if words[0] == "preflight" else words[1:]
    there = os.environ | ({"PREFLIGHT_HOME": home} if home else {})
    ended = subprocess.run(
        [sys.executable, *ours],
        cwd=root,
        env=there,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    lines = [line for line in (ended.stdout + ended.stderr).splitlines() if line.strip()]
    last = lines[-1].strip("= ") if lines else "nothing was said"
    if ended.returncode != 0:
        raise NotShown(f"`{probe.proof}` ended with {ended.returncode}: {last}")
    said = " ".join(" ".join(lines).split())
    if missing := [one for one in probe.says if one not in said]:
        raise NotShown(f"`{probe.proof}` does not say {missing}")
    return last.replace(f"{home}/", "") if home else last


def _is_ours(words: list[str]) -> bool:
    """Whether a command is a module of the card, which acts on the home of its environment."""
    return words[1:2] == ["-m"] and words[2].startswith("practice.")
