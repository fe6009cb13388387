"""The detection matrix: fault by detector, time to detect, time to recover; as rows, as Markdown, as a page."""

from collections.abc import Sequence

from monitoring.html import page_environment
from practice.drills.runner import Result


def matrix_rows(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """One row a drill: name, detector, seconds until it noticed and until everything was as before, how it went."""
    return [
        (
            one.drill.name,
            one.drill.detector,
            _seconds(one.detect_seconds),
            _seconds(one.recover_seconds),
            "passed" if one.passed else "failed",
        )
        for one in results
    ]


def matrix_page(results: Sequence[Result], minutes: float) -> str:
    """The page, with the timeline of every drill; opens without a network."""
    return page_environment().get_template("drills.html").render(results=results, minutes=minutes)


def matrix_table(results: Sequence[Result], minutes: float) -> str:
    """The page of the documentation."""
    rows = [
        f"| [{one.drill.name}](#{one.drill.name}) | {one.drill.fault} | {one.drill.detector} "
        f"| {_seconds(one.detect_seconds)} | {_seconds(one.recover_seconds)} |"
        for one in results
    ]
    parts = [part for one in results for part in _section(one)]
    return "\n".join([*HEAD, *rows, "", f"All of them took {minutes:.1f} minutes.", "", *parts])


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


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


HEAD = (
    "# Drills",
    "",
    "Faults that are put into a scratch copy of the system, and who notices. Written by",
    "`preflight drill run --all --write docs/drills.md`; seconds are of that run, mostly of commands that start.",
    "`--control` leaves the fault out, `--blind` switches the detector off: then every drill has to fail.",
    "",
    "| drill | fault | has to be noticed by | after s | mended after s |",
    "| --- | --- | --- | ---: | ---: |",
)
