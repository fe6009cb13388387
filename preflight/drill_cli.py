"""`preflight drill ...`: what may be drilled, and what each command may be told. Tools are imported inside commands."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="drill", help="Break a scratch copy of the system on purpose: who notices, what answers, what mends."
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="a drill of `preflight drill list`")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON document instead of tables")]


@app.command("list")
def list_drills(context: typer.Context, as_json: Json = False) -> None:
    """Every drill: the fault, and the detector that has to notice it."""
    from preflight import drilling

    drilling.list_drills(as_json)


@app.command("run")
def run(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="a drill of `preflight drill list`")] = None,
    everything: Annotated[bool, typer.Option("--all", help="all of them, then the detection matrix as a page")] = False,
    control: Annotated[bool, typer.Option("--control", help="leave the fault out: the drill has to fail")] = False,
    blind: Annotated[
        bool, typer.Option("--blind", help="play it in a copy of the code with its detector off: it has to fail")
    ] = False,
    seed: Annotated[int | None, typer.Option(help="of NAME: draw as that run did which told this seed")] = None,
    write: Annotated[Path | None, typer.Option(help="of --all: table to write as well, docs/drills.md")] = None,
    as_json: Json = False,
) -> None:
    """Put the fault in, wait for the signal, check response and invariants, mend; without its signal a drill fails."""
    if everything == bool(name):
        raise typer.BadParameter("give a NAME, or --all")
    if control and blind:
        raise typer.BadParameter("give --control or --blind, not both: each has to fail by itself")
    if write and name:
        raise typer.BadParameter("--write is of --all: the page is about all drills")
    if seed is not None and (everything or blind):
        raise typer.BadParameter("--seed is of a NAME, with its fault or without it: the others draw anew")
    from preflight import drilling

    drilling.run(context.obj, name, drilling.Way(control, blind, seed), write, as_json)


@app.command("card")
def card(context: typer.Context, name: Name) -> None:
    """What to do when it happens, and what to say of it in sixty seconds."""
    from preflight import drilling

    drilling.card(name)
