"""Plays a drill in a folder that is gone afterwards, and says how it went; never raises for what went wrong in it."""

import random
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.errors import PreflightError
from infra.proxy_process import ProxyMissing, find_nginx
from practice.drills.ground import Ground
from practice.drills.scene import DETECTED, INJECTED, RECOVERED, Drill, Moment, Scene, SignalMissing
from practice.drills.small_disk import can_mount

SEEDS = 10_000


@dataclass(frozen=True)
class Result:
    """How a drill went: `problem` is None when it passed; seconds are None where that moment did not come."""

    drill: Drill
    moments: tuple[Moment, ...]
    seconds: float
    detect_seconds: float | None
    recover_seconds: float | None
    problem: str | None = None
    is_silent: bool = False
    """Whether it failed because the signal did not come: what has to happen in a control, and with the detector off."""
    is_left_out: bool = False
    """Whether it was not played, as this machine lacks something; `problem` says what."""

    @property
    def passed(self) -> bool:
        """Whether the signal came, the response followed, and everything was as before in the end."""
        return self.problem is None


def play(
    drill: Drill,
    ground: Ground,
    control: bool = False,
    seed: int | None = None,
    on_moment: Callable[[Moment], None] = lambda moment: None,
) -> Result:
    """Play a drill on copies of the ground. What it starts it ends, what it writes is removed.

    A drill that needs what this machine does not have is left out. Without a `seed` one is drawn, and told.
    """
    if missing := missing_tools(drill):
        why = f"{drill.name} is left out: expected {' and '.join(missing)}, this machine has none; get it, play again"
        return Result(drill, (), 0.0, None, None, why, is_left_out=True)
    began, problem, silent = time.monotonic(), None, False
    with tempfile.TemporaryDirectory(prefix=f"preflight-drill-{drill.name}-", ignore_cleanup_errors=True) as scratch:
        scene = Scene(
            drill, Path(scratch), ground, control, random.randrange(SEEDS) if seed is None else seed, on_moment
        )
        try:
            drill.play(scene)
        except PreflightError as error:
            problem, silent = str(error), isinstance(error, SignalMissing)
        except Exception as error:  # a drill with a fault of its own has failed, and the next one is played
            traceback.print_exc()
            problem = f"{drill.name}: {type(error).__name__}: {error}"
    return Result(
        drill=drill,
        moments=tuple(scene.moments),
        seconds=time.monotonic() - began,
        detect_seconds=scene.seconds_between(INJECTED, DETECTED),
        recover_seconds=scene.seconds_between(INJECTED, RECOVERED),
        problem=problem,
        is_silent=silent,
    )


def missing_tools(drill: Drill) -> list[str]:
    """What a drill needs and this machine does not have."""
    return [tool for tool in drill.needs if not (LOOKED_FOR[tool]() if tool in LOOKED_FOR else shutil.which(tool))]


def _has_nginx() -> bool:
    try:
        return bool(find_nginx())
    except ProxyMissing:
        return False


LOOKED_FOR: dict[str, Callable[[], bool]] = {"nginx": _has_nginx, "tmpfs": can_mount}
"""What is no program on PATH: nginx lies beside it for an ordinary user, `tmpfs` is the right to mount one."""
