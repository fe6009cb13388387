"""`drill list`, `drill run` and `drill card`: faults played in scratch copies, told as timelines and as one matrix."""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.markdown import Markdown

from infra.errors import UsageError
from infra.settings import Settings
from infra.storage import Store, write_atomically
from infra.termination import cleaned_up_on_terminate
from practice.drills.catalog import DRILLS, find_drill
from practice.drills.disarmed import play_disarmed
from practice.drills.ground import FOLDER, Ground
from practice.drills.matrix import last_matrix, matrix_page, matrix_rows, matrix_table, told_of
from practice.drills.results import Record, as_document
from practice.drills.runner import Result, play
from practice.drills.scene import Drill, DrillFailed, Moment
from preflight import show

PAGE = "report/drills.html"
HEADS = {"drill": "left", "noticed by": "left", "after s": "right", "mended after s": "right", "": "left"}


def list_drills(as_json: bool) -> None:
    """Names, faults and detectors."""
    if not as_json:
        columns = {"name": "left", "fault": "left", "has to be noticed by": "left"}
        show.table("Drills", columns, [(one.name, one.fault, one.detector) for one in DRILLS])
    show.finish(
        f"{len(DRILLS)} drills; play one: preflight drill run {DRILLS[0].name}", {"drills": _named(DRILLS)}, as_json
    )


def card(name: str) -> None:
    """One drill to learn from."""
    drill = _require(name)
    text = (
        f"# {drill.title}\n\n**What is broken.** {drill.fault}\n\n**Who notices.** {drill.detector}\n\n"
        f"**What answers by itself.** {drill.response}\n\n**First step.** {drill.runbook}\n\n"
        f"**In sixty seconds.** {drill.story}"
    )
    show.console().print(Markdown(text))


@dataclass(frozen=True)
class Way:
    """How drills are played: as they are, without their fault (`control`), or with their detector off (`blind`)."""

    control: bool = False
    blind: bool = False
    seed: int | None = None

    @property
    def has_to_fail(self) -> bool:
        """Whether the signal has to stay away."""
        return self.control or self.blind


def run(settings: Settings, name: str | None, way: Way, write: Path | None, as_json: bool) -> None:
    """Play one drill or all; all of them go on where they were killed. Raises DrillFailed naming those that did not go
    as they have to, and the one that this machine cannot play."""
    drills = [_require(name)] if name else list(DRILLS)
    record = None if name else Record(Store(settings.home), way.control, way.blind)
    results = _play_all(settings, drills, way, as_json, record)
    if record:
        record.end(results)
        _write_matrix(settings, write)
    if not as_json and not name:
        show.table("Who noticed what", HEADS, matrix_rows(results))
    left_out = [one for one in results if one.is_left_out]
    for one in left_out:
        sys.stderr.write(f"{one.problem}\n")
    wrong = [one for one in results if not _as_it_has_to(one, way.has_to_fail) and not (record and one.is_left_out)]
    if wrong:
        raise DrillFailed("; ".join(one.problem or f"{one.drill.name} passed, and has to fail" for one in wrong))
    outcome = _outcome(results, way)
    show.finish(outcome, {"results": [as_document(one) for one in results]}, as_json)


def _play_all(settings: Settings, drills: list[Drill], way: Way, as_json: bool, record: Record | None) -> list[Result]:
    ground = Ground(settings.home / FOLDER)
    played = {one.drill.name: one for one in (record.unfinished() if record else ())}
    if played and not as_json:
        show.tell(f"{len(played)} drills were played before this run was ended; it goes on")
    with ExitStack() as stack:
        stack.enter_context(cleaned_up_on_terminate())
        advance = stack.enter_context(show.progress(len(drills) + 1, "drills"))
        advance("preparing the life that drills begin from, once: some minutes")
        ground.prepare()
        for drill in drills:
            if drill.name not in played:
                played[drill.name] = _play(drill, ground, way, as_json)
                if record:
                    record.keep(list(played.values()))
            advance(drill.name)
    return [played[drill.name] for drill in drills]


def _play(drill: Drill, ground: Ground, way: Way, as_json: bool) -> Result:
    tell: Callable[[str], None] = (lambda line: None) if as_json else show.tell

    def tell_moment(moment: Moment) -> None:
        tell(f"  {moment.seconds:6.1f} s  {moment.kind:<9} {moment.words}")

    tell(f"\n{drill.title}: {drill.fault}")
    if way.blind:
        result = play_disarmed(drill, ground, tell_moment)
    else:
        result = play(drill, ground, way.control, way.seed, tell_moment)
    tell(f"  {told_of(result)}")
    if not way.has_to_fail:
        tell(f"  First step: {drill.runbook}.\n  In sixty seconds: {drill.story}")
    return result


def _write_matrix(settings: Settings, write: Path | None) -> None:
    matrix = last_matrix(Store(settings.home))
    if not matrix.results:
        sys.stderr.write("no matrix before all drills were run with their faults: preflight drill run --all\n")
        return
    write_atomically(settings.home / PAGE, matrix_page(matrix).encode())
    if write:
        write_atomically(write, matrix_table(matrix).encode())


def _as_it_has_to(result: Result, has_to_be_silent: bool) -> bool:
    return result.is_silent if has_to_be_silent else result.passed


def _outcome(results: list[Result], way: Way) -> str:
    played = [one for one in results if not one.is_left_out]
    minutes = sum(one.seconds for one in played) / 60
    many = f"{len(played)} drills" if len(results) > 1 else results[0].drill.name
    if len(played) < len(results):
        many += f" of {len(results)}, {len(results) - len(played)} left out"
    if way.has_to_fail:
        why = "without their fault" if way.control else "with their detector off"
        return f"{many}, played {why}: failed, as the signal did not come; {minutes:.1f} minutes"
    return f"{many}: every fault caught by its named detector, {minutes:.1f} minutes"


def _named(drills: tuple[Drill, ...]) -> list[dict]:
    return [{name: getattr(one, name) for name in ("name", "title", "fault", "detector", "response")} for one in drills]


def _require(name: str) -> Drill:
    drill = find_drill(name)
    if drill is None:
        raise UsageError(f"expected a drill of `preflight drill list`, got {name!r}")
    return drill
