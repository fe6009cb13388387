"""Commands people learn with: what they are called and what they may be told. Tools are imported inside commands."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

Json = Annotated[bool, typer.Option("--json", help="print one JSON document instead of tables")]


@app.command()
def figures(
    context: typer.Context,
    groups: Annotated[bool, typer.Option("--groups", help="how each group of flights fared instead")] = False,
    write: Annotated[Path | None, typer.Option(help="page to write, docs/figures.md or docs/groups.md")] = None,
    as_json: Json = False,
) -> None:
    """The figures of the life so far, by name: what the documents quote, each with the command that shows it."""
    from preflight import practice

    practice.figures(context.obj, groups, write, as_json)


@app.command()
def interview(
    context: typer.Context,
    topic: Annotated[str | None, typer.Option(help="page of docs/interview/: calibration; default: all")] = None,
    level: Annotated[str | None, typer.Option(help="junior, mid or senior; default: all")] = None,
    count: Annotated[int, typer.Option(help="questions to ask", min=1, max=200)] = 5,
    seed: Annotated[int | None, typer.Option(help="of their order; default: another each time", min=0)] = None,
    listed: Annotated[bool, typer.Option("--list", help="list the questions instead of asking")] = False,
    as_json: Json = False,
) -> None:
    """Ask interview questions, wait for your answer, show ours with what proves it, and keep your score."""
    from preflight import practice

    practice.interview(context.obj, topic, level, count, seed, listed, as_json)


@app.command()
def tour(
    context: typer.Context,
    minutes: Annotated[int, typer.Argument(metavar="[5|15|45]", help="how long it may take")] = 15,
    yes: Annotated[bool, typer.Option("--yes", help="do not wait before each step")] = False,
    again: Annotated[bool, typer.Option("--again", help="from the first step, wherever you left")] = False,
) -> None:
    """Walk through the living system: what we do, the command, its real output, how to check it, what to say."""
    from practice.tour import MINUTES
    from preflight import touring

    if minutes not in MINUTES:
        raise typer.BadParameter(f"expected {', '.join(map(str, MINUTES))}, got {minutes}")
    touring.tour(context.obj, minutes, yes, again)


@app.command("score-card")
def score_card(
    context: typer.Context,
    write: Annotated[Path | None, typer.Option(help="page to write, docs/score-card.md, with its badge")] = None,
    as_json: Json = False,
) -> None:
    """The ML Test Score: 28 probes of a lived year, summed by section; the least is the score. Some minutes."""
    from preflight import scoring_card

    scoring_card.score_card(context.obj, write, as_json)
