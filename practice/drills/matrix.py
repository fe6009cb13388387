"""The detection matrix: fault by detector, time to detect, time to recover; as rows, as Markdown, as a page."""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.storage import Store
from monitoring.html import page_environment
from practice.drills.results import Record
from practice.drills.runner import Result

SILENT, NOT_RUN = "silent", "not run"


@dataclass(frozen=True)
class Matrix:
    """The last whole run with faults, and beside it those without faults and with detectors off, as far as there are.

    A detector is worth something when it rings in the first and is silent in the other two.
    """

    results: Sequence[Result]
    controls: Sequence[Result] = ()
    blinds: Sequence[Result] = ()

    @property
    def minutes(self) -> float:
        """What the run with faults took, without the life that all drills begin from."""
        return sum(one.seconds for one in self.results) / 60

    def control(self, name: str) -> str:
        """What was heard of the detector without the fault."""
        return _heard(self.controls, name)

    def blind(self, name: str) -> str:
        """What was heard with the detector off."""
        return _heard(self.blinds, name)

    @property
    def words(self) -> str:
        """All of it in one sentence."""
        passed = sum(one.passed for one in self.results)
        left_out = sum(one.is_left_out for one in self.results)
        silent = [sum(one.is_silent for one in runs) for runs in (self.controls, self.blinds)]
        return (
            f"{passed} of {len(self.results)} drills passed{f', {left_out} were left out' if left_out else ''}, in "
            f"{self.minutes:.1f} minutes; without their fault "
            f"{silent[0]} failed for want of a signal, with their detector off {silent[1]}"
        )


def last_matrix(store: Store) -> Matrix:
    """The matrix of the last run with faults that came to its end, none before that; of the others what was played."""
    others = Record(store, control=True), Record(store, blind=True)
    return Matrix(Record(store).ended(), *(one.ended() or one.unfinished() for one in others))


def matrix_rows(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """One row a drill: name, detector, seconds until it noticed and until everything was as before, how it went."""
    return [
        (
            one.drill.name,
            one.drill.detector,
            _seconds(one.detect_seconds),
            _seconds(one.recover_seconds),
            outcome(one),
        )
        for one in results
    ]


def outcome(result: Result) -> str:
    """How it went, in a word or two."""
    if result.is_left_out:
        return "left out"
    return "passed" if result.passed else SILENT if result.is_silent else "failed"


def told_of(result: Result) -> str:
    """How it went, in a sentence: when it was noticed, when all was as before, or why not."""
    if result.problem:
        return f"{outcome(result)}: {result.problem}"
    times = f"noticed after {_seconds(result.detect_seconds)} s, as before after {_seconds(result.recover_seconds)} s"
    return f"passed: {times}; the scratch copy is removed"


def matrix_page(matrix: Matrix) -> str:
    """The page, with the timeline of every drill; opens without a network."""
    return page_environment().get_template("drills.html").render(matrix=matrix, silent=SILENT, outcome=outcome)


def matrix_table(matrix: Matrix) -> str:
    """The page of the documentation."""
    rows = [
        f"| [{one.drill.name}](#{one.drill.name}) | {one.drill.fault} | {one.drill.detector} "
        f"| {_seconds(one.detect_seconds)} | {_seconds(one.recover_seconds)} | {outcome(one)} "
        f"| {matrix.control(one.drill.name)} | {matrix.blind(one.drill.name)} |"
        for one in matrix.results
    ]
    parts = [part for one in matrix.results for part in _section(one)]
    return "\n".join([*HEAD, f"{matrix.words}.", "", *COLUMNS, *rows, "", *parts])


def _section(one: Result) -> list[str]:
    drill = one.drill
    lines = [f"{moment.seconds:7.1f} s  {moment.kind:<9} {moment.words}" for moment in one.moments]
    return [
        f'## {drill.title} <a id="{drill.name}"></a>', "",
        f"`preflight drill run {drill.name}`", "",
        *(f"    {line}" for line in lines), "",
        f"**Response.** {drill.response}.", "",
        f"**First step.** {drill.runbook}.", "",
        f"**In sixty seconds.** {drill.story}", "",
    ]  # fmt: skip


def _heard(runs: Sequence[Result], name: str) -> str:
    found = next((one for one in runs if one.drill.name == name), None)
    if found is None:
        return NOT_RUN
    return "rang" if found.passed else outcome(found)


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


HEAD = (
    "# Drills",
    "",
    "Faults that are put into a scratch copy of the system, and who notices. Written by",
    "`preflight drill run --all --write docs/drills.md`; seconds are of that run, mostly of commands that start.",
    "`--control` leaves the fault out. `--blind` plays it in a copy of our code in which the lines that notice it are",
    "changed, and everything else looks on. In both every drill has to fail, since its signal does not come.",
    "",
)
COLUMNS = (
    "| drill | fault | has to be noticed by | after s | mended after s | outcome | without its fault | detector off |",
    "| --- | --- | --- | ---: | ---: | --- | --- | --- |",
)
