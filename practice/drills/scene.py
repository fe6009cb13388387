"""What a drill is, and the scene it is played on: a scratch home, a clock, and what happened when."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from infra.errors import PreflightError
from practice.drills.code import Change
from practice.drills.ground import Ground, Played

T = TypeVar("T")

INJECTED, DETECTED, RESPONDED, RECOVERED, HELD = "injected", "detected", "response", "recovered", "holds"
LOOK_SECONDS = 0.2


class DrillFailed(PreflightError):  # noqa: N818
    """A drill did not go as it has to."""


class SignalMissing(DrillFailed):
    """The signal that has to follow a fault did not come."""


class InvariantBroken(DrillFailed):
    """What has to hold in spite of a fault did not."""


@dataclass(frozen=True)
class Drill:
    """A fault with its named detector; `play` puts it in, waits for the signal, checks what follows, and mends.

    `runbook` is the first step of the person who is paged, a command in it. `story` is what to say of it in sixty
    seconds. `disarm` is what switches its detector off in a copy of our code, where the drill has to fail. `needs`
    names what the drill cannot do without on this machine: `nginx`.
    """

    name: str
    title: str
    fault: str
    detector: str
    response: str
    runbook: str
    story: str
    play: "Callable[[Scene], None]"
    disarm: tuple[Change, ...]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Moment:
    """One line of the timeline: seconds since the drill began, what kind of thing happened, in words."""

    seconds: float
    kind: str
    words: str


@dataclass
class Scene:
    """A drill that is being played.

    `control` leaves the fault out: the drill has to fail, as nothing is there to be detected. `seed` is what a drill
    draws from that draws, so that it can be played again as it was.
    """

    drill: Drill
    folder: Path
    ground: Ground
    control: bool = False
    seed: int = 0
    on_moment: Callable[[Moment], None] = lambda moment: None
    moments: list[Moment] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    def copy(self, name: str = "home") -> Played:
        """A copy of the ground to break: a life of some weeks, with a champion that serves."""
        return self.ground.copy(self.folder / name)

    def inject(self, words: str, action: Callable[[], T], harmless: Callable[[], object] = lambda: None) -> T | None:
        """Put the fault in; the time to detect it begins as it begins.

        In the control what is `harmless` happens in its place: the same kind of thing, as it should be, so that the
        detector has something to look at and to be silent about.
        """
        self._note(INJECTED, "nothing: this is the control" if self.control else words)
        if self.control:
            harmless()
            return None
        return action()

    def detect(self, look: Callable[[], T | None], words: str | Callable[[T], str], within_seconds: float = 0) -> T:
        """What the detector says, as soon as it says something. Raises SignalMissing when it says nothing in time."""
        found = self.wait(look, within_seconds)
        if not found:
            raise SignalMissing(f"{self.drill.name}: {self.drill.detector} said nothing")
        self._note(DETECTED, words if isinstance(words, str) else words(found))
        return found

    def respond(self, holds: object, words: str) -> None:
        """Note an automatic response. Raises InvariantBroken when it did not come."""
        self._require(holds, f"the response did not come: {words}")
        self._note(RESPONDED, words)

    def require(self, holds: object, words: str) -> None:
        """Note what holds in spite of the fault. Raises InvariantBroken when it does not."""
        self._require(holds, f"it does not hold: {words}")
        self._note(HELD, words)

    def recover(self, holds: object, words: str) -> None:
        """Note that everything is as it was before. Raises InvariantBroken when it is not."""
        self._require(holds, f"it did not recover: {words}")
        self._note(RECOVERED, words)

    def wait(self, look: Callable[[], T], seconds: float) -> T:
        """What `look` returns as soon as that is something, else what it returned last."""
        deadline = time.monotonic() + seconds
        while not (found := look()) and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        return found

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Begin the clock with this block."""
        self._began = time.monotonic()
        yield

    def seconds_between(self, first: str, last: str) -> float | None:
        """Seconds from the first moment of a kind to the first of another after it; None when one did not come."""
        start = next((one.seconds for one in self.moments if one.kind == first), None)
        end = next((one.seconds for one in self.moments if one.kind == last and one.seconds >= (start or 0)), None)
        return None if start is None or end is None else end - start

    def _require(self, holds: object, sentence: str) -> None:
        if not holds:
            raise InvariantBroken(f"{self.drill.name}: {sentence}")

    def _note(self, kind: str, words: str) -> None:
        self.moments.append(Moment(time.monotonic() - self._began, kind, words))
        self.on_moment(self.moments[-1])
