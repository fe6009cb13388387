"""`figures` and `interview`: what the pages quote, and their questions asked in the terminal."""

import random
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.markdown import Markdown

from data_checks import schema as s
from infra.errors import PreflightError, UsageError
from infra.settings import Settings
from infra.storage import Store, write_atomically
from pipelines.clock import Week
from pipelines.context import open_context
from practice.figures import figures_of, figures_page
from practice.questions import LEVELS, NOT_TOPICS, Question, plain, read_questions
from preflight import show

PAGES = Path(__file__).resolve().parents[1] / "docs" / "interview"
SCORES = "practice/interview.json"
SAID = {"y": 1.0, "h": 0.5, "n": 0.0}


@dataclass(frozen=True)
class Answered:
    """A question that was answered, and the points that the player gave themselves: 0, a half or 1."""

    topic: str
    title: str
    level: str
    score: float


class NothingToQuote(PreflightError):  # noqa: N818
    """No week has a label yet, so that there is no figure."""


def figures(settings: Settings, groups: bool, write: Path | None, as_json: bool) -> None:
    """Print the figures, or write their page; with `groups` those of each group of flights."""
    from pipelines.report import year_so_far

    if groups:
        _figures_of_groups(settings, write, as_json)
        return
    year = year_so_far(open_context(settings))
    if not year.months or not year.of("gate"):
        raise NothingToQuote(f"expected a year that was lived under {settings.home}, got none; run: preflight demo")
    found = figures_of(year)
    if write:
        write_atomically(write, figures_page(found).encode())
    elif not as_json:
        columns = {"name": "left", "value": "right", "what it is": "left", "shown by": "left"}
        show.table("Figures", columns, [(one.name, one.value, one.meaning, one.command) for one in found])
    where = f" written to {write}" if write else ""
    show.finish(f"{len(found)} figures{where}", {"figures": [asdict(one) for one in found]}, as_json)


def _figures_of_groups(settings: Settings, write: Path | None, as_json: bool) -> None:
    from monitoring.labels import known_labels
    from pipelines.registering import costs_of
    from practice import groups as g

    context = open_context(settings)
    weeks = [event["week"] for event in context.journal.events("score")]
    if not weeks:
        raise NothingToQuote(f"expected a year that was lived under {settings.home}, got none; run: preflight demo")
    last, threshold = Week.from_id(weeks[-1]), costs_of(settings).threshold
    said = context.store.read_weeks("predictions", weeks).select(s.FLIGHT_ID, g.PROBABILITY)
    labels = known_labels(context.accepted(s.OUTCOMES, last), last.end)
    rows = g.with_groups(context.store.read_weeks("features", weeks)).join(said, on=s.FLIGHT_ID)
    measured, left_out = g.measure_groups(rows.join(labels, on=s.FLIGHT_ID), threshold)
    if write:
        write_atomically(write, g.groups_page(measured, left_out, threshold, context.journal.digest()).encode())
    elif not as_json:
        show.table("Groups of flights", g.COLUMNS, [one.cells() for one in measured])
    where = f" written to {write}" if write else ""
    told = [dict(zip(g.COLUMNS, one.cells(), strict=True)) for one in measured]
    show.finish(f"{len(measured)} groups{where}; {len(left_out)} too small", {"groups": told}, as_json)


def interview(
    settings: Settings, topic: str | None, level: str | None, count: int, seed: int | None, listed: bool, as_json: bool
) -> None:
    """Ask, wait, show, keep score."""
    chosen = _choose(read_questions(PAGES), topic, level)
    if listed or as_json:
        _list(chosen, as_json)
        return
    store = Store(settings.home)
    said: list[Answered] = []
    random.Random(seed).shuffle(chosen)
    for number, question in enumerate(chosen[:count], 1):
        show.tell(f"\n{number} of {min(count, len(chosen))} · {question.topic} · {question.level}")
        show.console().print(Markdown(f"**{question.title}**"))
        if _wait("Say your answer aloud, two minutes; Enter shows ours, q ends. ") == "q":
            break
        _show(question)
        score = _ask_score()
        if score is None:
            break
        said.append(Answered(question.topic, question.title, question.level, score))
        _keep(store, said[-1])
    points = sum(one.score for one in said)
    show.finish(f"{points:g} of {len(said)} points; all of your scores: {store.path(SCORES)}", {}, as_json)


def _choose(questions: list[Question], topic: str | None, level: str | None) -> list[Question]:
    topics = sorted({question.topic for question in questions})
    if topic is not None and f"{topic}.md" in NOT_TOPICS:
        raise UsageError(
            f"--topic: {topic} is a page to read, docs/interview/{topic}.md, and none of questions that are asked; "
            f"expected one of {', '.join(topics)}"
        )
    for name, given, known in (("--topic", topic, topics), ("--level", level, LEVELS)):
        if given is not None and given not in known:
            raise UsageError(f"{name}: expected one of {', '.join(known)}, got {given!r}")
    return [one for one in questions if topic in (None, one.topic) and level in (None, one.level)]


def _list(questions: list[Question], as_json: bool) -> None:
    if not as_json:
        rows = [(one.topic, one.level, one.title) for one in questions]
        show.table("Questions", {"topic": "left", "level": "left", "question": "left"}, rows)
    show.finish(f"{len(questions)} questions", {"questions": [asdict(one) for one in questions]}, as_json)


def _show(question: Question) -> None:
    text = "\n\n".join(f"**{name}**\n\n{words}" for name, words in question.parts.items())
    show.console().print(Markdown(plain(text)))


def _ask_score() -> float | None:
    while (said := _wait("Did you say it? y: yes, h: half, n: no, q: end. ")) not in SAID:
        if said == "q":
            return None
    return SAID[said]


def _wait(prompt: str) -> str:
    """What is typed; the end of the input is as good as q."""
    sys.stdout.write(prompt)
    sys.stdout.flush()
    line = sys.stdin.readline()
    return line.strip().lower()[:1] if line else "q"


def _keep(store: Store, said: Answered) -> None:
    """Add an answer to the record: it is the player's, and no part of the life of the system."""
    kept = store.read_json(SCORES) or {"answers": []}
    store.write_json(
        SCORES, {"answers": [*kept["answers"], {**asdict(said), "at": datetime.now(UTC).isoformat("T", "seconds")}]}
    )
