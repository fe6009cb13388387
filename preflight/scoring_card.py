"""`score-card`: the 28 probes run on a lived year, summed up, and written as a page and a badge."""

from dataclasses import asdict
from pathlib import Path

from infra.errors import PreflightError
from infra.settings import Settings
from infra.storage import write_atomically
from pipelines.context import open_context
from practice.score_card.page import badge, score_page
from practice.score_card.probe import Finding, ask, score, section_sums
from practice.score_card.table import PROBES
from preflight import show

ROOT = Path(__file__).resolve().parents[1]
BADGE = "images/ml-test-score.svg"
LEAST = 6.0


class ScoreTooLow(PreflightError):  # noqa: N818
    """A section of the ML Test Score is under what this repository promises."""


def score_card(settings: Settings, write: Path | None, as_json: bool) -> None:
    """Run every probe. Raises ScoreTooLow naming what was not shown."""
    context, findings = open_context(settings), []
    with show.progress(len(PROBES), "probes") as advance:
        for probe in PROBES:
            advance(f"{probe.name}: {probe.asks}")
            findings.append(ask(probe, context, ROOT))
    sums, least = section_sums(findings), score(findings)
    if write:
        write_atomically(write, score_page(findings).encode())
        write_atomically(write.parent / BADGE, badge(findings).encode())
    if not as_json:
        columns = {"test": "left", "asks": "left", "points": "right", "how": "left", "found": "left"}
        show.table("The ML Test Score", columns, [_row(one) for one in findings])
    missed = [one.probe.name for one in findings if one.points == 0]
    said = ", ".join(f"{name} {points:g}" for name, points in sums.items())
    if least < LEAST:
        raise ScoreTooLow(
            f"expected at least {LEAST:g} of 7 in each section, got {said}; not shown: {', '.join(missed)}"
        )
    document = {"sections": sums, "score": least, "findings": [_document(one) for one in findings]}
    show.finish(
        f"ML Test Score {least:g} of 7: {said}" + (f"; not shown: {', '.join(missed)}" if missed else ""),
        document,
        as_json,
    )


def _row(one: Finding) -> tuple[str, str, str, str, str]:
    return one.probe.name, one.probe.asks, f"{one.points:g}", one.probe.how, one.told


def _document(one: Finding) -> dict:
    probe = {name: value for name, value in asdict(one.probe).items() if name != "look"}
    return {**probe, "how": one.probe.how, "points": one.points, "words": one.words, "seconds": one.seconds}
