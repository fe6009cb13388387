"""The score card as a page of the documentation, and as a badge."""

from collections import Counter
from collections.abc import Sequence

from practice.score_card.probe import RAN, READ, Finding, score, section_sums

BOTH = f"{RAN} and {READ}"
SOURCE = "Breck, Cai, Nielsen, Salib, Sculley 2017, *The ML Test Score*, IEEE Big Data"
ZOOMCAMP = (
    ("Problem described", 2, 2, "README.md"),
    ("Cloud", 4, 2, "containers and manifests, never run in a cloud: infra/k8s/README.md"),
    ("Experiments tracked and models registered", 4, 4, "`preflight explain`"),
    ("Workflow orchestration", 4, 4, "`preflight deploy`, prefect.yaml"),
    ("Model deployment", 4, 4, "`docker-compose up -d --build`"),
    ("Model monitoring, with a reaction", 4, 4, "`preflight loop-demo`"),
    ("Reproducibility", 4, 4, "`make demo`, `preflight rebuild --random 20`"),
    ("Best practices: tests, integration test, linter, make, hooks, CI", 7, 7, "`make test`, `make lint`, docs/ci.md"),
)
"""The rubric of DataTalksClub's mlops-zoomcamp: criterion, points there are, points we give ourselves, why."""

HEAD = (
    "| test | points | how | what the probe found, by which command, and where to read on |",
    "| --- | ---: | :--- | --- |",
)


def score_page(findings: Sequence[Finding]) -> str:
    """The page: sums by section, every test with what its probe said and the command that shows it."""
    sums, ways = section_sums(findings), Counter(one.probe.how for one in findings)
    lines = [
        "# Score card", "",
        "Written by `preflight score-card --write docs/score-card.md` on a lived year. How each line came about:",
        "",
        f"- **ran** ({ways[RAN]} lines): the card ran the command, and it said what it has to.",
        f"- **read** ({ways[READ]}): the card read records that the life has left; their command was not run.",
        f"- **ran and read** ({ways[BOTH]}): both.",
        "",
        f"![ML Test Score {score(findings):g}](images/ml-test-score.svg)", "",
        f"The rubric is {SOURCE}: one point for a test that runs by itself, half a point for one that is done by hand.",
        "Here half a point is also for one that passes in part. A system scores what its weakest section scores. It",
        "counts that tests are there, run and pass, not that all is well.",
        "",
        "| section | points of 7 |", "| --- | ---: |",
        *(f"| {name} | {points:g} |" for name, points in sums.items()),
        f"| **the least of them** | **{score(findings):g}** |", "",
    ]  # fmt: skip
    for section in sums:
        lines += [
            f"## {section}",
            "",
            *HEAD,
        ]
        lines += [_row(one) for one in findings if one.probe.section == section]
        lines += [""]
    return "\n".join([*lines, *_zoomcamp(), ""])


def badge(findings: Sequence[Finding]) -> str:
    """An image of the score; it needs no font and no network."""
    value = score(findings)
    colour = "#1b7f4d" if value >= 6 else "#c77700" if value >= 4 else "#b3261e"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="170" height="20" role="img" '
        f'aria-label="ML Test Score {value:g} of 7"><rect width="115" height="20" fill="#444"/>'
        f'<rect x="115" width="55" height="20" fill="{colour}"/><g fill="#fff" text-anchor="middle" '
        'font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"><text x="57" y="14">ML Test Score</text>'
        f'<text x="142" y="14">{value:g} of 7</text></g></svg>\n'
    )


def _row(one: Finding) -> str:
    words = one.told.replace("|", "/")
    evidence = f"[{one.probe.evidence}]({_from_docs(one.probe.evidence)})"
    cells = (
        f"{one.probe.number}. {one.probe.asks}",
        f"{one.points:g}",
        one.probe.how,
        f"{words}<br>`{one.probe.proof}`<br>{evidence}",
    )
    return f"| {' | '.join(cells)} |"


def _from_docs(path: str) -> str:
    return path.removeprefix("docs/") if path.startswith("docs/") else f"../{path}"


def _zoomcamp() -> list[str]:
    rows = [f"| {name} | {there} | {ours} | {why} |" for name, there, ours, why in ZOOMCAMP]
    there, ours = sum(row[1] for row in ZOOMCAMP), sum(row[2] for row in ZOOMCAMP)
    return [
        "## The rubric of the zoomcamp, beside it", "",
        "The scoring sheet of DataTalksClub's mlops-zoomcamp, filled in by us by hand; no probe runs for it.", "",
        "| criterion | there are | ours | why |", "| --- | ---: | ---: | --- |", *rows,
        f"| **all** | **{there}** | **{ours}** | |",
    ]  # fmt: skip
