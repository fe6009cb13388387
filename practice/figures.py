"""Figures of the last life, by name: what the documents quote, each with the command that shows it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from monitoring.summary import PeriodRow, Year

PAGE = "figures.md"
REPLAY, STATUS, GATE = "preflight replay", "preflight status", "preflight explain"


@dataclass(frozen=True)
class Figure:
    """A number as it is printed, what it is, and the command in whose output it stands."""

    name: str
    value: str
    meaning: str
    command: str


def figures_of(year: Year) -> list[Figure]:
    """The figures of a year that was lived to its end."""
    return [*_of_the_year(year), *_of_months(year.months), *_of_events(year)]


def figures_page(figures: Sequence[Figure]) -> str:
    """The page of all figures; a document quotes one by a link to its name."""
    rows = [f'| <a id="{one.name}"></a>{one.name} | {one.value} | {one.meaning} | `{one.command}` |' for one in figures]
    return "\n".join([*HEAD, *rows, ""])


def read_figures(page: str) -> dict[str, str]:
    """The values of a page of figures, by name.

    >>> read_figures(figures_page([Figure("live_auc", "0.7666", "mean AUC", "preflight replay")]))
    {'live_auc': '0.7666'}
    """
    return dict(re.findall(r'^\| <a id="\w+"></a>(\w+) \| ([^|]+) \|', page, re.MULTILINE))


def wrong_quotes(document: Path, figures: dict[str, str]) -> list[str]:
    """A sentence for each number of a document that is not what stands where it is linked to.

    A number is quoted as a link whose text begins with a digit, a sign or a point: `[0.7666](../figures.md#live_auc)`
    has to be the figure of that name, and `[2.1 %](../gate.md)` has to stand in that page, word for word.
    """
    return [said for quote in _quotes(document) if (said := _wrong(document, quote, figures))]


def _quotes(document: Path) -> Iterator[re.Match[str]]:
    return re.finditer(r"\[([-+.<]?\d(?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^)#:]+\.md)(?:#([\w-]+))?\)", document.read_text())


def _wrong(document: Path, quote: re.Match[str], figures: dict[str, str]) -> str | None:
    said, page, name = quote.groups()
    if Path(page).name == PAGE:
        found = figures.get(name or "")
        return None if said == found else f"{document.name} says {said} for {name}, which is {found}"
    source = document.parent / page
    if not source.exists():
        return f"{document.name} quotes {page}, which is not there"
    there = " ".join(source.read_text().replace("**", "").split())
    stands = re.search(rf"(?<![\w.,]){re.escape(said)}(?![\w]|[.,]\d)", there)
    return None if stands else f"{document.name} says {said}, which does not stand in {page}"


def _of_the_year(year: Year) -> Iterator[Figure]:
    said = year.as_dict()
    for answer, words in (("live", "the live champion"), ("frozen", "the champion of March, frozen")):
        yield Figure(f"{answer}_auc", f"{said['mean_roc_auc'][answer]:.4f}", f"mean monthly AUC of {words}", REPLAY)
    for answer, words in WHO.items():
        loss, cost = said["mean_log_loss"][answer], said["mean_cost_per_thousand"][answer]
        yield Figure(f"{answer}_log_loss", f"{loss:.4f}", f"mean monthly log loss of {words}", REPLAY)
        yield Figure(f"{answer}_cost", f"{cost:.0f}", f"mean decision cost of a thousand flights, {words}", REPLAY)
    flights, labelled = (sum(getattr(row, name) for row in year.months) for name in ("flights", "labelled"))
    yield Figure("flights_scored", f"{flights:,}", "flights scored, April to December", STATUS)
    yield Figure("flights_unlabelled", f"{flights - labelled:,}", "of them cancelled or diverted: no label", STATUS)


def _of_months(months: Sequence[PeriodRow]) -> Iterator[Figure]:
    for row in months:
        month = f"month {row.period}"
        key = row.period.replace("-", "_")
        yield Figure(f"late_{key}", f"{row.live.late_share:.1%}", f"share of late arrivals, {month}", REPLAY)
        yield Figure(f"auc_{key}", f"{row.live.roc_auc:.4f}", f"AUC of the live champion, {month}", REPLAY)
        yield Figure(f"loss_{key}", f"{row.live.log_loss:.4f}", f"log loss of the live champion, {month}", REPLAY)
        yield Figure(f"frozen_loss_{key}", f"{row.frozen.log_loss:.4f}", f"log loss of the frozen one, {month}", REPLAY)
        gap = row.live.mean_probability - row.live.late_share
        yield Figure(f"gap_{key}", f"{gap:+.4f}", f"mean probability minus late share, live, {month}", REPLAY)


def _of_events(year: Year) -> Iterator[Figure]:
    gates, trained = year.of("gate"), year.of("train")
    promoted = sum(gate["promote"] for gate in gates)
    yield Figure("trainings", f"{len(gates)}", "challengers judged by the gate", STATUS)
    yield Figure("promoted", f"{promoted}", "of them promoted", STATUS)
    yield Figure("refused", f"{len(gates) - promoted}", "of them refused", STATUS)
    yield Figure(
        "gate_checks",
        f"{len(gates[-1]['checks'])}",
        "questions of the gate in the event log; it asks one more, of speed, which is never twice the same",
        GATE,
    )
    yield Figure("rows_trained", f"{trained[-1]['rows']:,}", "flights the newest challenger learned from", GATE)
    feeds = [feed for event in year.of("validate") for feed in event["feeds"].values()]
    landed, kept_out = sum(one["landed"] for one in feeds), sum(one["quarantined"] for one in feeds)
    yield Figure("rows_landed", f"{landed:,}", "rows that landed in the year, all feeds", STATUS)
    yield Figure("rows_quarantined", f"{kept_out}", "of them quarantined", "preflight quarantine list")
    actions = [event["action"] for event in year.of("decide")]
    for action in sorted(set(actions)):
        yield Figure(
            f"weeks_{action}", f"{actions.count(action)}", f"weeks whose decision was: {action}", "preflight alarms"
        )
    drifted = [event["share_drifted"] for event in year.of("monitor")]
    middle = sorted(drifted)[len(drifted) // 2]
    meaning = "features drifted by Evidently's rule, median week"
    yield Figure("drifted_median", f"{middle:.0%}", meaning, "preflight monitor 2013-07")


WHO = {"live": "the live champion", "frozen": "the champion of March, frozen", "base_rate": "the base rate"}
HEAD = (
    "# Figures of the last life",
    "",
    "What the pages quote. Written by `preflight figures --write docs/figures.md` from a year that was lived to its",
    "end; a test holds every number that links here, or to a page of measurements, to what stands there.",
    "",
    "| name | value | what it is | shown by |",
    "| --- | ---: | --- | --- |",
)
