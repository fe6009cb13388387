"""`preflight card ...`: the model card of a version, and incident cards to practise on. Tools are imported inside."""

from pathlib import Path
from typing import Annotated

import typer

from preflight.version_group import VERSION_COMMAND, VersionGroup

app = typer.Typer(
    name="card",
    cls=VersionGroup,
    help="The model card of a version (`preflight card 8`); or an incident: a broken scratch system, a pager, a clock.",
)

Version = Annotated[int, typer.Argument(help="model version", min=1)]
Json = Annotated[bool, typer.Option("--json", help="print one JSON document instead of tables")]


@app.command(VERSION_COMMAND)
def version(
    context: typer.Context,
    version: Version,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="file to write, a page if it ends in .html; default: print")
    ] = None,
) -> None:
    """Print the model card of a version: what it is for, data, quality, slices, fairness, limits, gate, lineage."""
    from preflight import card as command

    command.card(context.obj, version, output)


@app.command("deal")
def deal(
    context: typer.Context,
    level: Annotated[int | None, typer.Option(help="1, 2 or 3; default: any")] = None,
    seed: Annotated[int | None, typer.Option(help="the same seed deals the same; default: another", min=0)] = None,
    name: Annotated[str | None, typer.Option(help="a card you have had before")] = None,
    as_json: Json = False,
) -> None:
    """Break a scratch system, say what the pager says, start the clock. A card that lies there is replaced."""
    from preflight import card_table

    card_table.deal(context.obj, level, seed, name, as_json)


@app.command("answer")
def answer(
    context: typer.Context,
    cause: Annotated[str, typer.Option(help="a key of `preflight card keys`")],
    evidence: Annotated[str, typer.Option(help="what you saw, in your words, quoting what only who looked can know")],
    mitigation: Annotated[str, typer.Option(help="a key of `preflight card keys`")],
    prevention: Annotated[str, typer.Option(help="a key of `preflight card keys`")],
    as_json: Json = False,
) -> None:
    """Stop the clock: points and a reason for each part, then the way of an expert. Exit 0 when passed, 1 when not."""
    from preflight import card_table

    card_table.answer(context.obj, cause, evidence, mitigation, prevention, as_json)


@app.command("give-up")
def give_up(context: typer.Context, as_json: Json = False) -> None:
    """Stop the clock and show the way of an expert, without points."""
    from preflight import card_table

    card_table.give_up(context.obj, as_json)


@app.command("check")
def check(context: typer.Context, as_json: Json = False) -> None:
    """Whether the broken system is well again: exit 0 when it is, 1 when it is not."""
    from preflight import card_table

    card_table.check(context.obj, as_json)


@app.command("keys")
def keys(context: typer.Context, as_json: Json = False) -> None:
    """The keys of causes, mitigations and preventions, each with a sentence. Many fit no card."""
    from preflight import card_table

    card_table.keys(as_json)


@app.command("list")
def list_cards(context: typer.Context, as_json: Json = False) -> None:
    """The levels, how many cards each has, and your scores so far."""
    from preflight import card_table

    card_table.list_cards(context.obj, as_json)
